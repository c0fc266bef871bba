using Conclave.Protocol;
using Conclave.Roster;
using Conclave.Sdk.Storage;
using RowVerdict = Conclave.Roster.Verdict;

namespace Conclave.Sdk.Sealing;

/// <summary>Rows that came together: judged one after the other, and kept in one change.</summary>
sealed class RowBatch(SealedSession session, SealedLobby lobby, LobbyFetcher fetch)
{
    /// <summary>Larger rows, such as pieces of files, are not kept but fetched again when they are wanted.</summary>
    const int KeptRowBytesMax = 128 * 1024;

    readonly List<KeptEntry> _rows = [];
    readonly List<(ulong Seq, RosterEntry Entry)> _roster = [];

    /// <summary>The rows that were taken in.</summary>
    public IEnumerable<(ulong Seq, Digest RowHash)> Seen => _rows.Select(row => (row.Row.Seq, row.Row.RowHash));

    /// <summary>The first row that an honest server would not have.</summary>
    public LobbyAlarm? Alarm { get; private set; }

    /// <summary>Whether a row is another one than was at its place before.</summary>
    public bool IsForked { get; private set; }

    LobbyFollower Follower => lobby.Follower;

    /// <summary>Takes in those of the rows that follow the last, and compares those before it.</summary>
    public async Task TakeAsync(IReadOnlyList<LobbyEvent> events, CancellationToken cancellationToken)
    {
        try
        {
            await JudgeAsync(events, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            // What was judged before something else went wrong is judged, and what it showed stays known.
            Keep();
        }
    }

    async Task JudgeAsync(IReadOnlyList<LobbyEvent> events, CancellationToken cancellationToken)
    {
        var parsed = Parse(events);
        for (var index = 0; index < events.Count; index++)
        {
            var (wire, row) = (events[index], parsed[index]);
            if (wire.Seq <= (long)Follower.Log.Last.Seq)
            {
                IsForked |= !IsAsBefore(wire, row);
                continue;
            }
            if (wire.Seq != (long)Follower.Log.Last.Seq + 1)
                break;
            if (Follower.Missing(row) is not null)
                await fetch.RosterAsync(Follower.Book, Follower.Book.State?.Height ?? 0, cancellationToken)
                    .ConfigureAwait(false);
            // A row without its bytes is not judged where it stands: nobody but a reader in a hurry wants that.
            if (row is null && wire.Gone is not true && !lobby.IsGlance)
                throw new BrokenServerException("it leaves out what was asked for");
            Add(Judge(Follower, wire, row));
        }
    }

    /// <summary>Judges one row without anything around it.</summary>
    public static (JudgedRow Judged, KeptEntry Kept) Judge(LobbyFollower follower, LobbyEvent wire) =>
        Judge(follower, wire, ParseOne(wire));

    /// <summary>The hash of a row: of its bytes, or, if they are not there, what the server says it is.</summary>
    public static Digest HashOf(LobbyEvent wire) =>
        ParseOne(wire)?.Hash ?? (Digest.TryParse(wire.RowHash, out var served)
            ? served
            : throw new BrokenServerException("an entry that is gone has no hash"));

    static (JudgedRow Judged, KeptEntry Kept) Judge(LobbyFollower follower, LobbyEvent wire, SealedRow? row)
    {
        var rowData = row is null ? default : wire.RowData!.Value.Utf8;
        var rowHash = row?.Hash ?? HashOf(wire);
        var judged = follower.Take(new((ulong)wire.Seq, wire.From.PublicToken, rowData, rowHash), row);
        var kept = new KeptEntry(
            judged.Row, judged.Sender, wire.SentAt, wire.ExpiresAt, judged.Author?.Identity.Fingerprint,
            judged.IsAlarm ? VerdictCode.Of(judged.Verdict) : null,
            // What is gone has no size, whatever the server says: it is not asked for again.
            row is not null ? rowData.Length : wire.Gone is true ? 0 : wire.RowSize ?? 0,
            row is null || judged.IsAlarm || rowData.Length > KeptRowBytesMax ? null : rowData.ToArray());
        return (judged, kept);
    }

    void Add((JudgedRow Judged, KeptEntry Kept) row)
    {
        _rows.Add(row.Kept);
        if (row.Kept.Fault is { } fault)
            Alarm ??= new LobbyAlarm(fault, (long)row.Kept.Row.Seq);
        if (row.Judged is { Verdict: RowVerdict.Accepted, Parsed.Entry: { } entry })
            _roster.Add((row.Kept.Row.Seq, entry));
    }

    void Keep()
    {
        if (_rows.Count == 0)
            return;
        IsForked |= session.InOneChange(() =>
        {
            var appending = session.Lobbies.Append(
                lobby.Id, _rows, _roster, Follower.Log.Roster?.Name, Follower.Log.IsConfirmed);
            foreach (var (_, entry) in _roster)
                Pin(entry);
            if (Alarm is { } alarm)
                session.Lobbies.SetAlarm(lobby.Id, alarm);
            return appending == Appending.Forked;
        });
        if (Follower.Self is null && _roster.Exists(row => row.Entry.Change is RosterChange.Remove))
            session.Leave(lobby.Id);
        session.Prune();
    }

    // Whoever the roster names for the first time is pinned; whoever it names with another key raises the alarm. Not
    // oneself: one's own key is known from the vault, and a lobby may still name the one before.
    void Pin(RosterEntry entry)
    {
        var book = Follower.Book;
        if (entry.Change is RosterChange.Succeed succeed)
        {
            var to = book.Identities[succeed.Successor];
            if (IsOwn(to))
                return;
            session.Pins.Change(
                to.Login, pin => Pinning.Succeed(pin, entry.Author, to, book.TokenOf(succeed.Successor)));
            return;
        }
        var named = entry.Change switch
        {
            RosterChange.Create => entry.Author,
            RosterChange.Invite invite => invite.Member,
            _ => (Digest?)null,
        };
        // One who has left since concerns nobody.
        if (named is { } fingerprint && book.State!.Members.TryGetValue(fingerprint, out var member)
            && !IsOwn(member.Identity))
            session.See(member.Identity, member.Token);
    }

    bool IsOwn(IdentityRecord identity) => string.Equals(identity.Login, session.Login, StringComparison.Ordinal);

    bool IsAsBefore(LobbyEvent wire, SealedRow? row)
    {
        var kept = session.Lobbies.Entries(lobby.Id, (ulong)wire.Seq - 1, (ulong)wire.Seq + 1, 1);
        var rowHash = row?.Hash ?? (Digest.TryParse(wire.RowHash, out var served) ? served : default);
        if (row is null && wire.Gone is true)
            session.Lobbies.Erase(lobby.Id, (ulong)wire.Seq);
        return kept is not [var before] || before.Row.RowHash == rowHash;
    }

    // Hashes and signatures are most of the work and need no order: with many rows every core takes some.
    SealedRow?[] Parse(IReadOnlyList<LobbyEvent> events)
    {
        var rows = new SealedRow?[events.Count];
        var state = Follower.Log.Roster;
        void ParseAt(int index)
        {
            rows[index] = ParseOne(events[index]);
            if (rows[index]?.Envelope is { } envelope && state?.MemberBy(events[index].From.PublicToken) is { } member)
                envelope.IsSignedBy(lobby.Id, member.Identity);
        }
        if (events.Count < 16)
        {
            for (var index = 0; index < events.Count; index++)
                ParseAt(index);
        }
        else
        {
            Parallel.For(0, events.Count, ParseAt);
        }
        return rows;
    }

    static SealedRow? ParseOne(LobbyEvent wire) =>
        wire.Gone is true || wire.Omitted is true || wire.RowData is not { IsNull: false } rowData
            ? null
            : SealedRow.Parse(rowData.Utf8.Span);
}
