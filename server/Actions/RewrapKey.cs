using Conclave.Protocol;
using Conclave.Roster;
using Conclave.Server.Accounts;

namespace Conclave.Server.Actions;

/// <summary>
/// A member of a sealed lobby hands a key to another one who has none that opens. The roster commits to the key, so
/// it is right whoever made the copy; and nobody's copy takes the place of another.
/// </summary>
static class RewrapKey
{
    const string WrapField = "wrap";

    public sealed record Form(LobbyAddress Lobby, long Generation, Guid PublicToken, ReadOnlyMemory<byte> Wrap);

    public static Form Read(Request request)
    {
        var (lobby, generation) = (request.Lobby(), KeyFields.Generation(request));
        var publicToken = request.PublicToken();
        if (!request.Has(WrapField))
            request.Reject(WrapField, "wrap is required");
        var wrap = request.Bytes(WrapField);
        if (wrap is not null && !KeyWrapForm.IsWrap(wrap))
            request.Hold(WrapField, Verdict.BadWraps);
        return new(lobby, generation, publicToken, wrap);
    }

    public static async ValueTask<Answer> RunAsync(Form form, Turn turn)
    {
        var (lobby, refused) = await Lookup.FindSealedAsync(form.Lobby, turn);
        if (lobby is null)
            return refused!;
        var keys = turn.Rooms.Keys;
        var giver = turn.Session.Person.PublicToken;
        if (await keys.EntitlementAsync(lobby.LobbyId, giver, turn.Cancellation) is null)
            return Refused.Forbidden();
        if (await keys.EntitlementAsync(lobby.LobbyId, form.PublicToken, turn.Cancellation) is not { } entitlement)
            return Answer.Refuse(ErrorCode.NotAMember, "the user is not a member of this lobby");
        if (KeyFields.Refuse(entitlement, form.Generation) is { } bad)
            return bad;
        var paces = turn.Rooms.Paces;
        if (!paces.TryHandOutKey(giver, out var retryAfter))
            return Refused.RateLimited("you hand out more keys than the server takes", retryAfter);
        // To the identity that was a member a moment ago: if that is another one now, nobody is harmed.
        if (!await keys.TryAddAsync(
            lobby.LobbyId, entitlement.Fingerprint, form.Generation, form.Wrap, turn.Cancellation))
        {
            // Others were quicker to answer the same question.
            paces.NotHandedOut(giver);
            return Refused.TooManyCopies();
        }
        turn.Rooms.Presence.Tell(
            form.PublicToken, new Notice(new Hint(EventName.KeyReady, lobby.LobbyId, Generation: form.Generation)));
        return Answer.Of(new DoneReply());
    }
}
