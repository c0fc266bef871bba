using Conclave.Protocol;

namespace Conclave.Server.Actions;

/// <summary>A member of a sealed lobby fetches its keys, wrapped for the identity that the roster names.</summary>
static class MyKeys
{
    // A wrap takes 1.7 KB of JSON; a page never ends within a generation.
    const int CountMax = 600;

    public readonly record struct Form(LobbyAddress Lobby, long After);

    public static Form Read(Request request) =>
        new(request.Lobby(), request.Integer("after", 0, (1L << 53) - 1) ?? 0);

    public static async ValueTask<Answer> RunAsync(Form form, Turn turn)
    {
        var (lobby, refused) = await Lookup.FindSealedAsync(form.Lobby, turn);
        if (lobby is null)
            return refused!;
        var wraps = await turn.Rooms.Keys.FindAsync(
            lobby.LobbyId, turn.Session.Person.PublicToken, form.After, CountMax + 1, turn.Cancellation);
        if (await Lookup.RefuseStrangerAsync(lobby, turn) is { } stranger)
            return stranger;
        var isCut = wraps.Count > CountMax;
        if (isCut)
        {
            var last = wraps[^1].Generation;
            wraps.RemoveAll(wrap => wrap.Generation == last);
        }
        return Answer.Of(new MyKeysReply { KeyWraps = wraps, More = isCut });
    }
}
