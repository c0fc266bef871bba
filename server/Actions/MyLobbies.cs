using Conclave.Protocol;
using Conclave.Server.Storage;

namespace Conclave.Server.Actions;

/// <summary>The lobbies one is a member of, page by page.</summary>
static class MyLobbies
{
    public static string? Read(Request request) => request.AfterLobbyName();

    public static async ValueTask<Answer> RunAsync(string? after, Turn turn)
    {
        var lobbies = await turn.Rooms.Lobbies.ListAsync(turn.Session.Person.PublicToken, after, turn.Cancellation);
        return Answer.Of(new MyLobbiesReply
        {
            Lobbies = [.. lobbies.Take(LobbyStore.OwnLobbiesMax)],
            More = lobbies.Count > LobbyStore.OwnLobbiesMax,
        });
    }
}
