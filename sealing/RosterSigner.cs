using System.Text;
using Conclave.Roster;

namespace Conclave.Sealing;

/// <summary>Makes roster entries (docs/sealing.md, section 4).</summary>
public static class RosterSigner
{
    /// <summary>The entry that creates a lobby; the lobby's id is <see cref="SealedLobbyId.Of"/> its hash.</summary>
    /// <param name="creator">The author.</param>
    /// <param name="token">The author's public token.</param>
    /// <param name="history">What new members will read.</param>
    /// <param name="name">1 to 255 bytes of UTF-8.</param>
    /// <param name="key">The key of generation 1.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException">
    /// The name is too short, too long or holds half a surrogate pair, or the key is of another generation.
    /// </exception>
    /// <exception cref="ObjectDisposedException"><paramref name="creator"/> has been disposed.</exception>
    public static RosterEntry Create(Identity creator, Guid token, History history, string name, GenerationKey key)
    {
        ArgumentNullException.ThrowIfNull(creator);
        ArgumentNullException.ThrowIfNull(key);
        return key.Generation == 1
            ? Sign(creator, null, new RosterChange.Create(token, history, key.Commit, name))
            : throw new ArgumentException("A lobby begins with generation 1.", nameof(key));
    }

    /// <summary>
    /// The entry that makes <paramref name="next"/> the current key: with the link where new members read everything.
    /// </summary>
    /// <param name="author">A member with the right to.</param>
    /// <param name="state">The state that the entry continues.</param>
    /// <param name="next">The new key.</param>
    /// <param name="current">The key before it; not needed where history starts at joining.</param>
    /// <exception cref="ArgumentNullException">
    /// <paramref name="author"/>, <paramref name="state"/> or <paramref name="next"/> is null, or
    /// <paramref name="current"/> is although there must be a link.
    /// </exception>
    /// <exception cref="ArgumentException">The keys are not of the generations that it takes.</exception>
    /// <exception cref="ObjectDisposedException">The author or a key has been disposed.</exception>
    public static RosterEntry Rotate(Identity author, RosterState state, GenerationKey next, GenerationKey? current)
    {
        ArgumentNullException.ThrowIfNull(author);
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(next);
        if (next.Generation != state.Generation + 1)
        {
            throw new ArgumentException("A rotation begins the next generation.", nameof(next));
        }

        ReadOnlyMemory<byte> link = default;
        if (state.History == History.All)
        {
            ArgumentNullException.ThrowIfNull(current);
            link = current.Commit == state.Generations[^1].Commit
                ? next.Link(state.LobbyId, current)
                : throw new ArgumentException("The key is not the current one.", nameof(current));
        }

        return Sign(author, state, new RosterChange.Rotate(next.Generation, next.Commit, link));
    }

    /// <summary>
    /// An entry that continues a state. Whether the author may make this change is not asked here:
    /// <see cref="RosterState.Apply"/> says it, before the entry is sent.
    /// </summary>
    /// <param name="author">The author.</param>
    /// <param name="state">The state that it continues; null only to create a lobby.</param>
    /// <param name="change">The change.</param>
    /// <exception cref="ArgumentNullException">
    /// <paramref name="author"/> or <paramref name="change"/> is null.
    /// </exception>
    /// <exception cref="ArgumentException">
    /// No entry can say this: rights without read, a name of 0 or more than 255 bytes or with half a surrogate pair, a
    /// link of another size than 0 or 104 bytes, or a creation that continues a state.
    /// </exception>
    /// <exception cref="ObjectDisposedException"><paramref name="author"/> has been disposed.</exception>
    public static RosterEntry Sign(Identity author, RosterState? state, RosterChange change)
    {
        ArgumentNullException.ThrowIfNull(author);
        ArgumentNullException.ThrowIfNull(change);
        if (change is RosterChange.Create != state is null || !CanEncode(change))
        {
            throw new ArgumentException("No roster entry can say this.", nameof(change));
        }

        var body = RosterEntry.Body(state, author.Fingerprint, change);
        byte[] bytes = [.. body.Bytes, .. author.Sign(body)];
        return RosterEntry.Parse(bytes, out var entry) == Verdict.Accepted
            ? entry!
            : throw new ArgumentException("No roster entry can say this.", nameof(change));
    }

    // Encoding replaces half a surrogate pair, and would sign another name than the one asked for.
    static bool CanEncode(RosterChange change)
    {
        var name = (change as RosterChange.Create)?.Name ?? (change as RosterChange.Rename)?.Name ?? "";
        return string.Equals(name, Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(name)), StringComparison.Ordinal);
    }
}
