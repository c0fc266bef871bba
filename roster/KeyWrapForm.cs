// Parameters
//   wrap = version 1 (1) || X-Wing ciphertext (1120) || box of 32 bytes (104)     1225 bytes
namespace Conclave.Roster;

/// <summary>A wrapped lobby key as it travels: for whom, and the bytes that only the recipient can open.</summary>
/// <param name="To">Fingerprint of the recipient.</param>
/// <param name="Wrap">1225 bytes if it is one.</param>
public sealed record KeyWrap(Digest To, ReadOnlyMemory<byte> Wrap);

/// <summary>
/// What a server can check of key wraps: their form, and that exactly those are there which a roster entry needs
/// (docs/sealing.md, sections 5 and 7). It cannot see inside.
/// </summary>
public static class KeyWrapForm
{
    /// <summary>Size of a wrap, in bytes.</summary>
    public const int SizeBytes = 1225;

    const byte Version = 1;

    /// <summary>
    /// True for 1225 bytes of version 1; else a client says <c>bad_wrap</c>, a server <c>bad_wraps</c>.
    /// </summary>
    public static bool IsWrap(ReadOnlySpan<byte> wrap) => wrap.Length == SizeBytes && wrap[0] == Version;

    /// <summary>
    /// Whether the wraps that came with an entry are those it needs: with create and rotate one for each member after
    /// it, with an invitation one for the invited (none where history starts at joining), with others none.
    /// </summary>
    /// <param name="entry">The entry; not one that succeeds, whose wraps have no recipients.</param>
    /// <param name="after">The state after it.</param>
    /// <param name="wraps">The wraps, in any order.</param>
    /// <returns><see cref="Verdict.Accepted"/> or <see cref="Verdict.BadWraps"/>.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static Verdict Check(RosterEntry entry, RosterState after, IReadOnlyCollection<KeyWrap> wraps)
    {
        ArgumentNullException.ThrowIfNull(entry);
        ArgumentNullException.ThrowIfNull(after);
        ArgumentNullException.ThrowIfNull(wraps);
        HashSet<Digest> needed = entry.Change switch
        {
            RosterChange.Create or RosterChange.Rotate => [.. after.Members.Keys],
            RosterChange.Invite invite when after.History == History.All => [invite.Member],
            _ => [],
        };
        return wraps.Count == needed.Count && wraps.All(wrap => IsWrap(wrap.Wrap.Span) && needed.Remove(wrap.To))
            ? Verdict.Accepted
            : Verdict.BadWraps;
    }

    /// <summary>
    /// Whether the wraps that came with a succession are well-formed, each of another generation, from 1 to the
    /// current.
    /// </summary>
    /// <param name="after">The state after it.</param>
    /// <param name="wraps">Generation and wrap, in any order; none is right too.</param>
    /// <returns><see cref="Verdict.Accepted"/> or <see cref="Verdict.BadWraps"/>.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static Verdict CheckSuccession(
        RosterState after, IReadOnlyCollection<(ulong Generation, ReadOnlyMemory<byte> Wrap)> wraps)
    {
        ArgumentNullException.ThrowIfNull(after);
        ArgumentNullException.ThrowIfNull(wraps);
        var seen = new HashSet<ulong>();
        return wraps.All(wrap => wrap.Generation >= 1 && wrap.Generation <= after.Generation
            && IsWrap(wrap.Wrap.Span) && seen.Add(wrap.Generation))
            ? Verdict.Accepted
            : Verdict.BadWraps;
    }
}
