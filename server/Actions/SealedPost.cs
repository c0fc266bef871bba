using Conclave.Roster;
using Conclave.Server.Storage;
using Conclave.Server.Writing;

namespace Conclave.Server.Actions;

/// <summary>A message to a sealed lobby: its form is checked here, the rest in its place in the log.</summary>
static class SealedPost
{
    public static async ValueTask<Answer> RunAsync(Message.Form form, LobbyInfo lobby, Turn turn)
    {
        // A copy: the frame's buffer is used again before the entry is stored.
        var rowData = form.RowData.Utf8.ToArray();
        var row = SealedRow.Parse(rowData);
        if (row.Envelope is not { } envelope || form.Nonce != envelope.Id)
            return Answer.Refuse(SealingRefusal.Of(Verdict.BadEnvelope, form.Nonce is null ? "nonce" : "row_data"));
        var author = turn.Session.Person;
        var (state, refused) = await FindAsync(lobby, envelope.Id, turn);
        if (refused is not null)
            return refused;
        // Here, where many run at one time, and not one by one in the writer. The envelope remembers the outcome.
        if (state?.Roster.MemberBy(author.PublicToken) is { } member)
            _ = envelope.IsSignedBy(lobby.LobbyId, member.Identity);
        var entry = NewEntry.SealedMessage(lobby, author, envelope.Id, rowData, new SealedPart(row), form.ExpiresIn);
        var draft = new Draft(entry, turn.DraftDone) { Memory = turn.TakeMemory() };
        await turn.Rooms.SealedWriter.SubmitAsync(draft, turn.Cancellation);
        return Answer.When(draft, Message.ReplyTo);
    }

    static ValueTask<(SealedLobby? State, Answer? Refused)> FindAsync(LobbyInfo lobby, Guid nonce, Turn turn)
    {
        var looking = LookAsync(lobby, nonce, turn);
        return looking.IsCompletedSuccessfully ? looking : RideAsync(looking, lobby, nonce, turn);
    }

    static ValueTask<(SealedLobby? State, Answer? Refused)> RideAsync(
        ValueTask<(SealedLobby? State, Answer? Refused)> looking, LobbyInfo lobby, Guid nonce, Turn turn) =>
        turn.Rooms.Outage.RideAsync(looking, () => LookAsync(lobby, nonce, turn), turn.Cancellation);

    static async ValueTask<(SealedLobby? State, Answer? Refused)> LookAsync(LobbyInfo lobby, Guid nonce, Turn turn)
    {
        // Of a lobby that is known here, the writer knows who is a stranger, and answers them with all others.
        if (!turn.Rooms.SealedLobbies.IsKnown(lobby.LobbyId)
            && await SealedChange.RefuseStrangerAsync(lobby, nonce, turn) is { } stranger)
            return (null, stranger);
        return await SealedChange.ReadAsync(lobby, turn);
    }
}
