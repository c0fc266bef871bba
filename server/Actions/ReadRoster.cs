using Conclave.Protocol;
using Conclave.Roster;

namespace Conclave.Server.Actions;

/// <summary>A member of a sealed lobby reads its roster, and the records of everybody whom it names.</summary>
static class ReadRoster
{
    // A record takes 1.8 KiB of JSON, an entry at most 1 KiB.
    const int ReplyBytesMax = 1 << 20;
    const int RecordBytes = 1_900;
    const int EntryOverheadBytes = 64;
    const int CountMax = 2000;

    public readonly record struct Form(LobbyAddress Lobby, long After);

    public static Form Read(Request request) =>
        new(request.Lobby(), request.Integer("after", 0, (1L << 53) - 1) ?? 0);

    public static async ValueTask<Answer> RunAsync(Form form, Turn turn)
    {
        var (lobby, refused) = await Lookup.FindSealedAsync(form.Lobby, turn);
        if (lobby is null)
            return refused!;
        // The rows first: one who is removed in between must not see what came after.
        var rows = await turn.Rooms.Sealed.RosterAsync(lobby, form.After, CountMax + 1, turn.Cancellation);
        if (await Lookup.RefuseStrangerAsync(lobby, turn) is { } stranger)
            return stranger;
        HashSet<Digest> named = [];
        List<RosterRow> entries = [];
        var entryBytes = 0L;
        foreach (var row in rows.Take(CountMax))
        {
            if (entryBytes + (named.Count * RecordBytes) >= ReplyBytesMax)
                break;
            var entry = SealedRow.Parse(row.Roster!.Value.Span).Entry!;
            named.UnionWith(NamedBy(entry));
            entries.Add(new RosterRow(row.Seq, Base64Text.Encode(entry.Bytes.Span)));
            entryBytes += entries[^1].RosterEntry.Length + EntryOverheadBytes;
        }
        var identities = await turn.Rooms.Sealed.RecordsAsync(named, turn.Cancellation);
        return Answer.Of(new RosterReply
        {
            Entries = entries,
            Identities = [.. identities.Values.OrderBy(identity => identity.Login, StringComparer.Ordinal)],
            More = entries.Count < rows.Count,
        });
    }

    static IEnumerable<Digest> NamedBy(RosterEntry entry) => entry.Change switch
    {
        RosterChange.Invite invite => [entry.Author, invite.Member],
        RosterChange.Remove remove => [entry.Author, remove.Member],
        RosterChange.SetRights setRights => [entry.Author, setRights.Member],
        RosterChange.Succeed succeed => [entry.Author, succeed.Successor],
        _ => [entry.Author],
    };
}
