using Conclave.Roster;

namespace Conclave.Sealing;

/// <summary>The keys of one lobby that are at hand, by generation (docs/sealing.md, section 5); it owns them.</summary>
/// <remarks>Not thread-safe.</remarks>
public sealed class KeyRing : IDisposable
{
    readonly Dictionary<ulong, GenerationKey> _keys = [];

    /// <summary>The generations at hand, in no order.</summary>
    public IReadOnlyCollection<ulong> Generations => _keys.Keys;

    /// <summary>The key of a generation, or null.</summary>
    public GenerationKey? this[ulong generation] => _keys.GetValueOrDefault(generation);

    /// <summary>Takes a key over. One of the same generation that is there already is disposed.</summary>
    /// <exception cref="ArgumentNullException"><paramref name="key"/> is null.</exception>
    public void Add(GenerationKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (_keys.Remove(key.Generation, out var old) && !ReferenceEquals(old, key))
        {
            old.Dispose();
        }

        _keys.Add(key.Generation, key);
    }

    /// <summary>Opens a wrap made for oneself and adds its key.</summary>
    /// <inheritdoc cref="GenerationKey.OpenWrap"/>
    public Verdict AddWrap(RosterState roster, ulong generation, Identity recipient, ReadOnlySpan<byte> wrap)
    {
        var verdict = GenerationKey.OpenWrap(roster, generation, recipient, wrap, out var key);
        if (key is not null)
        {
            Add(key);
        }

        return verdict;
    }

    /// <summary>
    /// Walks the links back from the newest key at hand and adds every key it finds: all of them in a lobby whose new
    /// members read everything. It ends at a bad link; a wrap may lead on from before that.
    /// </summary>
    /// <param name="roster">The roster that holds the links.</param>
    /// <param name="from">The generation to start at: its key, if at hand, is the first whose link is opened.</param>
    /// <param name="stoppedAt">The generation that could not be opened; 0 if all could.</param>
    /// <returns>
    /// <see cref="Verdict.Accepted"/>, also where there are no links; <see cref="Verdict.NoKey"/> when the key to start
    /// with is not at hand; <see cref="Verdict.BadBox"/> or <see cref="Verdict.BadKey"/> for a bad link.
    /// </returns>
    /// <exception cref="ArgumentNullException"><paramref name="roster"/> is null.</exception>
    public Verdict WalkLinks(RosterState roster, ulong from, out ulong stoppedAt)
    {
        ArgumentNullException.ThrowIfNull(roster);
        stoppedAt = 0;
        for (var generation = from; roster.History == History.All && generation > 1; generation--)
        {
            if (this[generation] is not { } key)
            {
                stoppedAt = generation;
                return Verdict.NoKey;
            }

            if (_keys.ContainsKey(generation - 1))
            {
                continue;
            }

            var verdict = key.OpenLink(roster, out var previous);
            if (previous is null)
            {
                stoppedAt = generation - 1;
                return verdict;
            }

            Add(previous);
        }

        return Verdict.Accepted;
    }

    /// <summary>Wipes every key.</summary>
    public void Dispose()
    {
        foreach (var key in _keys.Values)
        {
            key.Dispose();
        }

        _keys.Clear();
    }

    /// <summary>The name of the type, and nothing else.</summary>
    public override string ToString() => nameof(KeyRing);
}
