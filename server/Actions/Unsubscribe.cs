using Conclave.Protocol;

namespace Conclave.Server.Actions;

/// <summary>Ends this connection's subscription to a lobby; if it has none, that is what was asked for.</summary>
static class Unsubscribe
{
    public static LobbyAddress Read(Request request) => request.Lobby();

    public static async ValueTask<Answer> RunAsync(LobbyAddress address, Turn turn)
    {
        var (lobby, refused) = await Lookup.FindAsync(address, turn);
        if (lobby is null)
            return refused!;
        turn.Caller.Subscriptions.Remove(lobby.LobbyId);
        return Answer.Of(new DoneReply());
    }
}
