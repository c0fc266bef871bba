using Conclave.Protocol;

namespace Conclave.Server.Actions;

/// <summary>Ends the session that signs the request, and with it its subscriptions on every connection.</summary>
static class Logout
{
    public static string? Read(Request request) => null;

    public static async ValueTask<Answer> RunAsync(string? form, Turn turn)
    {
        await turn.Rooms.Sessions.EndAsync(turn.Session, turn.Cancellation);
        if (turn.Caller.SignedIn?.Session.SessionId == turn.Session.SessionId)
            turn.Caller.SignedIn = null;
        return Answer.Of(new DoneReply());
    }
}
