using Conclave.Protocol;
using Conclave.Roster;
using Conclave.Sdk.Storage;
using Conclave.Sealing;
using RowVerdict = Conclave.Roster.Verdict;

namespace Conclave.Sdk.Sealing;

/// <summary>
/// A sealed lobby that this client follows: it fetches what is missing, has the <see cref="LobbyFollower"/> judge it
/// and keeps what was judged. One thing at a time; the rows of a lobby have an order.
/// </summary>
sealed class SealedLobby(SealedSession session, Guid lobbyId) : IDisposable
{
    readonly SemaphoreSlim _turn = new(1, 1);
    readonly LobbyFetcher _fetch = new(session, lobbyId);
    LobbyFollower? _follower;
    HashSet<ulong> _expected = [];
    ulong _keysAskedAt;

    public Guid Id => lobbyId;

    /// <summary>
    /// Set before the first use by a reader of one secret: a log that was never followed is entered close to its end,
    /// and large rows are left out, which are judged when somebody wants them.
    /// </summary>
    public bool IsGlance { get; set; }

    /// <summary>Asks the server about this lobby.</summary>
    public LobbyFetcher Fetch => _fetch;

    /// <summary>
    /// Whether this run has seen the end of the log once: later news come by refusals, or a subscription.
    /// </summary>
    public bool IsCurrent { get; private set; }

    public KeyRing Keys { get; } = new();

    /// <summary>Whether the server was asked for the wraps of the present key.</summary>
    public bool HasAskedForKeys => _keysAskedAt == Roster.Generation;

    /// <summary>What is known of the lobby; only in turn, and only once it is open.</summary>
    public LobbyFollower Follower => _follower!;

    public RosterState Roster => Follower.Log.Roster ?? throw (Standing
        ?? (Exception)new BrokenServerException("a lobby has no first entry"));

    /// <summary>The alarm that nobody has decided about yet; null if there is none.</summary>
    public AlarmException? Standing => session.Lobbies.Alarm(lobbyId) is { } alarm
        ? AlarmText.Of(lobbyId, _follower?.Book.State?.Name, alarm)
        : null;

    /// <summary>Does <paramref name="work"/> when nobody else is at it, with the lobby open.</summary>
    public async Task<T> InTurnAsync<T>(Func<Task<T>> work, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await OpenAsync(cancellationToken).ConfigureAwait(false);
            return await work().ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Judges everything up to the end of the log. Only in turn.</summary>
    /// <exception cref="AlarmException">The server shows less than before, or something else.</exception>
    public async Task CatchUpAsync(CancellationToken cancellationToken)
    {
        // Whoever tries again in this turn, after something went wrong, begins with what is kept.
        await OpenAsync(cancellationToken).ConfigureAwait(false);
        var kept = session.Lobbies.Find(lobbyId);
        var verified = kept?.Last.Seq ?? 0;
        var erasures = default(long?);
        while (true)
        {
            var last = Follower.Log.Last;
            var page = await _fetch.PageAsync(last.Seq, IsGlance, cancellationToken).ConfigureAwait(false);
            // The first page's: of what was erased since, the next look finds that it has grown again.
            erasures ??= page.Erasures;
            // Not only what was shown must still be there, but also what was acknowledged.
            if (page.LastSeq < (long)Math.Max(Math.Max(verified, last.Seq), _expected.DefaultIfEmpty().Max()))
                throw Alarm(AlarmCode.Rollback, page.LastSeq);
            if (page.Base is { } start && (start.Seq != (long)last.Seq || !IsHash(start.Hash, last.Hash)))
                throw Alarm(AlarmCode.Fork, start.Seq);
            await TakeAsync(page.Events, cancellationToken).ConfigureAwait(false);
            if (Follower.Log.Last.Seq >= (ulong)page.LastSeq)
            {
                // The server's own sum of all rows, of which none was held back then.
                if (Follower.Log.Last.Seq == (ulong)page.LastSeq && page.Hash is { } hash
                    && !IsHash(hash, Follower.Log.Last.Hash))
                    throw Alarm(AlarmCode.Fork, page.LastSeq);
                if (!IsGlance)
                    await NoticeErasuresAsync(kept?.Erasures, erasures, cancellationToken).ConfigureAwait(false);
                IsCurrent = true;
                return;
            }
            if (Follower.Log.Last.Seq == last.Seq)
                throw new BrokenServerException("it has more entries, and does not send them");
        }
    }

    /// <summary>
    /// Looks at the kept rows again if messages were erased since that was last done. Only in turn.
    /// </summary>
    public Task NoticeErasuresAsync(long? erasures, CancellationToken cancellationToken) =>
        NoticeErasuresAsync(session.Lobbies.Find(lobbyId)?.Erasures, erasures, cancellationToken);

    async Task NoticeErasuresAsync(long? before, long? now, CancellationToken cancellationToken)
    {
        if (now is not { } count || before == count)
            return;
        for (var after = count == 0 ? Follower.Log.Last.Seq : Follower.Base.Seq; after < Follower.Log.Last.Seq;)
        {
            var page = await _fetch.HeadsAsync(after, cancellationToken).ConfigureAwait(false);
            // Or a server could send the same page for ever.
            if (page.Events is not [.., var last] || last.Seq <= (long)after)
                throw new BrokenServerException("it does not send the entries that were asked for");
            await TakeAsync(
                [.. page.Events.Where(wire => wire.Gone is true && wire.Seq <= (long)Follower.Log.Last.Seq)],
                cancellationToken).ConfigureAwait(false);
            after = (ulong)last.Seq;
        }
        session.Lobbies.SetErasures(lobbyId, count);
    }

    /// <summary>Judges rows that a subscription brought, and gives the entries that callers see. Any order.</summary>
    public Task<List<Entry>> OpenAsync(IReadOnlyList<LobbyEvent> events, CancellationToken cancellationToken) =>
        InTurnAsync(async () =>
        {
            // Rows that nobody has fetched lie before these, if the subscription began later than this client's log.
            if (events[0].Seq > (long)Follower.Log.Last.Seq + 1)
                await CatchUpAsync(cancellationToken).ConfigureAwait(false);
            await TakeAsync(events, cancellationToken).ConfigureAwait(false);
            if (events[^1].Seq > (long)Follower.Log.Last.Seq)
                await CatchUpAsync(cancellationToken).ConfigureAwait(false);
            return await ReadAsync(
                (ulong)events[0].Seq - 1, (ulong)events[^1].Seq + 1, int.MaxValue, null, cancellationToken)
                .ConfigureAwait(false);
        }, cancellationToken);

    /// <summary>Kept entries, opened. Only in turn.</summary>
    public async Task<List<Entry>> ReadAsync(
        ulong after, ulong before, int limit, int? bodyMax, CancellationToken cancellationToken)
    {
        if (after < Follower.Base.Seq)
            await CompleteAsync(cancellationToken).ConfigureAwait(false);
        var kept = session.Lobbies.Entries(lobbyId, after, before, limit);
        return await OpenAsync(kept, bodyMax, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The last kept entries before a place, opened. Only in turn.</summary>
    public async Task<List<Entry>> ReadBeforeAsync(
        ulong before, int limit, int? bodyMax, CancellationToken cancellationToken)
    {
        var first = before > (ulong)limit ? before - (ulong)limit : 1;
        if (first <= Follower.Base.Seq)
            await CompleteAsync(cancellationToken).ConfigureAwait(false);
        var kept = session.Lobbies.EntriesBefore(lobbyId, before, limit);
        return await OpenAsync(kept, bodyMax, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Gets the keys that are not at hand: by one's own wraps, and by links. A wrap that does not open is asked for
    /// again from the other members (docs/sealing.md, section 5). Only in turn.
    /// </summary>
    /// <param name="recipient">Whom the wraps were made for: the user, or who the user was before.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task FetchKeysAsync(Identity recipient, CancellationToken cancellationToken)
    {
        var roster = Roster;
        session.Keys.Load(roster, Keys);
        if (Keys[roster.Generation] is null || _keysAskedAt != roster.Generation)
        {
            _keysAskedAt = roster.Generation;
            foreach (var wrap in await _fetch.WrapsAsync(cancellationToken).ConfigureAwait(false))
            {
                var generation = (ulong)wrap.Generation;
                if (generation >= 1 && generation <= roster.Generation && Keys[generation] is null)
                    Keys.AddWrap(roster, generation, recipient, SealedSession.Decode(wrap.Wrap));
            }
        }
        if (Keys[roster.Generation] is null)
            await _fetch.NeedKeyAsync(roster.Generation, cancellationToken).ConfigureAwait(false);
        else if (Keys.WalkLinks(roster, roster.Generation, out var stoppedAt) != RowVerdict.Accepted && stoppedAt > 0)
            await _fetch.NeedKeyAsync(stoppedAt, cancellationToken).ConfigureAwait(false);
        session.Keys.Keep(lobbyId, Keys);
    }

    /// <summary>
    /// Answers <c>key_needed</c> of another member and <c>key_ready</c>, and forgets what <c>message_deleted</c> names.
    /// </summary>
    public async Task AnswerAsync(Hint hint)
    {
        await InTurnAsync(async () =>
        {
            if (string.Equals(hint.Event, EventName.MessageDeleted, StringComparison.Ordinal))
            {
                if (hint.DeletedSeq is { } seq)
                    session.Lobbies.Erase(lobbyId, (ulong)seq);
            }
            else if (string.Equals(hint.Event, EventName.KeyReady, StringComparison.Ordinal))
            {
                _keysAskedAt = 0;
                await FetchKeysAsync(session.Identity, CancellationToken.None).ConfigureAwait(false);
            }
            else if (KeyRepair.Answer(session, Follower, Keys, hint) is { } wrap)
            {
                await _fetch.RewrapAsync(hint, wrap, CancellationToken.None).ConfigureAwait(false);
            }
            return true;
        }, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>
    /// Takes in what was just posted if it is the next row, so that the next message vouches for it; else expects one
    /// of the message's envelopes at the place that the server says. Only in turn.
    /// </summary>
    /// <param name="reply">The acknowledgement.</param>
    /// <param name="draft">The message.</param>
    /// <param name="row">The envelope that was sent last.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task AcknowledgeAsync(
        MessageReply reply, Draft draft, ReadOnlyMemory<byte> row, CancellationToken cancellationToken)
    {
        if (reply.Seq < 1)
            throw new BrokenServerException("it gives an entry a place that there is not");
        var seq = (ulong)reply.Seq;
        session.Drafts.Acknowledge(lobbyId, draft.Id, seq);
        _expected.Add(seq);
        if (seq <= Follower.Log.Last.Seq)
        {
            if (session.Lobbies.Entries(lobbyId, seq - 1, seq + 1, 1) is [var kept])
                CheckDraft(seq, kept.Row.RowHash);
            return;
        }
        // Others have written meanwhile, or an earlier envelope is the one that stands there.
        IsCurrent &= seq == Follower.Log.Last.Seq + 1 && reply.Duplicate is not true;
        if (!IsCurrent)
            return;
        await TakeAsync(
            [
                new LobbyEvent
                {
                    Event = EventName.Message, LobbyId = lobbyId, LobbyName = Roster.Name, Seq = reply.Seq,
                    SentAt = reply.SentAt, From = new Person(session.Login, session.Me), RowData = new RawJson(row),
                    Nonce = draft.Id,
                    ExpiresAt = draft.ExpiresInSeconds is { } seconds ? reply.SentAt.AddSeconds(seconds) : null,
                },
            ],
            cancellationToken).ConfigureAwait(false);
        if (reply.Hash is { } hash && !IsHash(hash, Follower.Log.Last.Hash))
            throw Alarm(AlarmCode.Fork, reply.Seq);
    }

    /// <summary>The alarm, kept until a person decides.</summary>
    public AlarmException Alarm(string code, long seq)
    {
        session.Lobbies.SetAlarm(lobbyId, new LobbyAlarm(code, seq));
        return AlarmText.Of(lobbyId, Follower.Book.State?.Name, new LobbyAlarm(code, seq));
    }

    public void Dispose()
    {
        Keys.Dispose();
        _turn.Dispose();
    }

    async Task OpenAsync(CancellationToken cancellationToken)
    {
        if (_follower is not null)
            return;
        if (KeptLobbies.Restore(session, lobbyId) is not { } follower)
        {
            var alarm = (string code, long seq) => AlarmText.Of(lobbyId, null, new LobbyAlarm(code, seq));
            follower = await _fetch.EnterAsync(alarm, IsGlance, cancellationToken).ConfigureAwait(false);
        }
        _expected = session.Drafts.Expected(lobbyId);
        _follower = follower;
        if (follower.Log.Roster is { } roster)
            session.Keys.Load(roster, Keys);
        // Another program may have taken in what stands where one of this user's messages was acknowledged.
        foreach (var kept in _expected.Order()
            .SelectMany(seq => session.Lobbies.Entries(lobbyId, seq - 1, seq + 1, 1)).ToList())
            CheckDraft(kept.Row.Seq, kept.Row.RowHash);
    }

    // Takes in those of the rows that follow the last; of those before it, checks that they are what they were.
    async Task TakeAsync(IReadOnlyList<LobbyEvent> events, CancellationToken cancellationToken)
    {
        var batch = new RowBatch(session, this, _fetch);
        try
        {
            await batch.TakeAsync(events, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            // Whatever is judged and not kept is judged again, or what comes after it would be kept after a gap.
            (_follower, IsCurrent) = (null, false);
            throw;
        }
        foreach (var (seq, rowHash) in batch.Seen.Where(row => _expected.Contains(row.Seq)))
            CheckDraft(seq, rowHash);
        if (batch.IsForked)
            throw Alarm(AlarmCode.Fork, (long)Follower.Log.Last.Seq);
    }

    void CheckDraft(ulong seq, Digest rowHash)
    {
        _expected.Remove(seq);
        foreach (var message in session.Drafts.ExpectedAt(lobbyId, seq).GroupBy(draft => draft.MessageId))
        {
            session.Drafts.Remove(lobbyId, message.Key);
            if (message.All(draft => draft.RowHash != rowHash))
                throw Alarm(AlarmCode.Rewritten, (long)seq);
        }
    }

    /// <summary>
    /// The place of a message before another: by what is kept, else by the server's word. 0 if there is none.
    /// </summary>
    public async Task<ulong> FindBeforeAsync(
        ulong before, Guid sender, Guid messageId, CancellationToken cancellationToken) =>
        session.Lobbies.SeqOf(lobbyId, before, sender, messageId)
        ?? (Follower.Base.Seq == 0
            ? 0
            : await _fetch.FindBeforeAsync(before, sender, messageId, cancellationToken).ConfigureAwait(false));

    /// <summary>
    /// One message, by the word of an index. One from before the rows that are followed must chain to the place where
    /// this client entered. Only in turn.
    /// </summary>
    public Task<Entry?> GlanceAsync(ulong seq, CancellationToken cancellationToken) =>
        new EntryOpener(session, this).GlanceAsync(seq, cancellationToken);

    /// <summary>One message that is known by its hash, so that its place need not be proven. Only in turn.</summary>
    public Task<Entry?> PieceAsync(ulong seq, CancellationToken cancellationToken) =>
        new EntryOpener(session, this).PieceAsync(seq, cancellationToken);

    Task<List<Entry>> OpenAsync(List<KeptEntry> kept, int? bodyMax, CancellationToken cancellationToken) =>
        new EntryOpener(session, this).OpenAsync(kept, bodyMax, cancellationToken);

    // What lies before the place where this client entered: it must chain to what is held there.
    async Task CompleteAsync(CancellationToken cancellationToken)
    {
        var end = Follower.Base;
        if (end.Seq == 0)
            return;
        var before = LobbyFollower.Begin(lobbyId, session.Me);
        before.Book.Know(Follower.Book.Identities.Values);
        List<KeptEntry> rows = [];
        while (before.Log.Last.Seq < end.Seq)
        {
            var page = await _fetch.PageAsync(before.Log.Last.Seq, false, cancellationToken).ConfigureAwait(false);
            if (page.Events.Count == 0)
                throw Alarm(AlarmCode.Rollback, page.LastSeq);
            // What comes after them was judged before.
            foreach (var wire in page.Events.TakeWhile(_ => before.Log.Last.Seq < end.Seq))
            {
                if (wire.Seq != (long)before.Log.Last.Seq + 1)
                    throw new BrokenServerException("it does not send the entries that were asked for");
                rows.Add(RowBatch.Judge(before, wire).Kept);
            }
        }
        if (before.Log.Last.Hash != end.Hash)
            throw Alarm(AlarmCode.Fork, (long)end.Seq);
        session.Lobbies.Complete(lobbyId, before.Base, rows);
        if (rows.Find(row => row.Fault is not null) is { Fault: { } fault, Row.Seq: var seq })
            session.Lobbies.SetAlarm(lobbyId, new LobbyAlarm(fault, (long)seq));
        _follower = KeptLobbies.Restore(session, lobbyId);
    }

    static bool IsHash(string text, Digest hash) => Digest.TryParse(text, out var parsed) && parsed == hash;
}
