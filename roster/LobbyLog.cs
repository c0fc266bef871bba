namespace Conclave.Roster;

/// <summary>
/// The log of one sealed lobby as its server and each of its members follow it: roster and transcript, row by row. It
/// judges the next row (docs/sealing.md, sections 4 and 6.1, checks 1 and 3 to 10) and takes it in.
/// </summary>
/// <remarks>
/// Not thread-safe. It keeps what the checks look back at, between 4,096 and 8,192 rows of some 300 bytes. A server may
/// take rows in ahead of its commit and return with <see cref="RewindTo"/> if the commit fails.
/// </remarks>
public sealed class LobbyLog
{
    /// <summary>How many rows back a message may have seen the log, and a replay is looked for.</summary>
    public const int WindowRows = 4096;

    /// <summary>How many of the rows taken in can always be taken back.</summary>
    public const int RewindRowsMin = 1024;

    const int RowsKept = WindowRows + RewindRowsMin;
    const int RowsMax = 2 * WindowRows;

    readonly Guid? _reader;
    readonly ulong _startSeq;
    readonly List<LogRow> _rows = [];
    readonly Dictionary<MessageKey, ulong> _messages = [];
    readonly Dictionary<Digest, ulong> _rowHashes = [];
    readonly List<(ulong Seq, RosterState? Before)> _rosters = [];

    // The value before the first row that is kept.
    LogPoint _base;

    // Further back the window before the next row would not be whole, and its checks would let pass what they miss.
    ulong _rewindFloor;

    LobbyLog(Guid lobbyId, RosterState? roster, LogPoint start, Guid? reader)
    {
        (LobbyId, Roster, _base, _startSeq, _reader) = (lobbyId, roster, start, start.Seq, reader);
        IsConfirmed = start.Seq == 0;
        _rewindFloor = start.Seq;
    }

    /// <summary>The lobby that was asked for, whatever its first entry says.</summary>
    public Guid LobbyId { get; }

    /// <summary>The roster after the last row; null before the lobby was created.</summary>
    public RosterState? Roster { get; private set; }

    /// <summary>The last row taken in: what a sender names as seen. At seq 0 before any.</summary>
    public LogPoint Last => _rows is [.., var row] ? new(row.Seq, row.Hash) : _base;

    /// <summary>
    /// False as long as the log rests on a base that nobody but the server vouches for. The first accepted message of
    /// another member that saw the base, or a later row, confirms it.
    /// </summary>
    public bool IsConfirmed { get; private set; }

    /// <summary>The rows that are kept, the last 4,096 at least.</summary>
    public IReadOnlyList<LogRow> Rows => _rows;

    /// <summary>A log without a row.</summary>
    /// <param name="lobbyId">The lobby that is asked for, or about to be created.</param>
    public static LobbyLog Begin(Guid lobbyId) => new(lobbyId, null, new(0, Transcript.Start(lobbyId)), null);

    /// <summary>A log that is entered in its middle, with a base that is not confirmed (section 8).</summary>
    /// <param name="roster">The roster folded from all entries with a seq up to that of the base.</param>
    /// <param name="start">The base, as the server says it. At seq 0 its hash is computed, not believed.</param>
    /// <param name="reader">Own public token: one's own messages confirm nothing. Null on a server.</param>
    /// <exception cref="ArgumentNullException"><paramref name="roster"/> is null.</exception>
    public static LobbyLog Enter(RosterState roster, LogPoint start, Guid? reader)
    {
        ArgumentNullException.ThrowIfNull(roster);
        return start.Seq == 0 ? Begin(roster.LobbyId) : new(roster.LobbyId, roster, start, reader);
    }

    /// <summary>A log whose rows were judged earlier and kept by oneself.</summary>
    /// <param name="lobbyId">The lobby.</param>
    /// <param name="roster">The roster after the last of <paramref name="rows"/>.</param>
    /// <param name="start">The place before the first of <paramref name="rows"/>.</param>
    /// <param name="rows">Ascending without a gap; 4,096 or as many as there are.</param>
    /// <param name="isConfirmed">What <see cref="IsConfirmed"/> was.</param>
    /// <param name="reader">Own public token; null on a server.</param>
    /// <exception cref="ArgumentNullException"><paramref name="rows"/> is null.</exception>
    /// <exception cref="ArgumentException">The rows do not follow <paramref name="start"/> one by one.</exception>
    public static LobbyLog Restore(
        Guid lobbyId, RosterState? roster, LogPoint start, IEnumerable<LogRow> rows, bool isConfirmed, Guid? reader)
    {
        ArgumentNullException.ThrowIfNull(rows);
        var log = new LobbyLog(lobbyId, roster, start, reader) { IsConfirmed = isConfirmed };
        foreach (var row in rows)
        {
            if (row.Seq != log.Last.Seq + 1)
            {
                throw new ArgumentException("The rows have a gap.", nameof(rows));
            }

            log.Keep(row);
        }

        log._rewindFloor = log.Last.Seq;
        return log;
    }

    /// <summary>Judges a row in the place after the last, and changes nothing.</summary>
    /// <param name="row">The row.</param>
    /// <param name="sender">Public token of its sender, as the server says it.</param>
    /// <param name="identities">Accepted identities by fingerprint, as in <see cref="RosterState.Apply"/>.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public Judgement Judge(SealedRow row, Guid sender, IReadOnlyDictionary<Digest, IdentityRecord> identities)
    {
        ArgumentNullException.ThrowIfNull(row);
        ArgumentNullException.ThrowIfNull(identities);
        var (roster, author) = (Roster, (RosterMember?)null);
        var verdict = row switch
        {
            { Form: not Verdict.Accepted } => row.Form,
            { Envelope: { } envelope } => JudgeMessage(envelope, row.Hash, sender, out author),
            _ => JudgeEntry(row.Entry!, sender, identities, out author, ref roster),
        };
        return verdict == Verdict.Accepted
            ? new(Last.Seq + 1, verdict, row, sender, author, roster)
            : new(Last.Seq + 1, verdict, row, sender, null, Roster);
    }

    /// <summary>
    /// Takes a judged row in, accepted or not: a server never stores one that is not, but a receiver that meets one
    /// still has it in its transcript.
    /// </summary>
    /// <exception cref="ArgumentNullException"><paramref name="judgement"/> is null.</exception>
    /// <exception cref="ArgumentException">It was judged for another place.</exception>
    public LogRow Append(Judgement judgement)
    {
        ArgumentNullException.ThrowIfNull(judgement);
        if (judgement.Seq != Last.Seq + 1)
        {
            throw new ArgumentException("The row was judged for another place.", nameof(judgement));
        }

        var message = (MessageKey?)null;
        if (judgement is { Author: { } author, Row.Envelope: { } envelope })
        {
            message = new(author.Identity.Fingerprint, envelope.Id);
            IsConfirmed |= envelope.SeenSeq >= _startSeq && !envelope.IsBaseUnconfirmed && author.Token != _reader;
        }

        if (!ReferenceEquals(Roster, judgement.Roster))
        {
            _rosters.Add((judgement.Seq, Roster));
            Roster = judgement.Roster;
        }

        return Append(judgement.Sender, judgement.Row.Hash, message);
    }

    /// <summary>
    /// Takes in the tombstone of a message that has expired or was deleted: nothing is left to judge.
    /// </summary>
    /// <param name="sender">Public token of its sender, as the server says it.</param>
    /// <param name="rowHash">Hash of the row that it was.</param>
    public LogRow AppendTombstone(Guid sender, Digest rowHash) => Append(sender, rowHash, null);

    /// <summary>Takes back every row after <paramref name="seq"/>.</summary>
    /// <param name="seq">The place that is the last one then.</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The place is not there yet, before the rows that the log was restored with, or so far back that not all 4,096
    /// rows before it are kept; <see cref="RewindRowsMin"/> can always be taken back.
    /// </exception>
    public void RewindTo(ulong seq)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(seq, Last.Seq);
        ArgumentOutOfRangeException.ThrowIfLessThan(seq, _rewindFloor);
        _rows.RemoveRange((int)(seq - _base.Seq), (int)(Last.Seq - seq));
        while (_rosters is [.., var roster] && roster.Seq > seq)
        {
            Roster = roster.Before;
            _rosters.RemoveAt(_rosters.Count - 1);
        }

        IndexRows();
    }

    /// <summary>The transcript's value at <paramref name="seq"/>; null where this log does not reach.</summary>
    public Digest? HashAt(ulong seq) =>
        seq < _base.Seq || seq > Last.Seq ? null
        : seq == _base.Seq ? _base.Hash
        : _rows[(int)(seq - _base.Seq - 1)].Hash;

    // Checks 3 to 10; the form was check 1, and check 2 is the server's alone.
    Verdict JudgeMessage(Envelope envelope, Digest rowHash, Guid sender, out RosterMember? author)
    {
        author = null;
        var seq = Last.Seq + 1;
        if (Roster is null || envelope.RosterHead != Roster.Head)
        {
            return Verdict.StaleRoster;
        }

        author = Roster.MemberBy(sender);
        if (author is null)
        {
            return Verdict.NotAMember;
        }

        if (!envelope.IsSignedBy(LobbyId, author.Identity))
        {
            return Verdict.BadSignature;
        }

        if (!author.Has(MemberRights.Write))
        {
            return Verdict.Forbidden;
        }

        if (Roster.IsDirty)
        {
            return Verdict.StaleKey;
        }

        if (envelope.SeenSeq >= seq || seq - envelope.SeenSeq > WindowRows)
        {
            return Verdict.StaleTranscript;
        }

        // Null only for what was before a base in the middle of the log: a client that entered there has no value.
        if (HashAt(envelope.SeenSeq) is { } hash && hash != envelope.SeenHash)
        {
            return Verdict.Fork;
        }

        return IsInWindow(_messages, new(author.Identity.Fingerprint, envelope.Id)) || IsInWindow(_rowHashes, rowHash)
            ? Verdict.Replay
            : Verdict.Accepted;
    }

    // A roster entry as a row: form, Apply, lobby id, token, in this order.
    Verdict JudgeEntry(
        RosterEntry entry,
        Guid sender,
        IReadOnlyDictionary<Digest, IdentityRecord> identities,
        out RosterMember? author,
        ref RosterState? roster)
    {
        author = null;
        var verdict = RosterState.Apply(Roster, entry, identities, out var next);
        if (verdict != Verdict.Accepted)
        {
            return verdict;
        }

        if (next!.LobbyId != LobbyId)
        {
            return Verdict.WrongLobby;
        }

        author = (Roster ?? next).Members[entry.Author];
        roster = next;
        return author.Token == sender ? Verdict.Accepted : Verdict.NotAMember;
    }

    LogRow Append(Guid sender, Digest rowHash, MessageKey? message)
    {
        var point = Last.Next(sender, rowHash);
        var row = new LogRow(point.Seq, point.Hash, rowHash, message);
        Keep(row);
        return row;
    }

    void Keep(LogRow row)
    {
        _rows.Add(row);
        Index(row);
        if (_rows.Count > RowsMax)
        {
            var gone = _rows.Count - RowsKept;
            _base = new(_rows[gone - 1].Seq, _rows[gone - 1].Hash);
            _rows.RemoveRange(0, gone);
            _rewindFloor = Math.Max(_rewindFloor, _base.Seq + WindowRows);
            _rosters.RemoveAll(roster => roster.Seq <= _base.Seq);
            IndexRows();
        }
    }

    void IndexRows()
    {
        _messages.Clear();
        _rowHashes.Clear();
        _rows.ForEach(Index);
    }

    void Index(LogRow row)
    {
        _rowHashes[row.RowHash] = row.Seq;
        if (row.Message is { } message)
        {
            _messages[message] = row.Seq;
        }
    }

    bool IsInWindow<T>(Dictionary<T, ulong> places, T key)
        where T : notnull =>
        places.TryGetValue(key, out var seq) && Last.Seq + 1 - seq <= WindowRows;
}
