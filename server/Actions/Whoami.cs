using Conclave.Protocol;

namespace Conclave.Server.Actions;

/// <summary>Tells the signed-in user who they are.</summary>
static class Whoami
{
    public static string? Read(Request request) => null;

    public static ValueTask<Answer> RunAsync(string? form, Turn turn) =>
        GetPublicToken.RunAsync(turn.Session.Person.Login, turn);
}
