using Conclave.Protocol;
using Conclave.Server.Accounts;
using Conclave.Server.Storage;

namespace Conclave.Server.Actions;

/// <summary>Whoever has <c>invite</c> may make a user a member, with at most the rights they have themselves.</summary>
static class InviteLobby
{
    public readonly record struct Form(LobbyAddress Lobby, Guid PublicToken, Rights Rights, Guid? Nonce);

    public static Form Read(Request request) =>
        new(request.Lobby(), request.PublicToken(), request.Rights(), request.Nonce());

    public static async ValueTask<Answer> RunAsync(Form form, Turn turn)
    {
        var (lobby, refused) = await Lookup.FindAsync(form.Lobby, turn);
        if (lobby is null)
            return refused!;
        var inviter = turn.Session.Person;
        var isCharged = turn.Rooms.Paces.TryInvite(inviter.PublicToken, out var retryAfter);
        // One that is only repeated happened before, and is answered as that.
        var isRepeated = !isCharged && form.Nonce is { } nonce
            && await turn.Rooms.Lobbies.HasEntryAsync(lobby, inviter, nonce, turn.Cancellation);
        if (!isCharged && !isRepeated)
            return TooManyInvitations(retryAfter);
        var draft = await turn.Rooms.Writer.WriteAsync(
            new NewEntry
            {
                Lobby = lobby,
                Kind = EntryKind.MemberInvited,
                Author = inviter,
                Nonce = form.Nonce ?? Guid.CreateVersion7(),
                Member = form.PublicToken,
                Rights = form.Rights,
            },
            turn.Cancellation);
        var result = draft.Result;
        if (isCharged && result.Verdict != Verdict.Stored)
            turn.Rooms.Paces.NotInvited(inviter.PublicToken);
        if (result.Verdict is not (Verdict.Stored or Verdict.Duplicate))
            return Answer.Refuse(Refused.Of(result.Verdict, draft.Trace));
        if (result.Verdict == Verdict.Stored)
            await TellAsync(lobby, form, turn);
        return Answer.Of(new InviteLobbyReply
        {
            LobbyId = lobby.LobbyId,
            Login = result.MemberLogin!,
            PublicToken = form.PublicToken,
            Rights = form.Rights,
            Seq = result.Seq,
            Duplicate = result.Verdict == Verdict.Duplicate ? true : null,
        });
    }

    static async ValueTask TellAsync(LobbyInfo lobby, Form form, Turn turn)
    {
        if (await Lookup.TryNameAsync(lobby, turn) is not { } name)
            return;
        var hint = new Hint(EventName.Invited, lobby.LobbyId, name, turn.Session.Person, form.Rights);
        turn.Rooms.Presence.Tell(form.PublicToken, new Notice(hint));
    }

    static Answer TooManyInvitations(TimeSpan retryAfter) => Answer.Refuse(
        ErrorCode.Limit, "you have invited as many as you may in an hour",
        retryAfterMs: (long)Math.Ceiling(retryAfter.TotalMilliseconds));
}
