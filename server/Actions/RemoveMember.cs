using Conclave.Protocol;
using Conclave.Roster;
using Conclave.Server.Accounts;
using Conclave.Server.Storage;

namespace Conclave.Server.Actions;

/// <summary>
/// An admin removes a member, or a member leaves. What the removed one has open ends by itself: every cursor stops at
/// the entry that removes its user, wherever it is.
/// </summary>
static class RemoveMember
{
    public sealed record Form(LobbyAddress Lobby, Guid PublicToken, Guid? Nonce, RosterEntry? Entry);

    public static Form Read(Request request) =>
        new(request.Lobby(), request.PublicToken(), request.Nonce(), RosterForm.Entry(request));

    public static async ValueTask<Answer> RunAsync(Form form, Turn turn)
    {
        var (lobby, refused) = await Lookup.FindAsync(form.Lobby, turn);
        if (lobby is null)
            return refused!;
        if (SealedChange.Refuse<RosterChange.Remove>(lobby, form.Entry) is { } bad)
            return bad;
        var (draft, tooMany) = await SealedChange.WriteAsync(await BuildAsync(form, lobby, turn), turn);
        if (draft is null)
            return tooMany!;
        if (draft.Result.Outcome == Outcome.Stored)
            await TellAsync(lobby, form.PublicToken, turn);
        return Changed.Of(draft);
    }

    static ValueTask<NewEntry> BuildAsync(Form form, LobbyInfo lobby, Turn turn) => SealedChange.OfMemberAsync(
        new NewEntry
        {
            Lobby = lobby,
            Kind = EntryKind.MemberRemoved,
            Author = turn.Session.Person,
            Nonce = form.Nonce ?? Guid.CreateVersion7(),
            Member = form.PublicToken,
        },
        form.Entry,
        turn);

    static async ValueTask TellAsync(LobbyInfo lobby, Guid publicToken, Turn turn)
    {
        if (await Lookup.TryNameAsync(lobby, turn) is { } name)
            turn.Rooms.Presence.Tell(publicToken, new Notice(new Hint(EventName.Removed, lobby.LobbyId, name)));
    }
}
