using Conclave.Protocol;
using Conclave.Roster;
using Conclave.Server.Storage;

namespace Conclave.Server.Actions;

/// <summary>
/// A member of a sealed lobby puts its account's new identity in the place of the old one, which signs it.
/// </summary>
static class SucceedMember
{
    public sealed record Form(
        LobbyAddress Lobby, RosterEntry? Entry, IReadOnlyCollection<(ulong, ReadOnlyMemory<byte>)> Wraps);

    public static Form Read(Request request) =>
        new(request.Lobby(), RosterForm.Entry(request), RosterForm.OwnWraps(request));

    public static async ValueTask<Answer> RunAsync(Form form, Turn turn)
    {
        var (lobby, refused) = await Lookup.FindSealedAsync(form.Lobby, turn);
        if (lobby is null)
            return refused!;
        if (SealedChange.Refuse<RosterChange.Succeed>(lobby, form.Entry) is { } bad)
            return bad;
        var member = turn.Session.Person;
        var part = new SealedPart(SealedChange.RowOf(form.Entry!))
        {
            Identities = SealedPart.Of(
                await turn.Rooms.Sealed.IdentityAsync(member.PublicToken, turn.Cancellation)),
            OwnWraps = form.Wraps,
            Target = member,
        };
        var (draft, tooMany) = await SealedChange.WriteAsync(
            SealedChange.Build(lobby, EntryKind.IdentitySucceeded, form.Entry!, part, turn), turn);
        return tooMany ?? Changed.Of(draft!);
    }
}
