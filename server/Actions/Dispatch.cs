using Conclave.Protocol;
using Conclave.Server.Accounts;
using Conclave.Server.Storage;

namespace Conclave.Server.Actions;

/// <summary>
/// From an action's name to its handler, the gate on the same line. Checks come in the order of docs/protocol.md,
/// section 5: the form, the token, then what the action itself finds.
/// </summary>
static class Dispatch
{
    // What a list may take as a reply, and what it is made of.
    const int LargeBytes = 1 << 20;

    public static ValueTask<Answer> AnswerAsync(Request request, Turn turn) => request.Action switch
    {
        ActionName.Register => PacedAsync(request, turn, Register.Read, Register.RunAsync),
        ActionName.Auth => OpenAsync(request, turn, Auth.Read, Auth.RunAsync),
        ActionName.CreateLobby => SignedInAsync(request, turn, CreateLobby.Read, CreateLobby.RunAsync),
        ActionName.GetPublicToken => PacedAsync(request, turn, GetPublicToken.Read, GetPublicToken.RunAsync),
        ActionName.LobbyId => PacedAsync(request, turn, LobbyId.Read, LobbyId.RunAsync),
        ActionName.InviteLobby => SignedInAsync(request, turn, InviteLobby.Read, InviteLobby.RunAsync),
        ActionName.SetRights => SignedInAsync(request, turn, SetRights.Read, SetRights.RunAsync),
        ActionName.RemoveMember => SignedInAsync(request, turn, RemoveMember.Read, RemoveMember.RunAsync),
        ActionName.RenameLobby => SignedInAsync(request, turn, RenameLobby.Read, RenameLobby.RunAsync),
        ActionName.DeleteLobby => SignedInAsync(request, turn, DeleteLobby.Read, DeleteLobby.RunAsync),
        ActionName.DeleteMessage => SignedInAsync(request, turn, DeleteMessage.Read, DeleteMessage.RunAsync),
        ActionName.Subscribe => SignedInAsync(request, turn, Subscribe.Read, Subscribe.RunAsync),
        ActionName.Message => OnceAsync(request, turn, Message.Read, Message.RunAsync),
        ActionName.Whoami => SignedInAsync(request, turn, Whoami.Read, Whoami.RunAsync),
        ActionName.MyLobbies => LargeAsync(request, turn, MyLobbies.Read, MyLobbies.RunAsync),
        ActionName.Members => LargeAsync(request, turn, Members.Read, Members.RunAsync),
        ActionName.History => LargeAsync(request, turn, History.Read, History.RunAsync),
        ActionName.Unsubscribe => SignedInAsync(request, turn, Unsubscribe.Read, Unsubscribe.RunAsync),
        ActionName.Logout => OnceAsync(request, turn, Logout.Read, Logout.RunAsync),
        ActionName.Sessions => SignedInAsync(request, turn, OwnSessions.Read, OwnSessions.RunAsync),
        ActionName.RevokeSession => OnceAsync(request, turn, RevokeSession.Read, RevokeSession.RunAsync),
        ActionName.ChangePassword => OnceAsync(request, turn, ChangePassword.Read, ChangePassword.RunAsync),
        ActionName.Kdf => PacedAsync(request, turn, Kdf.Read, Kdf.RunAsync),
        ActionName.RotateKey => SignedInAsync(request, turn, RotateKey.Read, RotateKey.RunAsync),
        ActionName.SucceedMember => SignedInAsync(request, turn, SucceedMember.Read, SucceedMember.RunAsync),
        ActionName.NeedKey => OnceAsync(request, turn, NeedKey.Read, NeedKey.RunAsync),
        ActionName.RewrapKey => OnceAsync(request, turn, RewrapKey.Read, RewrapKey.RunAsync),
        ActionName.Roster => LargeAsync(request, turn, ReadRoster.Read, ReadRoster.RunAsync),
        ActionName.MyKeys => LargeAsync(request, turn, MyKeys.Read, MyKeys.RunAsync),
        ActionName.ResetIdentity => OnceAsync(request, turn, ResetIdentity.Read, ResetIdentity.RunAsync),
        ActionName.Ping => OpenAsync(request, turn, Ping.Read, Ping.RunAsync),
        _ => ValueTask.FromResult(Unknown(request)),
    };

    /// <summary>The answer to what is not one JSON object.</summary>
    public static Answer BadJson() =>
        Answer.Refuse(ErrorCode.BadJson, "the request must be one JSON object that has no key twice");

    static ValueTask<Answer> OpenAsync<TForm>(
        Request request, Turn turn, Func<Request, TForm> read, Func<TForm, Turn, ValueTask<Answer>> run)
    {
        var form = read(request);
        return request.Refusal is { } refusal ? ValueTask.FromResult(Answer.Refuse(refusal)) : run(form, turn);
    }

    // Open to all, and therefore only so often from one address.
    static ValueTask<Answer> PacedAsync<TForm>(
        Request request, Turn turn, Func<Request, TForm> read, Func<TForm, Turn, ValueTask<Answer>> run) =>
        OpenAsync(request, turn, read, (form, open) =>
            open.Rooms.Paces.TryAsk(request.Action, open.Caller.Address, out var retryAfter)
                ? run(form, open)
                : ValueTask.FromResult(Refused.RateLimited("too many such requests from this address", retryAfter)));

    // What fails because the database is away has done nothing, and is tried again for a while: what such an action
    // writes, the writer writes, whose faults are verdicts.
    static ValueTask<Answer> SignedInAsync<TForm>(
        Request request, Turn turn, Func<Request, TForm> read, Func<TForm, Turn, ValueTask<Answer>> run) =>
        OnceAsync(request, turn, read, (form, signed) =>
            signed.Rooms.Outage.RideAsync(() => run(form, signed), signed.Cancellation));

    // For what may have been done although it failed; for forms with a password, which is wiped after the first try;
    // and for messages, which are many: what they look up is tried again where it is looked up.
    static async ValueTask<Answer> OnceAsync<TForm>(
        Request request, Turn turn, Func<Request, TForm> read, Func<TForm, Turn, ValueTask<Answer>> run)
    {
        var form = read(request);
        if (request.Refusal is { } refusal)
            return Answer.Refuse(refusal);
        if (await FindSessionAsync(request, turn) is not { } session)
            return Refused.BadToken();
        turn.Caller.Note(session);
        return await run(form, turn with { Session = session });
    }

    // A reply that may be large waits until there is memory for it: back-pressure, no error.
    static ValueTask<Answer> LargeAsync<TForm>(
        Request request, Turn turn, Func<Request, TForm> read, Func<TForm, Turn, ValueTask<Answer>> run) =>
        SignedInAsync(request, turn, read, async (form, signed) =>
        {
            var memory = await signed.Rooms.Live.ReplyBytes.LeaseAsync(
                signed.Session.Person.PublicToken, LargeBytes, signed.Cancellation);
            try
            {
                var answer = await run(form, signed);
                answer.Memory = memory;
                return answer;
            }
            catch
            {
                memory.Dispose();
                throw;
            }
        });

    // A request that carries a token always uses that one; else the session opened on this connection signs it.
    static ValueTask<Session?> FindSessionAsync(Request request, Turn turn)
    {
        if ((request.HasToken ? request.Token : turn.Caller.SignedIn?.Token) is not { } token)
            return default;
        var hash = turn.Caller.HashOf(token);
        var finding = turn.Rooms.Sessions.FindAsync(hash, turn.Cancellation);
        return finding.IsCompletedSuccessfully ? finding : RideAsync(finding, hash, turn);
    }

    static ValueTask<Session?> RideAsync(ValueTask<Session?> finding, TokenHash hash, Turn turn) =>
        turn.Rooms.Outage.RideAsync(
            finding, () => turn.Rooms.Sessions.FindAsync(hash, turn.Cancellation), turn.Cancellation);

    static Answer Unknown(Request request) => Answer.Refuse(
        request.Refusal ?? new Refusal(ErrorCode.UnknownAction, "there is no such action"));
}
