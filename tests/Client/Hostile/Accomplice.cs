using Conclave.Roster;
using Conclave.Sdk.Sealing;
using Conclave.Sealing;

namespace Conclave.Tests.Client.Hostile;

/// <summary>
/// Somebody who helps the server to lie: signs what the server wants said, and has the lobby's key if ever it was
/// handed over.
/// </summary>
sealed class Accomplice(HostileDen den, string login) : IDisposable
{
    public Identity Identity { get; } = den.IdentityOf(login);

    public Guid Token { get; } = den.Server.Users[login].Token;

    public void Dispose() => Identity.Dispose();

    /// <summary>A row with a change of the roster, signed, whatever it is worth.</summary>
    public byte[] Entry(RosterChange change, RosterState? state = null) =>
        SealedRow.AroundEntry(RosterSigner.Sign(Identity, state ?? den.Lobby.Log.Roster, change));

    /// <summary>A row with a message under a roster, which is the lobby's own unless another is given.</summary>
    /// <param name="text">What it says.</param>
    /// <param name="key">The key: <see cref="Key"/> of somebody who has it.</param>
    /// <param name="roster">The roster.</param>
    public byte[] Message(string text, GenerationKey key, RosterState? roster = null)
    {
        using var content = ContentForm.ToSealed(Conclave.Sdk.Content.OfText(text));
        return SealedMessage.Seal(
            Identity, roster ?? den.Lobby.Log.Roster!, key, Seen.In(den.Lobby.Log), SealedMessage.NewId(), content);
    }

    /// <summary>The key that was wrapped for this one.</summary>
    public GenerationKey Key()
    {
        var roster = den.Lobby.Log.Roster!;
        var wraps = den.Lobby.Wraps.Where(wrap => wrap.To == Identity.Fingerprint);
        foreach (var (generation, _, wrap) in wraps.Reverse())
        {
            if (GenerationKey.OpenWrap(roster, generation, Identity, wrap, out var key)
                == Conclave.Roster.Verdict.Accepted)
                return key!;
        }
        throw new InvalidOperationException("No key was handed to this one.");
    }
}
