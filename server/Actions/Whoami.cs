using Conclave.Protocol;

namespace Conclave.Server.Actions;

/// <summary>Tells the signed-in user who they are.</summary>
static class Whoami
{
    public static string? Read(Request request) => null;

    public static async ValueTask<Answer> RunAsync(string? form, Turn turn)
    {
        // Gone with its sessions, one of which was trusted a moment too long.
        if (await turn.Rooms.Users.FindAsync(turn.Session.Person.Login, turn.Cancellation) is not { } user)
            return Refused.BadToken();
        return await GetPublicToken.TellAsync(user, turn);
    }
}
