using System.Text.Json;
using Conclave.Protocol;
using Conclave.Roster;
using RowVerdict = Conclave.Roster.Verdict;

namespace Conclave.Sdk.Sealing;

/// <summary>Asks the server about one sealed lobby. What it says is judged elsewhere.</summary>
sealed class LobbyFetcher(SealedSession session, Guid lobbyId)
{
    /// <summary>As many as the server gives at once.</summary>
    const int PageRows = 1000;

    /// <summary>
    /// Up to this length a log is followed from its first row; of a longer one the last rows are entered, two windows
    /// of them, so that the checks of new rows see all that they look back at.
    /// </summary>
    const long RowsToFollow = 16_384;

    /// <summary>
    /// How far before the end a reader of one secret enters a log that it never followed: an index is at most some 512
    /// rows old where writers post them.
    /// </summary>
    const long RowsToGlance = 2 * Shelf.IndexRows;

    /// <summary>Larger rows are pieces of files; no head is as long.</summary>
    const int GlanceRowBytesMax = 100_000;

    /// <summary>A page after a place.</summary>
    /// <param name="after">The place.</param>
    /// <param name="isGlance">Leaves large rows out.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<HistoryReply> PageAsync(ulong after, bool isGlance, CancellationToken cancellationToken)
    {
        var page = await PageAsync(after, PageRows, isGlance ? GlanceRowBytesMax : null, cancellationToken)
            .ConfigureAwait(false);
        // A row without its bytes is not judged where it stands: nobody but a reader in a hurry wants that.
        return isGlance || page.Events.All(row => row.Omitted is not true)
            ? page
            : throw new BrokenServerException("it leaves out what was asked for");
    }

    /// <summary>A page after a place without the rows' bytes: their hashes, and which are gone.</summary>
    public Task<HistoryReply> HeadsAsync(ulong after, CancellationToken cancellationToken) =>
        PageAsync(after, PageRows, 0, cancellationToken);

    /// <summary>Rows beside each other: the first, and as many after it as one page holds.</summary>
    public async Task<IReadOnlyList<LobbyEvent>> RowsAsync(ulong seq, int count, CancellationToken cancellationToken)
    {
        var page = await PageAsync(seq - 1, count, null, cancellationToken).ConfigureAwait(false);
        var isAsked = page.Events.Count > 0 && page.Events.Count <= count
            && page.Events.Select((row, place) => row.Seq == (long)seq + place).All(isRight => isRight);
        return isAsked
            ? page.Events
            : throw new BrokenServerException("it does not send the entry that was asked for");
    }

    /// <summary>
    /// Whether a row stood at its place of a log that has this value at a later one: the hashes of all rows from there
    /// on, without their content, must add up to it.
    /// </summary>
    public async Task<bool> LeadsToAsync(LobbyEvent row, LogPoint end, CancellationToken cancellationToken)
    {
        LogPoint? reached = null;
        do
        {
            var from = reached?.Seq ?? (ulong)row.Seq - 1;
            var page = await PageAsync(from, PageRows, 0, cancellationToken).ConfigureAwait(false);
            if (page.Base is not { } start || !Digest.TryParse(start.Hash, out var hash))
                throw new BrokenServerException("a page of a sealed lobby has no base");
            var point = reached ?? new LogPoint(from, hash);
            foreach (var next in page.Events)
            {
                if (next.Seq != (long)point.Seq + 1 || point.Seq >= end.Seq)
                    break;
                var rowHash = RowBatch.HashOf(next);
                if (next.Seq == row.Seq && rowHash != RowBatch.HashOf(row))
                    return false;
                point = point.Next(next.From.PublicToken, rowHash);
            }
            if (point.Seq == from)
                throw new BrokenServerException("it does not send the entries that were asked for");
            reached = point;
        }
        while (reached.Value.Seq < end.Seq);
        return reached == end;
    }

    /// <summary>
    /// The place of a message before another, by the server's word: the newest by this sender with this id. 0 if there
    /// is none.
    /// </summary>
    public async Task<ulong> FindBeforeAsync(
        ulong before, Guid sender, Guid messageId, CancellationToken cancellationToken)
    {
        while (before > 1)
        {
            var page = await AskAsync<HistoryReply>(ActionName.History, RequestKind.Ask, json =>
            {
                json.WriteNumber("before"u8, before);
                json.WriteNumber("limit"u8, PageRows);
                json.WriteNumber("body_max"u8, 0);
            }, cancellationToken).ConfigureAwait(false);
            if (page.Events.LastOrDefault(
                row => row.Nonce == messageId && row.From.PublicToken == sender) is { Seq: > 0 } found)
                return (ulong)found.Seq;
            if (page.Events is not [var first, ..] || first.Seq >= (long)before)
                return 0;
            before = (ulong)first.Seq;
        }
        return 0;
    }

    /// <summary>
    /// The identities of everybody in the roster after a height, accepted and kept; and the entries.
    /// </summary>
    public async Task<List<(ulong Seq, RosterEntry Entry)>> RosterAsync(
        RosterBook book, ulong after, CancellationToken cancellationToken)
    {
        List<(ulong, RosterEntry)> entries = [];
        RosterReply page;
        do
        {
            page = await AskAsync<RosterReply>(ActionName.Roster, RequestKind.Ask, json =>
                json.WriteNumber("after"u8, after + (ulong)entries.Count), cancellationToken).ConfigureAwait(false);
            List<IdentityRecord> identities =
                [.. page.Identities.Select(named => SealedSession.Accept(named.Login, named.Record))];
            session.Identities.Keep(identities);
            book.Know(identities);
            foreach (var row in page.Entries)
            {
                if (RosterEntry.Parse(SealedSession.Decode(row.RosterEntry), out var entry) != RowVerdict.Accepted)
                    throw AlarmText.Of(lobbyId, null, new LobbyAlarm(VerdictCode.Of(RowVerdict.BadEntry), row.Seq));
                entries.Add(((ulong)row.Seq, entry!));
            }
            // Or a server could send the same page for ever, or another one.
            if (page.More && (entries.Count > Limits.Default.RosterEntriesMax
                || entries is [.., (_, var last)] && last.Height != after + (ulong)entries.Count))
                throw new BrokenServerException("its roster does not go on, or has no end");
        }
        while (page.More && page.Entries.Count > 0);
        return entries;
    }

    /// <summary>The whole roster, judged without the rows around it.</summary>
    public async Task<RosterBook> FoldAsync(CancellationToken cancellationToken)
    {
        var book = new RosterBook(lobbyId);
        foreach (var (seq, entry) in await RosterAsync(book, 0, cancellationToken).ConfigureAwait(false))
        {
            if (book.Apply(entry, seq) is not RowVerdict.Accepted and var verdict)
                throw AlarmText.Of(lobbyId, null, new LobbyAlarm(VerdictCode.Of(verdict), (long)seq));
        }
        return book;
    }

    /// <summary>Begins to follow the lobby, and keeps where.</summary>
    public async Task<LobbyFollower> EnterAsync(
        Func<string, long, AlarmException> alarm, bool isGlance, CancellationToken cancellationToken)
    {
        var book = new RosterBook(lobbyId);
        var roster = await RosterAsync(book, 0, cancellationToken).ConfigureAwait(false);
        var newest = await PageAsync(null, 1, 0, cancellationToken).ConfigureAwait(false);
        if (newest.LastSeq <= (isGlance ? RowsToGlance : RowsToFollow))
        {
            var whole = LobbyFollower.Begin(lobbyId, session.Me);
            whole.Book.Know(book.Identities.Values);
            return Begin(whole.Book, whole.Base, [], newest.Erasures) ? whole : Restored();
        }
        var entered = (ulong)(newest.LastSeq - (isGlance ? RowsToGlance : 2 * LobbyLog.WindowRows));
        var page = await PageAsync(entered, 1, 0, cancellationToken).ConfigureAwait(false);
        if (page.Base is not { } start || start.Seq != (long)entered || !Digest.TryParse(start.Hash, out var hash))
            throw new BrokenServerException("a page of a sealed lobby has no base");
        List<(ulong Seq, RosterEntry Entry)> folded = [.. roster.Where(row => row.Seq <= entered)];
        foreach (var (seq, entry) in folded)
        {
            if (book.Apply(entry, seq) is not RowVerdict.Accepted and var verdict)
                throw alarm(VerdictCode.Of(verdict), (long)seq);
        }
        if (book.State is null)
            throw alarm(VerdictCode.Of(RowVerdict.BadEntry), 1);
        return Begin(book, new(entered, hash), folded, newest.Erasures)
            ? LobbyFollower.Enter(book, new(entered, hash), session.Me)
            : Restored();
    }

    // Whoever is in the roster is pinned, as by the rows that let them in. Not oneself: one's own key is known from the
    // vault, and a lobby may still name the one before.
    bool Begin(RosterBook book, LogPoint start, List<(ulong Seq, RosterEntry Entry)> folded, long? erasures) =>
        session.InOneChange(() =>
        {
            if (!session.Lobbies.Begin(lobbyId, start, folded))
                return false;
            // Those before this answer show in all rows that are fetched after it.
            if (erasures is { } count)
                session.Lobbies.SetErasures(lobbyId, count);
            foreach (var member in book.State?.Members.Values ?? [])
            {
                if (!string.Equals(member.Identity.Login, session.Login, StringComparison.Ordinal))
                    session.See(member.Identity, member.Token);
            }
            return true;
        });

    // Another program of this user was quicker, and may have entered elsewhere: what it has kept is what counts.
    LobbyFollower Restored() => KeptLobbies.Restore(session, lobbyId)
        ?? throw new StateException("The lobby was forgotten meanwhile. Try again.");

    /// <summary>Every wrap that the server has for this user.</summary>
    public async Task<List<GenerationWrap>> WrapsAsync(CancellationToken cancellationToken)
    {
        List<GenerationWrap> wraps = [];
        MyKeysReply page;
        do
        {
            page = await AskAsync<MyKeysReply>(ActionName.MyKeys, RequestKind.Ask, json =>
            {
                if (wraps.Count > 0)
                    json.WriteNumber("after"u8, wraps[^1].Generation);
            }, cancellationToken).ConfigureAwait(false);
            var before = wraps is [.., var last] ? last.Generation : 0;
            wraps.AddRange(page.KeyWraps);
            // Or a server could send the same page for ever.
            if (page.More && wraps is [.., var end] && end.Generation <= before)
                throw new BrokenServerException("its list of keys does not go on");
        }
        while (page.More && page.KeyWraps.Count > 0);
        return wraps;
    }

    /// <summary>Asks the other members for a key. One who is there answers by itself.</summary>
    public async Task NeedKeyAsync(ulong generation, CancellationToken cancellationToken)
    {
        try
        {
            await AskAsync<DoneReply>(
                ActionName.NeedKey, RequestKind.Ask,
                json => json.WriteNumber("generation"u8, generation), cancellationToken)
                .ConfigureAwait(false);
        }
        catch (RefusedException)
        {
            // Whoever is no member any more gets no key, and what is read shows that it lacks one.
        }
    }

    /// <summary>Gives another member a key.</summary>
    public async Task RewrapAsync(Hint hint, byte[] wrap, CancellationToken cancellationToken)
    {
        try
        {
            await AskAsync<DoneReply>(ActionName.RewrapKey, RequestKind.Ask, json =>
            {
                json.WriteNumber("generation"u8, hint.Generation!.Value);
                json.WriteString("public_token"u8, hint.Member!.PublicToken);
                json.WriteString("wrap"u8, Base64Text.Encode(wrap));
            }, cancellationToken).ConfigureAwait(false);
        }
        catch (RefusedException)
        {
            // Somebody else was quicker, or the member is gone.
        }
    }

    /// <summary>Asks with the lobby's id.</summary>
    public Task<TReply> AskAsync<TReply>(
        string action, RequestKind kind, Action<Utf8JsonWriter> fields, CancellationToken cancellationToken)
        where TReply : Reply =>
        session.Link.AskSignedAsync<TReply>(action, kind, json =>
        {
            json.WriteString("lobby_id"u8, lobbyId);
            fields(json);
        }, cancellationToken);

    Task<HistoryReply> PageAsync(ulong? after, int limit, int? bodyMax, CancellationToken cancellationToken) =>
        AskAsync<HistoryReply>(ActionName.History, RequestKind.Ask, json =>
        {
            if (after is { } seq)
                json.WriteNumber("after"u8, seq);
            json.WriteNumber("limit"u8, limit);
            if (bodyMax is { } bytes)
                json.WriteNumber("body_max"u8, bytes);
        }, cancellationToken);
}
