using Conclave.Protocol;
using Conclave.Server.Storage;

namespace Conclave.Server.Actions;

/// <summary>A member follows a lobby's log, from a position or from its end.</summary>
static class Subscribe
{
    public readonly record struct Form(LobbyAddress Lobby, long? After, string? Epoch);

    public static Form Read(Request request) => new(
        request.Lobby(), request.Integer("after", 0, (1L << 53) - 1), request.OptionalText("epoch"));

    public static async ValueTask<Answer> RunAsync(Form form, Turn turn)
    {
        var (lobby, refused) = await Lookup.FindAsync(form.Lobby, turn);
        if (lobby is null)
            return refused!;
        var subscriptions = turn.Caller.Subscriptions;
        if (subscriptions.Count >= turn.Rooms.Limits.SubscriptionsMax && !subscriptions.Contains(lobby.LobbyId))
            return Answer.Refuse(ErrorCode.Limit, "this connection has as many subscriptions as it may have");
        var epoch = turn.Rooms.Database.Epoch;
        var isOtherLog = form.After is not null && form.Epoch is not null && form.Epoch != epoch;
        // A position in another log means nothing here; membership is still judged first.
        var after = isOtherLog ? null : form.After;
        var (cursor, standing) = await turn.Rooms.Live.OpenAsync(
            lobby, turn.Session, after, subscriptions.Due, turn.Cancellation);
        if (cursor is null)
            return RefusalOf(standing);
        if (isOtherLog)
        {
            turn.Rooms.Live.Close(cursor);
            return Answer.Refuse(
                ErrorCode.LogChanged, "after belongs to another log; the server was restored from a backup", "epoch");
        }
        subscriptions.Put(cursor);
        // The session may have ended since it was looked up, when there was no cursor yet to end with it.
        var isOpen = false;
        var transcript = default((string? Hash, TranscriptPoint? Base));
        try
        {
            var lastSeq = standing!.Value.LastSeq;
            transcript = await TranscriptAt.FindAsync(lobby, lastSeq, after ?? lastSeq, turn);
            isOpen = await turn.Rooms.Sessions.IsOpenAsync(turn.Session, turn.Cancellation);
        }
        finally
        {
            if (!isOpen)
                subscriptions.Remove(cursor);
        }
        if (!isOpen)
            return Refused.BadToken();
        var reply = new SubscribeReply
        {
            Hash = transcript.Hash,
            Base = transcript.Base,
            Erasures = lobby.IsSealed ? standing!.Value.Erasures : null,
            LobbyId = lobby.LobbyId,
            LobbyName = standing.Value.LobbyName,
            Rights = standing.Value.Rights,
            LastSeq = standing.Value.LastSeq,
            Epoch = epoch,
        };
        return Answer.Of(reply, starts: cursor);
    }

    static Answer RefusalOf(Standing? standing) => standing switch
    {
        null => Refused.NoSuchLobby(),
        { IsMember: false } => Refused.Forbidden(),
        _ => Answer.Refuse(ErrorCode.BadRequest, "after is beyond the last entry of the lobby", "after"),
    };
}
