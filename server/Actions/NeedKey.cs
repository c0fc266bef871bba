using Conclave.Protocol;
using Conclave.Server.Accounts;

namespace Conclave.Server.Actions;

/// <summary>
/// A member of a sealed lobby who has no good copy of a key asks the others for one. Their clients answer by
/// themselves; the server only passes the question on to those who are there.
/// </summary>
static class NeedKey
{
    public readonly record struct Form(LobbyAddress Lobby, long Generation);

    public static Form Read(Request request) => new(request.Lobby(), KeyFields.Generation(request));

    public static async ValueTask<Answer> RunAsync(Form form, Turn turn)
    {
        var (lobby, refused) = await Lookup.FindSealedAsync(form.Lobby, turn);
        if (lobby is null)
            return refused!;
        var member = turn.Session.Person;
        var entitlement = await turn.Rooms.Keys.EntitlementAsync(
            lobby.LobbyId, member.PublicToken, turn.Cancellation);
        if (entitlement is null)
            return Refused.Forbidden();
        if (KeyFields.Refuse(entitlement.Value, form.Generation) is { } bad)
            return bad;
        if (!turn.Rooms.Paces.TryAskForKey(member.PublicToken, out var retryAfter))
            return Refused.RateLimited("you ask for more keys than the server passes on", retryAfter);
        // Nobody could add another, and each of them would spend a turn of theirs on trying.
        if (!await turn.Rooms.Keys.HasPlaceAsync(
            lobby.LobbyId, entitlement.Value.Fingerprint, form.Generation, turn.Cancellation))
            return Refused.TooManyCopies();
        var hint = new Hint(
            EventName.KeyNeeded, lobby.LobbyId, Generation: form.Generation, Member: member);
        foreach (var other in await turn.Rooms.Keys.MembersAsync(lobby.LobbyId, turn.Cancellation))
        {
            if (other != member.PublicToken)
                turn.Rooms.Presence.Tell(other, new Notice(hint));
        }
        return Answer.Of(new DoneReply());
    }
}
