using Conclave.Protocol;
using Conclave.Roster;
using RowVerdict = Conclave.Roster.Verdict;

namespace Conclave.Sdk.Sealing;

/// <summary>What a writer has to do before it can seal.</summary>
enum WriterStep
{
    /// <summary>Seal under the roster's key, and send.</summary>
    Send,

    /// <summary>A rotation is due, and this member may make it.</summary>
    Rotate,

    /// <summary>The key is not at hand.</summary>
    FetchKey,

    /// <summary>Not a member, or one that may not write.</summary>
    Forbidden,
}

/// <summary>The writer's flow of docs/sealing.md, section 6.1, as decisions without effects.</summary>
static class WriterFlow
{
    /// <summary>How often a writer begins again when others are always quicker.</summary>
    public const int AttemptsMax = 16;

    public static WriterStep Before(RosterState roster, RosterMember? self, bool hasKey) =>
        self is null || !self.Has(MemberRights.Write) ? WriterStep.Forbidden
        : !hasKey && (!roster.IsDirty || roster.History == History.All) ? WriterStep.FetchKey
        : roster.IsDirty ? WriterStep.Rotate
        : WriterStep.Send;

    /// <summary>
    /// Whether a refusal says that the log has gone on meanwhile: catch up, decide again, seal or sign again. A message
    /// keeps its id then.
    /// </summary>
    public static bool IsStale(string code) =>
        code is ErrorCode.StaleRoster or ErrorCode.StaleKey or ErrorCode.StaleTranscript or ErrorCode.RosterConflict;

    /// <summary>
    /// The member of a roster for whom nothing may be sealed, since somebody else's key was seen under the login and
    /// nobody has accepted it; null if there is none.
    /// </summary>
    public static RosterMember? FirstChanged(
        RosterState roster, IReadOnlyDictionary<string, (Digest Fingerprint, bool IsChanged, bool IsVerified)> pins) =>
        roster.Members.Values.FirstOrDefault(member =>
            pins.TryGetValue(member.Identity.Login, out var pin)
            && (pin.IsChanged || pin.Fingerprint != member.Identity.Fingerprint));

    /// <summary>The lobby knows the user by an identity whose keys are not here.</summary>
    public static RefusedException IsFormer() => RefusedException.From(new Refusal(
        "former_identity",
        "This lobby knows you by another identity. Sign in again, or ask an admin to let the present one in"));

    /// <summary>The refusal that a server would give, found before anything is sent.</summary>
    public static RefusedException Refusal(RowVerdict verdict) =>
        RefusedException.From(new Refusal(VerdictCode.Of(verdict), verdict switch
        {
            RowVerdict.Forbidden => "You have not the right to do this",
            RowVerdict.NotAMember => "This is no member of the lobby",
            RowVerdict.AlreadyMember => "This is a member of the lobby already",
            RowVerdict.LastAdmin => "The lobby would be left without an admin",
            RowVerdict.Limit => "The lobby has as many members as a lobby can have",
            RowVerdict.NoKey => "Nobody has handed over the lobby's key yet. Try again when another member is online",
            _ => "The lobby's roster does not allow this",
        }));
}
