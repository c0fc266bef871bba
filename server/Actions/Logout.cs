using Conclave.Protocol;

namespace Conclave.Server.Actions;

/// <summary>Ends the session that signs the request, and with it its subscriptions on every connection.</summary>
static class Logout
{
    public static string? Read(Request request) => null;

    public static async ValueTask<Answer> RunAsync(string? form, Turn turn)
    {
        var session = turn.Session;
        await turn.Rooms.Sessions.EndAsync(
            session.Person.PublicToken, session.SessionId, SessionEnd.Logout, turn.Cancellation);
        turn.Caller.SignOut(session.SessionId);
        return Answer.Of(new DoneReply());
    }
}
