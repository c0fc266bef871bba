using Conclave.Protocol;
using Conclave.Roster;
using Conclave.Server.Storage;

namespace Conclave.Server.Actions;

/// <summary>An admin gives a member other rights, in place of those they have.</summary>
static class SetRights
{
    public sealed record Form(LobbyAddress Lobby, Guid PublicToken, Rights Rights, Guid? Nonce, RosterEntry? Entry);

    public static Form Read(Request request)
    {
        var (lobby, publicToken) = (request.Lobby(), request.PublicToken());
        // What an invitation grants without them would here be a guess.
        if (!request.Has("rights"))
            request.Reject("rights", "rights is required");
        return new(lobby, publicToken, request.Rights(), request.Nonce(), RosterForm.Entry(request));
    }

    public static async ValueTask<Answer> RunAsync(Form form, Turn turn)
    {
        var (lobby, refused) = await Lookup.FindAsync(form.Lobby, turn);
        if (lobby is null)
            return refused!;
        if (SealedChange.Refuse<RosterChange.SetRights>(lobby, form.Entry) is { } bad)
            return bad;
        if (form.Entry?.Change is RosterChange.SetRights change && (Rights)change.Rights != form.Rights)
            return RosterForm.Disagrees("rights");
        var (draft, tooMany) = await SealedChange.WriteAsync(await BuildAsync(form, lobby, turn), turn);
        return tooMany ?? Changed.Of(draft!);
    }

    static ValueTask<NewEntry> BuildAsync(Form form, LobbyInfo lobby, Turn turn) => SealedChange.OfMemberAsync(
        new NewEntry
        {
            Lobby = lobby,
            Kind = EntryKind.RightsChanged,
            Author = turn.Session.Person,
            Nonce = form.Nonce ?? Guid.CreateVersion7(),
            Member = form.PublicToken,
            Rights = form.Rights,
        },
        form.Entry,
        turn);
}
