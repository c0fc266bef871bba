using System.Text;
using Conclave.Protocol;

namespace Conclave.Server.Actions;

/// <summary>Ends one of one's own sessions, or all but the one that asks.</summary>
static class RevokeSession
{
    const string AllOthers = "all_others";
    const string Field = "session_id";

    /// <param name="SessionId">Null for all others.</param>
    public readonly record struct Form(Guid? SessionId);

    public static Form Read(Request request)
    {
        var text = request.OptionalText(Field);
        if (Uuid.TryParse(Encoding.UTF8.GetBytes(text ?? ""), out var sessionId))
            return new Form(sessionId);
        if (text != AllOthers)
            request.Reject(Field, "session_id must be a UUID or \"all_others\"");
        return default;
    }

    public static async ValueTask<Answer> RunAsync(Form form, Turn turn)
    {
        var session = turn.Session;
        var sessions = turn.Rooms.Sessions;
        if (form.SessionId is not { } sessionId)
            return Revoked(await sessions.EndOthersAsync(session, turn.Cancellation));
        // Somebody else's, like one that is over, is none: nobody learns which sessions there are.
        var isEnded = await sessions.EndAsync(
            session.Person.PublicToken, sessionId, SessionEnd.Revoked, turn.Cancellation);
        turn.Caller.SignOut(sessionId);
        return Revoked(isEnded ? 1 : 0);
    }

    static Answer Revoked(int count) => Answer.Of(new RevokeSessionReply { Revoked = count });
}
