using Conclave.Protocol;
using Conclave.Server.Storage;

namespace Conclave.Server.Actions;

/// <summary>From the lobby that a request names to the lobby there is.</summary>
static class Lookup
{
    /// <summary>The lobby; or the answer to give when there is none, or when name and id name two.</summary>
    public static async ValueTask<(LobbyInfo? Lobby, Answer? Refused)> FindAsync(LobbyAddress address, Turn turn)
    {
        var lobbies = turn.Rooms.Lobbies;
        var byName = address.Name is { } name ? await lobbies.FindAsync(name, turn.Cancellation) : null;
        if (address.Name is not null && byName is null)
            return (null, Refused.NoSuchLobby());
        if (address.Id is not { } id)
            return (byName, null);
        if (byName is not null && byName.LobbyId != id)
        {
            return (null, Answer.Refuse(
                ErrorCode.BadRequest, "lobby_name and lobby_id must name the same lobby", "lobby_id"));
        }
        var lobby = byName ?? await lobbies.FindAsync(id, turn.Cancellation);
        return lobby is null ? (null, Refused.NoSuchLobby()) : (lobby, null);
    }
}
