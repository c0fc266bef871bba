using Conclave.Protocol;
using Conclave.Roster;
using Conclave.Server.Storage;

namespace Conclave.Server.Writing;

/// <summary>
/// One sealed lobby as the writer judges what comes next: the roster, and as much of the log as the checks look back at
/// (docs/sealing.md, sections 4, 6.1 and 7). It may run ahead of its commit, and is taken back if that fails.
/// </summary>
/// <remarks>
/// Used by one flight at a time; <see cref="Roster"/> may be read by anybody. What comes from other servers is taken
/// in by
/// <see cref="TakeIn"/>: the commit finds out whether it is needed.
/// </remarks>
sealed class SealedLobby
{
    // Of the entries that a roster may have, the last are for removing people, and for the new key after that; half of
    // them where there are few.
    const int RosterEntriesKeptMax = 1024;

    const int RowsOfMember = 8;

    static readonly TimeSpan AdminsFirst = TimeSpan.FromSeconds(5);
    static readonly TimeSpan BetweenSuccessions = TimeSpan.FromDays(1);

    readonly LobbyLog _log;
    readonly SealedPace _pace;
    readonly TimeProvider _time;
    readonly int _rosterEntriesMax;
    readonly int _rosterEntriesKept;

    // When each member handed over to a new identity last.
    readonly Dictionary<Guid, DateTimeOffset> _succeededAt = [];
    long _adminsFirstSince = long.MinValue;

    public SealedLobby(LobbyLog log, Limits limits, TimeProvider time)
    {
        _log = log;
        _time = time;
        _rosterEntriesMax = limits.RosterEntriesMax;
        _rosterEntriesKept = Math.Min(RosterEntriesKeptMax, limits.RosterEntriesMax / 2);
        _pace = new SealedPace(limits.SealedRowsPerSecond, time);
    }

    public Guid LobbyId => _log.LobbyId;

    /// <summary>The roster after the last entry. Immutable.</summary>
    public RosterState Roster => _log.Roster!;

    /// <summary>The last entry that it knows of.</summary>
    public long LastSeq => (long)_log.Last.Seq;

    /// <summary>How much memory it takes, in rows: a member's identity is as large as some, a key as one.</summary>
    public long Weight => _log.Rows.Count + (RowsOfMember * Roster.Members.Count) + Roster.Generations.Count;

    /// <summary>The tick of its last use.</summary>
    public long LastUsed { get; set; }

    /// <summary>How many bytes it may still take; null if any number.</summary>
    public long? Room { get; set; }

    /// <summary>Notes when a member handed over to a new identity.</summary>
    public void NoteSuccession(Guid member, DateTimeOffset at) => _succeededAt[member] = at;

    /// <summary>Takes in what is in the log already.</summary>
    /// <exception cref="InvalidDataException">It does not follow from what was there before.</exception>
    public void TakeIn(JudgedRow row, IReadOnlyDictionary<Digest, IdentityRecord> identities)
    {
        LogRow taken;
        if (row.Roster is { } bytes)
        {
            var judgement = _log.Judge(SealedRow.Parse(bytes.Span), row.Author, identities);
            if (judgement.Verdict != Verdict.Accepted)
                throw new InvalidDataException("a stored entry of a roster does not continue it");
            taken = _log.Append(judgement);
            if (judgement.Row.Entry!.Change is RosterChange.Succeed)
                NoteSuccession(row.Author, row.SentAt);
        }
        else
        {
            // That it was accepted once is all that matters now; its id is found by the database.
            taken = _log.AppendTombstone(row.Author, row.RowHash);
        }
        if (taken.Seq != (ulong)row.Seq || taken.Hash != row.Hash)
            throw new InvalidDataException("the log of a sealed lobby does not add up to its transcript");
    }

    /// <summary>Takes back what did not get into the log.</summary>
    public void RewindTo(long seq)
    {
        _pace.Return(LastSeq - seq);
        _log.RewindTo((ulong)seq);
    }

    /// <summary>Judges a message in the place after the last, and if it is good takes it in.</summary>
    public Outcome JudgeMessage(NewEntry entry)
    {
        var part = entry.Sealed!;
        if (Judge(entry, out var judgement) is { } refused)
            return refused;
        if (Room < entry.Body!.Length)
            return Outcome.LobbyFull;
        if (!_pace.TryTake(out var retryAfter))
        {
            part.RetryAfter = retryAfter;
            return Outcome.TooSoon;
        }
        Room -= entry.Body.Length;
        part.Hash = _log.Append(judgement).Hash;
        return Outcome.Stored;
    }

    /// <summary>Judges an entry of the roster in the place after the last; takes nothing in.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="judgement">To be handed to <see cref="Append"/> when it is stored.</param>
    /// <returns><see cref="Outcome.Stored"/>: it may be.</returns>
    public Outcome JudgeChange(NewEntry entry, out Judgement judgement)
    {
        var part = entry.Sealed!;
        judgement = null!;
        var author = Roster.MemberBy(entry.Author.PublicToken);
        // Else whoever is quick with entries could keep an admin from ever getting theirs in.
        if (author is not null && !author.Has(MemberRights.Admin) && AdminsFirstFor() is { } wait)
            return TooSoon(part, wait);
        if (Judge(entry, out judgement) is { } refused)
        {
            if (part.Refusal == Verdict.RosterConflict && author?.Has(MemberRights.Admin) == true)
                _adminsFirstSince = _time.GetTimestamp();
            return refused;
        }
        if (TargetOf(part.Row.Entry!) is { } target && target != part.Target?.PublicToken)
            return Outcome.Disagreeing;
        if (!HasItsWraps(part, judgement.Roster!))
            return Unsealable(part, Verdict.BadWraps);
        if (!HasHeight(part.Row.Entry!))
            return Unsealable(part, Verdict.Limit);
        if (part.Row.Entry!.Change is RosterChange.Succeed && SuccessionWait(entry.Author.PublicToken) is { } rest)
            return TooSoon(part, rest);
        return _pace.TryTake(out var retryAfter) ? Outcome.Stored : TooSoon(part, retryAfter);
    }

    /// <summary>Takes in an entry that is stored.</summary>
    public LogRow Append(Judgement judgement) => _log.Append(judgement);

    /// <summary>The transcript's value that an entry gets in the place after the last.</summary>
    public Digest HashOfNext(Judgement judgement) => _log.Last.Next(judgement.Sender, judgement.Row.Hash).Hash;

    // Whoever is no member learns nothing else.
    Outcome? Judge(NewEntry entry, out Judgement judgement)
    {
        var part = entry.Sealed!;
        judgement = null!;
        var sender = entry.Author.PublicToken;
        if (Roster.MemberBy(sender) is null)
            return Outcome.Forbidden;
        judgement = _log.Judge(part.Row, sender, part.Identities);
        return judgement.Verdict == Verdict.Accepted ? null : Unsealable(part, judgement.Verdict);
    }

    static Outcome Unsealable(SealedPart part, Verdict refusal)
    {
        part.Refusal = refusal;
        return Outcome.Unsealable;
    }

    static Outcome TooSoon(SealedPart part, TimeSpan retryAfter)
    {
        part.RetryAfter = retryAfter;
        return Outcome.TooSoon;
    }

    TimeSpan? AdminsFirstFor()
    {
        if (_adminsFirstSince == long.MinValue)
            return null;
        var left = AdminsFirst - _time.GetElapsedTime(_adminsFirstSince);
        return left > TimeSpan.Zero ? left : null;
    }

    TimeSpan? SuccessionWait(Guid member)
    {
        if (!_succeededAt.TryGetValue(member, out var at))
            return null;
        var left = at + BetweenSuccessions - _time.GetUtcNow();
        return left > TimeSpan.Zero ? left : null;
    }

    // Whom the request has to name beside the entry; in an invitation it is the entry itself that names the token.
    Guid? TargetOf(RosterEntry entry) => entry.Change switch
    {
        RosterChange.Invite invite => invite.Token,
        RosterChange.Remove remove => Roster.Members[remove.Member].Token,
        RosterChange.SetRights setRights => Roster.Members[setRights.Member].Token,
        _ => null,
    };

    static bool HasItsWraps(SealedPart part, RosterState after) =>
        (part.Row.Entry!.Change is RosterChange.Succeed
            ? KeyWrapForm.CheckSuccession(after, part.OwnWraps)
            : KeyWrapForm.Check(part.Row.Entry, after, part.Wraps)) == Verdict.Accepted;

    bool HasHeight(RosterEntry entry)
    {
        var mayBeLast = entry.Change is RosterChange.Remove || (entry.Change is RosterChange.Rotate && Roster.IsDirty);
        return (long)entry.Height <= _rosterEntriesMax - (mayBeLast ? 0 : _rosterEntriesKept);
    }
}
