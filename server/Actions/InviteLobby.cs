using Conclave.Protocol;
using Conclave.Roster;
using Conclave.Server.Accounts;
using Conclave.Server.Storage;

namespace Conclave.Server.Actions;

/// <summary>Whoever has <c>invite</c> may make a user a member, with at most the rights they have themselves.</summary>
static class InviteLobby
{
    public sealed record Form(
        LobbyAddress Lobby, Guid PublicToken, Rights Rights, Guid? Nonce, RosterEntry? Entry,
        IReadOnlyList<KeyWrap> Wraps);

    public static Form Read(Request request) => new(
        request.Lobby(), request.PublicToken(), request.Rights(), request.Nonce(), RosterForm.Entry(request),
        RosterForm.Wrap(request));

    public static async ValueTask<Answer> RunAsync(Form form, Turn turn)
    {
        var (lobby, refused) = await Lookup.FindAsync(form.Lobby, turn);
        if (lobby is null)
            return refused!;
        if ((SealedChange.Refuse<RosterChange.Invite>(lobby, form.Entry) ?? Disagrees(form)) is { } bad)
            return bad;
        var entry = await BuildAsync(form, lobby, turn);
        if (await SealedChange.RefuseStrangerAsync(lobby, entry.Nonce, turn) is { } stranger)
            return stranger;
        if (await SealedChange.PrepareAsync(entry, turn) is { } tooMany)
            return tooMany;
        var inviter = turn.Session.Person;
        var paces = turn.Rooms.Paces;
        if (!paces.TryChange(inviter.PublicToken, out var untilChange))
            return SealedChange.TooManyChanges(untilChange);
        var isCharged = paces.TryInvite(inviter.PublicToken, out var retryAfter);
        // One that is only repeated happened before, and is answered as that.
        var isRepeated = !isCharged
            && await turn.Rooms.Lobbies.HasEntryAsync(lobby, inviter, entry.Nonce, turn.Cancellation);
        if (!isCharged && !isRepeated)
        {
            paces.NotChanged(inviter.PublicToken);
            return TooManyInvitations(retryAfter);
        }
        var draft = await turn.Rooms.WriterOf(lobby).WriteAsync(entry, turn.Cancellation);
        var result = draft.Result;
        if (isCharged && result.Outcome != Outcome.Stored)
            paces.NotInvited(inviter.PublicToken);
        // One that comes to nothing is no invitation, and counts as a change that was refused.
        if (result.Outcome is Outcome.Stored or Outcome.Duplicate or Outcome.Unavailable)
            paces.NotChanged(inviter.PublicToken);
        if (result.Outcome is not (Outcome.Stored or Outcome.Duplicate))
            return Answer.Refuse(Refused.Of(draft));
        if (result.Outcome == Outcome.Stored)
            await TellAsync(lobby, form, turn);
        return Answer.Of(new InviteLobbyReply
        {
            LobbyId = lobby.LobbyId,
            Login = result.MemberLogin!,
            PublicToken = form.PublicToken,
            Rights = form.Rights,
            Seq = result.Seq,
            Hash = draft.Entry.Sealed?.Hash.ToString(),
            Duplicate = result.Outcome == Outcome.Duplicate ? true : null,
        });
    }

    static Answer? Disagrees(Form form) => form.Entry?.Change switch
    {
        RosterChange.Invite invite when invite.Token != form.PublicToken => RosterForm.Disagrees("public_token"),
        RosterChange.Invite invite when (Rights)invite.Rights != form.Rights => RosterForm.Disagrees("rights"),
        _ => null,
    };

    static async ValueTask<NewEntry> BuildAsync(Form form, LobbyInfo lobby, Turn turn) => form.Entry is { } entry
        ? SealedChange.Build(
            lobby,
            EntryKind.MemberInvited,
            entry,
            new SealedPart(SealedChange.RowOf(entry))
            {
                Target = await SealedChange.PersonAsync(form.PublicToken, turn),
                Identities = SealedPart.Of(
                    await turn.Rooms.Sealed.IdentityAsync(form.PublicToken, turn.Cancellation)),
                Wraps = form.Wraps,
            },
            turn)
        : new NewEntry
        {
            Lobby = lobby,
            Kind = EntryKind.MemberInvited,
            Author = turn.Session.Person,
            Nonce = form.Nonce ?? Guid.CreateVersion7(),
            Member = form.PublicToken,
            Rights = form.Rights,
        };

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
