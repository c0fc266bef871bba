using Conclave.Protocol;
using Conclave.Server.Storage;

namespace Conclave.Server.Actions;

/// <summary>From the lobby that a request names to the lobby there is.</summary>
static class Lookup
{
    /// <summary>The lobby; or the answer to give when there is none, or when name and id do not name one.</summary>
    public static ValueTask<(LobbyInfo? Lobby, Answer? Refused)> FindAsync(LobbyAddress address, Turn turn)
    {
        var looking = LookAsync(address, turn);
        return looking.IsCompletedSuccessfully ? looking : RideAsync(looking, address, turn);
    }

    static ValueTask<(LobbyInfo? Lobby, Answer? Refused)> RideAsync(
        ValueTask<(LobbyInfo? Lobby, Answer? Refused)> looking, LobbyAddress address, Turn turn) =>
        turn.Rooms.Outage.RideAsync(looking, () => LookAsync(address, turn), turn.Cancellation);

    static async ValueTask<(LobbyInfo? Lobby, Answer? Refused)> LookAsync(LobbyAddress address, Turn turn)
    {
        var lobbies = turn.Rooms.Lobbies;
        var byName = address.Name is { } name ? await lobbies.FindAsync(name, turn.Cancellation) : null;
        var byId = address.Id is { } id ? await lobbies.FindAsync(id, turn.Cancellation) : null;
        if ((byName ?? byId) is not { } lobby)
            return (null, Refused.NoSuchLobby());
        var areBothGiven = address is { Name: not null, Id: not null };
        return areBothGiven && byName?.LobbyId != byId?.LobbyId
            ? (null, Answer.Refuse(
                ErrorCode.BadRequest, "lobby_name and lobby_id must name the same lobby", "lobby_id"))
            : (lobby, null);
    }

    /// <summary>The same where only a sealed lobby will do.</summary>
    public static async ValueTask<(LobbyInfo? Lobby, Answer? Refused)> FindSealedAsync(LobbyAddress address, Turn turn)
    {
        var (lobby, refused) = await FindAsync(address, turn);
        return lobby is { IsSealed: false }
            ? (null, Answer.Refuse(
                ErrorCode.BadRequest, "this lobby is not sealed",
                address.Id is null ? "lobby_name" : "lobby_id"))
            : (lobby, refused);
    }

    /// <summary>How somebody stands who is a member of the lobby now; or the answer to a stranger.</summary>
    public static async ValueTask<(Standing Member, Answer? Refused)> StandingAsync(LobbyInfo lobby, Turn turn) =>
        await turn.Rooms.Lobbies.StandingAsync(
            lobby.LobbyId, turn.Session.Person.PublicToken, turn.Cancellation) switch
        {
            null => (default, Refused.NoSuchLobby()),
            { IsMember: false } => (default, Refused.Forbidden()),
            { } member => (member, null),
        };

    /// <summary>The answer to somebody who is not a member of the lobby now; null to a member.</summary>
    public static async ValueTask<Answer?> RefuseStrangerAsync(LobbyInfo lobby, Turn turn) =>
        (await StandingAsync(lobby, turn)).Refused;

    /// <summary>
    /// The lobby's name, for a hint about what is stored already; null while the database is away, for then the hint
    /// is lost and the answer is still ok.
    /// </summary>
    public static async ValueTask<string?> TryNameAsync(LobbyInfo lobby, Turn turn)
    {
        try
        {
            return (await turn.Rooms.Lobbies.DescribeAsync(lobby.LobbyId, turn.Cancellation))?.Name;
        }
        catch (Exception fault) when (Refused.IsBusy(fault))
        {
            return null;
        }
    }
}
