using Conclave.Protocol;
using Conclave.Roster;
using Conclave.Sealing;

namespace Conclave.Sdk.Sealing;

/// <summary>Whether another member may have a key that it asks for (docs/sealing.md, section 5).</summary>
static class KeyRepair
{
    /// <summary>
    /// The key, wrapped for the one who asks; null if this client has it not, or the one who asks is not entitled to
    /// it. The roster's commitment makes the wrap right whoever made it.
    /// </summary>
    public static byte[]? Answer(SealedSession session, LobbyFollower follower, KeyRing keys, Hint hint)
    {
        if (hint.Member is not { } who || follower.Log.Roster?.MemberBy(who.PublicToken) is not { } member
            || hint.Generation is not >= 1 || keys[(ulong)hint.Generation] is not { } key || member.Token == session.Me
            || !IsEntitled(follower.Book, member, key.Generation)
            || session.Pins.Find(member.Identity.Login) is not { Changed: null } pin
            || pin.Identity.Fingerprint != member.Identity.Fingerprint)
            return null;
        return key.WrapFor(follower.Book.LobbyId, member.Identity).Wrap.ToArray();
    }

    /// <summary>Whoever joins a lobby without history has only the keys of later generations.</summary>
    public static bool IsEntitled(RosterBook book, RosterMember member, ulong generation) =>
        book.JoiningOf(member.Identity.Fingerprint) is { } joining && generation >= joining.Generation;
}
