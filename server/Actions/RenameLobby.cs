using Conclave.Protocol;
using Conclave.Roster;
using Conclave.Server.Storage;

namespace Conclave.Server.Actions;

/// <summary>An admin gives the lobby another name. The old ones go on naming it in requests, for ever.</summary>
static class RenameLobby
{
    public sealed record Form(Guid LobbyId, string Name, Guid? Nonce, RosterEntry? Entry);

    // By id alone: the name in the request is the new one.
    public static Form Read(Request request) =>
        new(request.LobbyId(), request.LobbyName(), request.Nonce(), RosterForm.Entry(request));

    public static async ValueTask<Answer> RunAsync(Form form, Turn turn)
    {
        if (await turn.Rooms.Lobbies.FindAsync(form.LobbyId, turn.Cancellation) is not { } lobby)
            return Refused.NoSuchLobby();
        if (SealedChange.Refuse<RosterChange.Rename>(lobby, form.Entry) is { } bad)
            return bad;
        if (form.Entry?.Change is RosterChange.Rename rename && rename.Name != form.Name)
            return RosterForm.Disagrees("lobby_name");
        var (draft, tooMany) = await SealedChange.WriteAsync(Build(form, lobby, turn), turn);
        return tooMany ?? Changed.Of(draft!);
    }

    static NewEntry Build(Form form, LobbyInfo lobby, Turn turn) => form.Entry is { } entry
        ? SealedChange.Build(
            lobby, EntryKind.LobbyRenamed, entry, new SealedPart(SealedChange.RowOf(entry)), turn)
        : new NewEntry
        {
            Lobby = lobby,
            Kind = EntryKind.LobbyRenamed,
            Author = turn.Session.Person,
            Nonce = form.Nonce ?? Guid.CreateVersion7(),
            Name = form.Name,
        };
}
