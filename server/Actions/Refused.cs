using Conclave.Protocol;
using Conclave.Server.Storage;
using Conclave.Server.Writing;

namespace Conclave.Server.Actions;

/// <summary>Refusals that more than one action gives.</summary>
static class Refused
{
    /// <summary>How long to wait for a database that is away before asking again, in milliseconds.</summary>
    const long RetryAfterMs = 1000;

    public static Answer NoSuchLobby() => Answer.Refuse(ErrorCode.NoSuchLobby, "there is no such lobby");

    public static Answer NoSuchUser() => Answer.Refuse(ErrorCode.NoSuchUser, "there is no such user");

    public static Answer Forbidden() => Answer.Refuse(ErrorCode.Forbidden, ForbiddenMessage);

    /// <summary>Whether a fault only means that the database is away: then the answer is <see cref="Busy"/>.</summary>
    public static bool IsBusy(Exception fault) => Database.IsAway(fault);

    public static Answer BadToken() =>
        Answer.Refuse(ErrorCode.BadToken, "the token is missing, unknown or expired; sign in again");

    public static Answer BadCredentials() =>
        Answer.Refuse(ErrorCode.BadCredentials, "the login or the password is wrong");

    public static Answer TooManyCopies() =>
        Answer.Refuse(ErrorCode.Limit, "there are as many copies of this key for the member as may be");

    /// <summary>Too often in a short time.</summary>
    public static Answer RateLimited(string message, TimeSpan retryAfter) => Answer.Refuse(
        ErrorCode.RateLimited, message, retryAfterMs: (long)Math.Ceiling(retryAfter.TotalMilliseconds));

    public static Answer Busy() => Answer.Refuse(Unavailable);

    const string ForbiddenMessage = "you are not a member of this lobby or lack the right to do this";

    static Refusal Unavailable { get; } = new(
        ErrorCode.Busy, "the server cannot do this right now; nothing was done", RetryAfterMs: RetryAfterMs);

    /// <summary>Why the writer did not store an entry.</summary>
    public static Refusal Of(Draft draft) => draft.Result.Outcome switch
    {
        Outcome.Unsealable => SealingRefusal.Of(draft.Entry.Sealed!.Refusal),
        Outcome.TooSoon => new(
            ErrorCode.RateLimited, "this lobby takes no more of this now",
            RetryAfterMs: (long)Math.Ceiling(draft.Entry.Sealed!.RetryAfter.TotalMilliseconds)),
        Outcome.Disagreeing => new(
            ErrorCode.BadRequest, "public_token is not the one of the member in the roster entry", "public_token"),
        var outcome => Of(outcome, draft.Trace),
    };

    public static Refusal Of(Outcome outcome, string? trace) => outcome switch
    {
        Outcome.NoSuchLobby => new(ErrorCode.NoSuchLobby, "there is no such lobby"),
        Outcome.Forbidden => new(ErrorCode.Forbidden, ForbiddenMessage),
        Outcome.NoSuchUser => new(ErrorCode.NoSuchUser, "there is no user with this public_token"),
        Outcome.AlreadyMember => new(ErrorCode.AlreadyMember, "the user is a member of this lobby already"),
        Outcome.NotAMember => new(ErrorCode.NotAMember, "the user is not a member of this lobby"),
        Outcome.LastAdmin => new(ErrorCode.LastAdmin, "a lobby must keep an admin"),
        Outcome.NameTaken => new(ErrorCode.LobbyNameTaken, "a lobby has or had this name"),
        Outcome.LobbyFull => new(ErrorCode.Limit, "the messages of this lobby take as many bytes as they may"),
        Outcome.TooManyMembers => new(ErrorCode.Limit, "this lobby has as many members as may be"),
        Outcome.NoSuchMessage => new(ErrorCode.NoSuchMessage, "there is no message with this seq"),
        Outcome.NonceReused => new(ErrorCode.NonceReused, "this nonce stands for another content"),
        Outcome.Unavailable => Unavailable,
        Outcome.Unknown => new(
            ErrorCode.UnknownOutcome,
            "the database went away while this was being done; repeat it, with the same nonce, to find out",
            RetryAfterMs: RetryAfterMs),
        Outcome.Broken => new(ErrorCode.Internal, "the server failed; its log knows why", Trace: trace),
        _ => throw new ArgumentOutOfRangeException(nameof(outcome)),
    };
}
