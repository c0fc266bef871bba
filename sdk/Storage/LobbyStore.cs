using Conclave.Protocol;
using Conclave.Roster;
using Microsoft.Data.Sqlite;

namespace Conclave.Sdk.Storage;

/// <summary>What is kept of a lobby as a whole.</summary>
/// <param name="Base">The place before the first row that was judged.</param>
/// <param name="Last">The last row that was judged: this client never goes below it.</param>
/// <param name="IsConfirmed">Whether somebody but the server vouches for the base.</param>
/// <param name="Erasures">How many there were when the rows were last compared; null if that is not known.</param>
sealed record KeptLobby(LogPoint Base, LogPoint Last, bool IsConfirmed, long? Erasures);

/// <summary>A judged row with what a reader wants to know of it.</summary>
/// <param name="Row">What the checks of later rows look back at.</param>
/// <param name="Sender">Public token of its sender.</param>
/// <param name="SentAt">When it was stored, as the server says.</param>
/// <param name="ExpiresAt">When its content is to be gone; null for never.</param>
/// <param name="Author">Fingerprint of the one who signed it; null unless it was accepted.</param>
/// <param name="Fault">The check that it failed; null if it was accepted, or its bytes were not there.</param>
/// <param name="RowBytes">The size of its bytes, also when they are not kept.</param>
/// <param name="RowData">Its bytes, sealed as they came; null if they are gone or too many to keep.</param>
sealed record KeptEntry(
    LogRow Row, Guid Sender, DateTimeOffset SentAt, DateTimeOffset? ExpiresAt, Digest? Author, string? Fault,
    int RowBytes, byte[]? RowData);

/// <summary>How appending went.</summary>
enum Appending
{
    /// <summary>The rows are kept, by this or by another process.</summary>
    Kept,

    /// <summary>Another process was shown other rows at the same places: somebody lies.</summary>
    Forked,
}

/// <summary>
/// The lobbies of a <see cref="StateFile"/>: verified heads, rosters, the transcript, sealed entries, keys.
/// </summary>
sealed class LobbyStore(StateFile file)
{
    const string EntryColumns = """
        SELECT seq, hash, row_hash, sender, sent_at, expires_at, fingerprint, message_id, fault, row_bytes, row_data
        FROM entries
        """;

    public KeptLobby? Find(Guid lobbyId) => file.Query(
        """
        SELECT base_seq, base_hash, last_seq, last_hash, is_confirmed, erasures FROM lobbies WHERE lobby_id = $lobby
        """,
        row => new KeptLobby(
            new(row.Seq(0), row.Digest(1)), new(row.Seq(2), row.Digest(3)), row.Flag(4),
            row.IsDBNull(5) ? null : row.GetInt64(5)),
        ("$lobby", lobbyId.Blob)) is [var kept] ? kept : null;

    /// <summary>The name that the roster bore last; null if the lobby was never followed.</summary>
    public string? NameOf(Guid lobbyId) => file.Query(
        "SELECT name FROM lobbies WHERE lobby_id = $lobby", row => row.Text(0), ("$lobby", lobbyId.Blob))
            is [var name] ? name : null;

    /// <summary>Whether the user has been told who made the lobby.</summary>
    public bool IsIntroduced(Guid lobbyId) => file.Query(
        "SELECT is_introduced FROM lobbies WHERE lobby_id = $lobby", row => row.Flag(0), ("$lobby", lobbyId.Blob))
            is [true];

    /// <returns>Whether nobody else has told it meanwhile.</returns>
    public bool SetIntroduced(Guid lobbyId) => file.Execute(
        "UPDATE lobbies SET is_introduced = 1 WHERE lobby_id = $lobby AND is_introduced = 0",
        ("$lobby", lobbyId.Blob)) == 1;

    /// <summary>Begins to keep a lobby; one that is kept already stays as it is.</summary>
    /// <param name="lobbyId">The lobby.</param>
    /// <param name="start">The place before the first row that will be judged.</param>
    /// <param name="entries">The roster's entries up to there, with their places in the log.</param>
    /// <returns>Whether nobody else has begun meanwhile.</returns>
    public bool Begin(Guid lobbyId, LogPoint start, IEnumerable<(ulong Seq, RosterEntry Entry)> entries) =>
        file.Change(() =>
        {
            var made = file.Execute(
                """
                INSERT INTO lobbies (lobby_id, base_seq, base_hash, last_seq, last_hash, is_confirmed)
                VALUES ($lobby, $seq, $hash, $seq, $hash, $confirmed) ON CONFLICT DO NOTHING
                """,
                ("$lobby", lobbyId.Blob), ("$seq", (long)start.Seq), ("$hash", start.Hash.Blob),
                ("$confirmed", start.Seq == 0 ? 1 : 0));
            foreach (var (seq, entry) in made == 1 ? entries : [])
                KeepEntry(lobbyId, seq, entry);
            return made == 1;
        });

    /// <summary>
    /// Keeps judged rows. The kept end is compared and replaced in one change: a
    /// process that is behind another one finds its rows there already, and never moves the end back.
    /// </summary>
    /// <exception cref="StateException">
    /// The rows do not follow what is kept, which another process has forgotten and begun anew.
    /// </exception>
    public Appending Append(
        Guid lobbyId, IReadOnlyList<KeptEntry> rows, IReadOnlyList<(ulong Seq, RosterEntry Entry)> roster,
        string? name, bool isConfirmed) => file.Change(() =>
    {
        var last = Find(lobbyId)?.Last ?? throw new StateException("The lobby was forgotten meanwhile. Try again.");
        foreach (var row in rows)
        {
            if (row.Row.Seq <= last.Seq)
            {
                if (HashAt(lobbyId, row.Row.Seq) is { } hash && hash != row.Row.Hash)
                    return Appending.Forked;
                continue;
            }
            if (last.Next(row.Sender, row.Row.RowHash) is var next && next.Seq != row.Row.Seq)
                throw new StateException("The lobby was entered anew meanwhile. Try again.");
            if (next.Hash != row.Row.Hash)
                return Appending.Forked;
            last = next;
            Insert(lobbyId, row);
        }
        foreach (var (seq, entry) in roster)
            KeepEntry(lobbyId, seq, entry);
        var end = rows[^1].Row;
        file.Execute(
            """
            UPDATE lobbies SET last_seq = $seq, last_hash = $hash, name = $name,
                is_confirmed = max(is_confirmed, $confirmed)
            WHERE lobby_id = $lobby AND last_seq < $seq
            """,
            ("$lobby", lobbyId.Blob), ("$seq", (long)end.Seq), ("$hash", end.Hash.Blob), ("$name", name),
            ("$confirmed", isConfirmed ? 1 : 0));
        return Appending.Kept;
    });

    /// <summary>Keeps what was before the base so far: the lobby is known from its first row now.</summary>
    public void Complete(Guid lobbyId, LogPoint start, IReadOnlyList<KeptEntry> rows) => file.Change(() =>
    {
        foreach (var row in rows)
            Insert(lobbyId, row);
        file.Execute(
            """
            UPDATE lobbies SET base_seq = $seq, base_hash = $hash, is_confirmed = 1 WHERE lobby_id = $lobby
            """,
            ("$lobby", lobbyId.Blob), ("$seq", (long)start.Seq), ("$hash", start.Hash.Blob));
    });

    /// <summary>The roster's entries, in their order.</summary>
    public List<(ulong Seq, RosterEntry Entry)> Roster(Guid lobbyId) => file.Query(
        "SELECT seq, entry FROM roster_entries WHERE lobby_id = $lobby ORDER BY height",
        row => RosterEntry.Parse(row.Blob(1)!, out var entry) == Conclave.Roster.Verdict.Accepted
            ? (row.Seq(0), entry!)
            : throw new StateException("The state file holds a roster that is none. Restore it, or delete it."),
        ("$lobby", lobbyId.Blob));

    /// <summary>Rows after a place, ascending.</summary>
    public List<KeptEntry> Entries(Guid lobbyId, ulong after, ulong before, int limit) => file.Query(
        EntryColumns + " WHERE lobby_id = $lobby AND seq > $after AND seq < $before ORDER BY seq LIMIT $limit",
        Read, ("$lobby", lobbyId.Blob), ("$after", (long)after), ("$before", (long)Math.Min(before, long.MaxValue)),
        ("$limit", limit));

    /// <summary>The last rows before a place, ascending.</summary>
    public List<KeptEntry> EntriesBefore(Guid lobbyId, ulong before, int limit)
    {
        var rows = file.Query(
            EntryColumns + " WHERE lobby_id = $lobby AND seq < $before ORDER BY seq DESC LIMIT $limit",
            Read, ("$lobby", lobbyId.Blob), ("$before", (long)before), ("$limit", limit));
        rows.Reverse();
        return rows;
    }

    /// <summary>The place of a sender's message before another one; null if it is not kept.</summary>
    public ulong? SeqOf(Guid lobbyId, ulong before, Guid sender, Guid messageId) => file.Query(
        """
        SELECT seq FROM entries
        WHERE lobby_id = $lobby AND seq < $before AND sender = $sender AND message_id = $message
        ORDER BY seq DESC LIMIT 1
        """,
        row => row.Seq(0), ("$lobby", lobbyId.Blob), ("$before", (long)before), ("$sender", sender.Blob),
        ("$message", messageId.Blob)) is [var seq] ? seq : null;

    /// <summary>What the checks of the next row look back at: the last rows up to a place, ascending.</summary>
    public List<LogRow> Window(Guid lobbyId, ulong last, int rows)
    {
        var window = file.Query(
            """
            SELECT seq, hash, row_hash, fingerprint, message_id FROM entries
            WHERE lobby_id = $lobby AND seq <= $last ORDER BY seq DESC LIMIT $rows
            """,
            row => new LogRow(
                row.Seq(0), row.Digest(1), row.Digest(2), row.IsNull(4) ? null : new(row.Digest(3), row.Uuid(4))),
            ("$lobby", lobbyId.Blob), ("$last", (long)last), ("$rows", rows));
        window.Reverse();
        return window;
    }

    public Digest? HashAt(Guid lobbyId, ulong seq) => file.Query(
        "SELECT hash FROM entries WHERE lobby_id = $lobby AND seq = $seq", row => row.Digest(0),
        ("$lobby", lobbyId.Blob), ("$seq", (long)seq)) is [var hash] ? hash : null;

    /// <summary>
    /// Whether a row, or the message in it, stood already in the 4,096 rows before a place: check 10 for a row that is
    /// judged later than the rows around it.
    /// </summary>
    public bool HasStood(Guid lobbyId, ulong seq, Digest rowHash, MessageKey message) => file.Query(
        """
        SELECT 1 FROM entries WHERE lobby_id = $lobby AND seq < $seq AND seq >= $seq - $window
            AND (row_hash = $hash OR (fingerprint = $sender AND message_id = $message)) LIMIT 1
        """,
        _ => true, ("$lobby", lobbyId.Blob), ("$seq", (long)seq), ("$window", LobbyLog.WindowRows),
        ("$hash", rowHash.Blob), ("$sender", message.Sender.Blob), ("$message", message.Id.Blob)).Count > 0;

    /// <summary>Overwrites the content of a row that was erased.</summary>
    public void Erase(Guid lobbyId, ulong seq) => file.Execute(
        """
        UPDATE entries SET row_data = NULL, row_bytes = 0
        WHERE lobby_id = $lobby AND seq = $seq AND (message_id IS NOT NULL OR fingerprint IS NULL)
        """,
        ("$lobby", lobbyId.Blob), ("$seq", (long)seq));

    /// <summary>
    /// Drops the bytes of a lobby's messages. Their hashes stay, so that what is fetched again must be what it was.
    /// </summary>
    public void Shed(Guid lobbyId) => file.Execute(
        """
        UPDATE entries SET row_data = NULL
        WHERE lobby_id = $lobby AND message_id IS NOT NULL AND row_data IS NOT NULL
        """,
        ("$lobby", lobbyId.Blob));

    /// <summary>The same for the older half of all messages, of whatever lobby.</summary>
    /// <returns>How many there were.</returns>
    public int ShedOlderHalf() => file.Execute(
        """
        UPDATE entries SET row_data = NULL
        WHERE message_id IS NOT NULL AND row_data IS NOT NULL AND sent_at <= (
            SELECT sent_at FROM entries WHERE message_id IS NOT NULL AND row_data IS NOT NULL ORDER BY sent_at
            LIMIT 1 OFFSET (
                SELECT count(*) / 2 FROM entries WHERE message_id IS NOT NULL AND row_data IS NOT NULL))
        """);

    /// <summary>Every lobby that is kept.</summary>
    public List<Guid> All() => file.Query("SELECT lobby_id FROM lobbies", row => row.Uuid(0));

    /// <summary>The kept rows are as they were when the server had counted so many erasures.</summary>
    public void SetErasures(Guid lobbyId, long erasures) => file.Execute(
        "UPDATE lobbies SET erasures = $erasures WHERE lobby_id = $lobby",
        ("$lobby", lobbyId.Blob), ("$erasures", erasures));

    /// <summary>Drops everything of a lobby but its keys, which are right whoever gave them.</summary>
    public void Forget(Guid lobbyId) => file.Change(() =>
    {
        file.Execute("DELETE FROM lobbies WHERE lobby_id = $lobby", ("$lobby", lobbyId.Blob));
        file.Execute("DELETE FROM roster_entries WHERE lobby_id = $lobby", ("$lobby", lobbyId.Blob));
        file.Execute("DELETE FROM entries WHERE lobby_id = $lobby", ("$lobby", lobbyId.Blob));
        file.Execute("DELETE FROM drafts WHERE lobby_id = $lobby", ("$lobby", lobbyId.Blob));
    });

    /// <summary>What the server was caught at in this lobby; null if at nothing, or a person has decided.</summary>
    public LobbyAlarm? Alarm(Guid lobbyId) => file.Query(
        "SELECT alarm, alarm_seq FROM lobbies WHERE lobby_id = $lobby",
        row => row.Text(0) is { } code ? new LobbyAlarm(code, row.GetInt64(1)) : null,
        ("$lobby", lobbyId.Blob)) is [var alarm] ? alarm : null;

    /// <summary>Keeps the first alarm until a person decides; null ends it.</summary>
    public void SetAlarm(Guid lobbyId, LobbyAlarm? alarm) => file.Execute(
        """
        UPDATE lobbies SET alarm = $code, alarm_seq = $seq
        WHERE lobby_id = $lobby AND (alarm IS NULL OR $code IS NULL)
        """,
        ("$lobby", lobbyId.Blob), ("$code", alarm?.Code), ("$seq", alarm?.Seq));

    void KeepEntry(Guid lobbyId, ulong seq, RosterEntry entry)
    {
        file.Execute(
            """
            INSERT INTO roster_entries (lobby_id, height, seq, entry) VALUES ($lobby, $height, $seq, $entry)
            ON CONFLICT DO NOTHING
            """,
            ("$lobby", lobbyId.Blob), ("$height", (long)entry.Height), ("$seq", (long)seq),
            ("$entry", entry.Bytes.ToArray()));
        // Also in a lobby that was only ever used by its id: the server does not decide where its names lead.
        var name = entry.Change switch
        {
            RosterChange.Create create => create.Name,
            RosterChange.Rename rename => rename.Name,
            _ => null,
        };
        if (name is not null)
            new PinStore(file).KeepName(LobbyName.Key(name), lobbyId);
    }

    void Insert(Guid lobbyId, KeptEntry entry) => file.Execute(
        """
        INSERT INTO entries
            (lobby_id, seq, hash, row_hash, sender, sent_at, expires_at, fingerprint, message_id, fault, row_bytes,
            row_data)
        VALUES ($lobby, $seq, $hash, $row_hash, $sender, $sent, $expires, $fingerprint, $message, $fault, $bytes, $row)
        ON CONFLICT DO NOTHING
        """,
        ("$lobby", lobbyId.Blob), ("$seq", (long)entry.Row.Seq), ("$hash", entry.Row.Hash.Blob),
        ("$row_hash", entry.Row.RowHash.Blob), ("$sender", entry.Sender.Blob),
        ("$sent", entry.SentAt.ToUnixTimeMilliseconds()), ("$expires", entry.ExpiresAt?.ToUnixTimeMilliseconds()),
        ("$fingerprint", entry.Author?.Blob), ("$message", entry.Row.Message?.Id.Blob), ("$fault", entry.Fault),
        ("$bytes", entry.RowBytes), ("$row", entry.RowData));

    static KeptEntry Read(SqliteDataReader row)
    {
        var author = row.IsNull(6) ? (Digest?)null : row.Digest(6);
        var message = row.IsNull(7) ? (MessageKey?)null : new MessageKey(author!.Value, row.Uuid(7));
        return new KeptEntry(
            new LogRow(row.Seq(0), row.Digest(1), row.Digest(2), message), row.Uuid(3), row.Time(4),
            row.IsNull(5) ? null : row.Time(5), author, row.Text(8), (int)row.Seq(9), row.Blob(10));
    }
}
