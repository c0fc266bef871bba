using Conclave.Roster;
using Conclave.Server.Storage;
using Conclave.Server.Writing;
using Verdict = Conclave.Roster.Verdict;

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
        if (await SealedChange.RefuseStrangerAsync(lobby, envelope.Id, turn) is { } stranger)
            return stranger;
        var state = await turn.Rooms.SealedLobbies.FindAsync(lobby, turn.Cancellation);
        // Here, where many run at one time, and not one by one in the writer. The envelope remembers the outcome.
        if (state?.Roster.MemberBy(author.PublicToken) is { } member)
            _ = envelope.IsSignedBy(lobby.LobbyId, member.Identity);
        var entry = NewEntry.SealedMessage(lobby, author, envelope.Id, rowData, new SealedPart(row), form.ExpiresIn);
        var draft = new Draft(entry, turn.DraftDone) { Memory = turn.TakeMemory() };
        await turn.Rooms.SealedWriter.SubmitAsync(draft, turn.Cancellation);
        return Answer.When(draft, Message.ReplyTo);
    }
}
