using System.Security.Cryptography;
using Conclave.Protocol;
using Conclave.Roster;
using Conclave.Sealing;

namespace Conclave.Sdk.Sealing;

/// <summary>
/// A recovery code: the seed of an identity, written down (docs/sealing.md, section 3.2). It has no check of its own,
/// so what it says is held against what is known of the account.
/// </summary>
static class Recovery
{
    /// <summary>The identity of a code. White space in it is from paper, and means nothing.</summary>
    /// <exception cref="RefusedException">It has not the form of one.</exception>
    public static Identity Read(string login, string code)
    {
        var text = string.Concat(code.Where(sign => !char.IsWhiteSpace(sign)));
        if (!Base64Text.TryDecode(text, out var seed) || seed.Length != Identity.SeedBytes)
            throw IsNotTheCode();
        try
        {
            return Identity.FromSeed(login, seed);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(seed);
        }
    }

    /// <summary>
    /// Whether this is the identity that the account had: by what this device knows of it, and by the signed rosters of
    /// the lobbies it is in. Where there is neither, nobody knows the account by another one.
    /// </summary>
    public static async Task<bool> IsOwnAsync(
        SealedSession session, Guid me, IdentityRecord identity, CancellationToken cancellationToken)
    {
        var known = session.Pins.FingerprintOf(session.Login);
        if (known == identity.Fingerprint)
            return true;
        var isKnown = known is not null;
        var lobbies = await Listing.LobbiesAsync(session.Link, cancellationToken).ConfigureAwait(false);
        foreach (var lobby in lobbies.Where(lobby => SealedNames.IsSealed(lobby.LobbyId)))
        {
            var roster = await new LobbyFetcher(session, lobby.LobbyId).FoldAsync(cancellationToken)
                .ConfigureAwait(false);
            if (roster.State?.MemberBy(me) is not { } member)
                continue;
            if (member.Identity.Fingerprint == identity.Fingerprint)
                return true;
            isKnown = true;
        }
        return !isKnown;
    }

    public static RefusedException IsNotTheCode() => RefusedException.From(new Refusal(
        "bad_recovery_code", "This is not the recovery code of this account"));
}
