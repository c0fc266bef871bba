using Conclave.Roster;
using Conclave.Sdk.Storage;
using RowVerdict = Conclave.Roster.Verdict;

namespace Conclave.Sdk.Sealing;

/// <summary>
/// What becomes of the pin of a login when an identity is seen under it (docs/sealing.md, section 9): trusted on first
/// use, and an alarm ever after. Decides, and keeps nothing.
/// </summary>
static class Pinning
{
    /// <summary>The pin after <paramref name="seen"/> was seen.</summary>
    /// <param name="pin">The pin of its login; null if there is none.</param>
    /// <param name="seen">The identity, accepted for the login.</param>
    /// <param name="token">The account's public token, as it came with it.</param>
    /// <param name="isSigned">Whether a valid succession leads to it from the pinned identity.</param>
    public static Pin See(Pin? pin, IdentityRecord seen, Guid token, bool isSigned) =>
        pin is null ? new Pin(seen, token, IsVerified: false, Changed: null, IsSigned: false)
        : pin.Identity.Fingerprint == seen.Fingerprint ? pin
        : pin.Changed?.Fingerprint == seen.Fingerprint ? pin with { IsSigned = pin.IsSigned || isSigned }
        : pin with { Changed = seen, IsSigned = isSigned };

    /// <summary>
    /// The pin after a roster's <c>succeed</c>: one that nobody has verified moves, with the notice that the roster's
    /// row itself is; one that was verified raises the alarm.
    /// </summary>
    public static Pin Succeed(Pin? pin, Digest from, IdentityRecord to, Guid token) =>
        pin is { IsVerified: false } && pin.Identity.Fingerprint == from
            // A third key that was seen under the login is still one that nobody has decided about.
            ? new Pin(to, token, IsVerified: false, Other(pin.Changed, to), IsSigned: false)
            : See(pin, to, token, isSigned: pin?.Identity.Fingerprint == from);

    static IdentityRecord? Other(IdentityRecord? changed, IdentityRecord to) =>
        changed?.Fingerprint == to.Fingerprint ? null : changed;

    /// <summary>
    /// The pin after a person has accepted the identity that raised the alarm; null if that is not the one.
    /// </summary>
    public static Pin? Accept(Pin pin, string fingerprint) =>
        pin.Changed is { } changed
        && string.Equals(changed.Fingerprint.ToString(), fingerprint, StringComparison.Ordinal)
            ? new Pin(changed, pin.Token, IsVerified: false, Changed: null, IsSigned: false)
            : null;

    /// <summary>
    /// Whether a chain of successions leads from the pinned identity to the one that is served now.
    /// </summary>
    /// <param name="pinned">The pinned identity.</param>
    /// <param name="current">The identity that is served.</param>
    /// <param name="previous">
    /// What the account had before, newest first: each record and its signature on the next newer one.
    /// </param>
    public static bool IsSuccession(
        IdentityRecord pinned, IdentityRecord current, IEnumerable<(byte[] Record, byte[] Succession)> previous)
    {
        var newer = current;
        foreach (var (record, succession) in previous)
        {
            if (IdentityRecord.Accept(current.Login, record, out var older) != RowVerdict.Accepted
                || older!.CheckSuccession(newer, succession) != RowVerdict.Accepted)
                return false;
            if (older.Fingerprint == pinned.Fingerprint)
                return true;
            newer = older;
        }
        return false;
    }
}
