using Conclave.Protocol;
using Conclave.Server.Storage;

namespace Conclave.Server.Actions;

/// <summary>An admin has the lobby gone for everybody, at once and for good; nobody takes its names.</summary>
static class DeleteLobby
{
    public static LobbyAddress Read(Request request) => request.Lobby();

    public static async ValueTask<Answer> RunAsync(LobbyAddress address, Turn turn)
    {
        var (lobby, refused) = await Lookup.FindAsync(address, turn);
        if (lobby is null)
            return refused!;
        var outcome = await turn.Rooms.Erasures.DeleteAsync(lobby, turn.Session.Person);
        return outcome == Outcome.Stored
            ? Answer.Of(new DoneReply())
            : Answer.Refuse(Refused.Of(outcome, trace: null));
    }
}
