using Conclave.Protocol;
using Conclave.Server.Storage;

namespace Conclave.Server.Actions;

/// <summary>An admin gives the lobby another name. The old ones go on naming it in requests, for ever.</summary>
static class RenameLobby
{
    public readonly record struct Form(Guid LobbyId, string Name, Guid? Nonce);

    // By id alone: the name in the request is the new one.
    public static Form Read(Request request) => new(request.LobbyId(), request.LobbyName(), request.Nonce());

    public static async ValueTask<Answer> RunAsync(Form form, Turn turn)
    {
        if (await turn.Rooms.Lobbies.FindAsync(form.LobbyId, turn.Cancellation) is not { } lobby)
            return Refused.NoSuchLobby();
        return Changed.Of(await turn.Rooms.Writer.WriteAsync(
            new NewEntry
            {
                Lobby = lobby,
                Kind = EntryKind.LobbyRenamed,
                Author = turn.Session.Person,
                Nonce = form.Nonce ?? Guid.CreateVersion7(),
                Name = form.Name,
            },
            turn.Cancellation));
    }
}
