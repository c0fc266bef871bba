using Conclave.Protocol;

namespace Conclave.Server.Actions;

/// <summary>One's own sessions, wherever they are: who finds a strange one revokes it.</summary>
static class OwnSessions
{
    public static string? Read(Request request) => null;

    public static async ValueTask<Answer> RunAsync(string? form, Turn turn) => Answer.Of(new SessionsReply
    {
        Sessions = await turn.Rooms.Sessions.ListAsync(turn.Session, turn.Cancellation),
    });
}
