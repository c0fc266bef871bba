using Conclave.Protocol;
using Conclave.Server.Storage;
using Conclave.Server.Writing;

namespace Conclave.Server.Actions;

/// <summary>A member with <c>write</c> puts data in. The one action that does not wait for its outcome.</summary>
static class Message
{
    // Ten years, in seconds.
    const int ExpiresInMax = 315_360_000;

    // A class: a record would print row_data.
    public sealed class Form
    {
        public required LobbyAddress Lobby { get; init; }

        public required RawJson RowData { get; init; }

        public required Guid? Nonce { get; init; }

        /// <summary>In seconds; 0 if it stays.</summary>
        public required int ExpiresIn { get; init; }
    }

    public static Form Read(Request request) => new()
    {
        Lobby = request.Lobby(),
        RowData = request.RowData(),
        Nonce = request.Nonce(),
        ExpiresIn = (int)(request.Integer("expires_in", 1, ExpiresInMax) ?? 0),
    };

    public static async ValueTask<Answer> RunAsync(Form form, Turn turn)
    {
        var author = turn.Session.Person;
        if (!turn.Rooms.Paces.TryPost(author.PublicToken, form.RowData.Utf8.Length, out var retryAfter))
            return Refused.RateLimited("you send more than the server takes from one user", retryAfter);
        var (lobby, refused) = await Lookup.FindAsync(form.Lobby, turn);
        if (lobby is null)
            return refused!;
        if (lobby.IsSealed)
            return await SealedPost.RunAsync(form, lobby, turn);
        // A copy: the frame's buffer is used again before the entry is stored.
        var rowData = form.RowData.Utf8.ToArray();
        var entry = NewEntry.Message(lobby, author, form.Nonce ?? Guid.CreateVersion7(), rowData, form.ExpiresIn);
        var draft = new Draft(entry, turn.DraftDone) { Memory = turn.TakeMemory() };
        await turn.Rooms.Writer.SubmitAsync(draft, turn.Cancellation);
        return Answer.When(draft, ReplyTo);
    }

    public static Reply ReplyTo(Draft draft)
    {
        var result = draft.Result;
        if (result.Outcome is not (Outcome.Stored or Outcome.Duplicate))
            return Refused.Of(draft).ToReply();
        return new MessageReply
        {
            LobbyId = result.LobbyId,
            Seq = result.Seq,
            SentAt = result.SentAt,
            Hash = draft.Entry.Sealed?.Hash.ToString(),
            Duplicate = result.Outcome == Outcome.Duplicate ? true : null,
        };
    }
}
