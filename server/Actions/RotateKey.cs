using Conclave.Protocol;
using Conclave.Roster;
using Conclave.Server.Storage;

namespace Conclave.Server.Actions;

/// <summary>A member begins a new generation of keys in a sealed lobby, and brings it for every member.</summary>
static class RotateKey
{
    public sealed record Form(LobbyAddress Lobby, RosterEntry? Entry, IReadOnlyList<KeyWrap> Wraps);

    public static Form Read(Request request) =>
        new(request.Lobby(), RosterForm.Entry(request), RosterForm.Wraps(request));

    public static async ValueTask<Answer> RunAsync(Form form, Turn turn)
    {
        var (lobby, refused) = await Lookup.FindSealedAsync(form.Lobby, turn);
        if (lobby is null)
            return refused!;
        if (SealedChange.Refuse<RosterChange.Rotate>(lobby, form.Entry) is { } bad)
            return bad;
        var part = new SealedPart(SealedChange.RowOf(form.Entry!)) { Wraps = form.Wraps };
        var (draft, tooMany) = await SealedChange.WriteAsync(
            SealedChange.Build(lobby, EntryKind.KeyRotated, form.Entry!, part, turn), turn);
        return tooMany ?? Changed.Of(draft!);
    }
}
