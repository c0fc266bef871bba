using Conclave.Protocol;
using Conclave.Roster;

namespace Conclave.Server.Actions;

/// <summary>Refusals that docs/sealing.md names.</summary>
static class SealingRefusal
{
    public static Refusal Of(Verdict verdict, string? field = null) =>
        new(VerdictCode.Of(verdict), Message(verdict), field);

    static string Message(Verdict verdict) => verdict switch
    {
        Verdict.BadEncoding => "binary must be base64url without padding",
        Verdict.BadIdentity => "the identity is not a valid one, or not the one it should be",
        Verdict.BadVault => "the vault must be 105 bytes of version 1",
        Verdict.WeakKdf => "the derivation of the password is too weak, or stronger than clients take",
        Verdict.BadEntry => "the roster entry has not the form of one, or cannot stand here",
        Verdict.WrongLobby => "the roster entry is for another lobby",
        Verdict.RosterConflict => "the roster has gone on since; decide again and sign again",
        Verdict.NotAMember => "somebody whom the entry needs as a member is none",
        Verdict.Forbidden => "the member lacks the right to do this",
        Verdict.AlreadyMember => "this user or identity is a member already",
        Verdict.LastAdmin => "a lobby must keep an admin",
        Verdict.BadSignature => "the signature is not the author's",
        Verdict.BadWraps => "the wrapped keys are not those that the roster entry needs",
        Verdict.BadEnvelope => "row_data must be one envelope, and nonce its id",
        Verdict.StaleRoster => "the message was sealed under an older roster",
        Verdict.StaleKey => "a new key is due before anything is posted",
        Verdict.StaleTranscript => "what the message says to have seen is too old, or not there yet",
        Verdict.Fork => "the message was sealed by somebody who was shown another history",
        Verdict.Replay => "this message was there before",
        Verdict.Limit => "this lobby has as many members or roster entries as may be",
        _ => throw new ArgumentOutOfRangeException(nameof(verdict)),
    };
}
