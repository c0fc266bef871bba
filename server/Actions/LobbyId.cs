using Conclave.Protocol;

namespace Conclave.Server.Actions;

/// <summary>Anybody may know that a lobby exists, and who made it.</summary>
static class LobbyId
{
    public static LobbyAddress Read(Request request) => request.Lobby();

    public static async ValueTask<Answer> RunAsync(LobbyAddress address, Turn turn)
    {
        var (lobby, refused) = await Lookup.FindAsync(address, turn);
        if (lobby is null)
            return refused!;
        var rooms = turn.Rooms;
        if (await rooms.Outage.RideAsync(
            async () => await rooms.Lobbies.DescribeAsync(lobby.LobbyId, turn.Cancellation),
            turn.Cancellation) is not { } description)
            return Refused.NoSuchLobby();
        return Answer.Of(new LobbyReply
        {
            LobbyId = description.LobbyId,
            LobbyName = description.Name,
            CreatedBy = description.CreatedBy,
            CreatedAt = description.CreatedAt,
            Sealed = description.IsSealed,
        });
    }
}
