using System.Collections.Concurrent;
using Conclave.Protocol;
using Conclave.Server.Storage;

namespace Conclave.Server.Lobbies;

/// <summary>
/// The lobbies that have subscribers on this server. The writer appends what it committed; cursors pull. Nothing is
/// queued per subscriber, so a slow one costs one number.
/// </summary>
sealed class LiveLobbies(LobbyStore lobbies, EntryStore entries, Limits limits) : IDisposable
{
    /// <summary>
    /// Pages read at one time, of all cursors together: a share of the database's connections small enough that
    /// replaying history does not slow what is live.
    /// </summary>
    const int PageReadersMax = 4;

    const int PageCountMin = 16;
    const int PageCountMax = 1000;
    const int PageBytesMax = 256 << 10;

    readonly Lock _gate = new();
    readonly ConcurrentDictionary<Guid, (Tail Tail, int Holders)> _tails = new();
    readonly SemaphoreSlim _pageReaders = new(PageReadersMax);
    long _tailBytes;
    long _deliveries;
    long _cursorCount;
    long _pageCount;
    long _pageEntryCount;

    /// <summary>How often something was delivered live.</summary>
    public long Deliveries => Volatile.Read(ref _deliveries);

    /// <summary>Memory for stored entries on their way to sockets.</summary>
    public ByteBudget FrameBytes => ReplyBytes.Whole;

    /// <summary>The same memory, in shares of users, for large replies.</summary>
    public FairBudget ReplyBytes { get; } = new(limits.FrameBytesBudget, ShareOf(limits));

    /// <summary>
    /// For large entries that were handed to sockets: without a bound for all together, for those who read slowly would
    /// hold up everybody else.
    /// </summary>
    public FairBudget EntryBytes { get; } = new(long.MaxValue / 2, ShareOf(limits));

    /// <summary>Cursors that are open.</summary>
    public long CursorCount => Interlocked.Read(ref _cursorCount);

    /// <summary>Lobbies that somebody here follows.</summary>
    public int LobbyCount => _tails.Count;

    /// <summary>Bytes of all tails, about.</summary>
    public long TailBytes => Interlocked.Read(ref _tailBytes);

    /// <summary>Pages that were read for cursors behind their tail, since the start.</summary>
    public long PageCount => Interlocked.Read(ref _pageCount);

    /// <summary>Entries in those pages.</summary>
    public long PageEntryCount => Interlocked.Read(ref _pageEntryCount);

    /// <summary>How many entries the cursor that is farthest behind has before it. Looks at every cursor.</summary>
    public long EntriesBehind() => _tails.Values.Select(held => held.Tail.EntriesBehind()).DefaultIfEmpty().Max();

    /// <summary>
    /// Opens a cursor in the lobby for a member. It is silent until it is started.
    /// </summary>
    /// <param name="lobby">The lobby.</param>
    /// <param name="session">Whose it is.</param>
    /// <param name="after">The position; null for the end of the log.</param>
    /// <param name="due">Where the cursor says that there is something to pull.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>
    /// No cursor if the user is no member or <paramref name="after"/> is beyond the end; no standing if the lobby is
    /// gone.
    /// </returns>
    public async Task<(Cursor? Cursor, Standing? Standing)> OpenAsync(
        LobbyInfo lobby, Session session, long? after, DueCursors due, CancellationToken cancellation)
    {
        // The tail is there before the log's end is read: what is committed later than that read is appended to it.
        var tail = Hold(lobby.LobbyId);
        Cursor? cursor = null;
        try
        {
            var standing = await lobbies.StandingAsync(lobby.LobbyId, session.Person.PublicToken, cancellation);
            if (standing is not { IsMember: true } member || after > member.LastSeq)
                return (null, standing);
            cursor = new Cursor(lobby, session, member, after ?? member.LastSeq, tail, due);
            Count(tail.Attach(cursor, member));
            Interlocked.Increment(ref _cursorCount);
            return (cursor, standing);
        }
        finally
        {
            if (cursor is null)
                Release(lobby.LobbyId);
        }
    }

    /// <summary>Ends a cursor that was opened here, once, and lets the lobby's tail go with its last one.</summary>
    public void Close(Cursor cursor)
    {
        cursor.End();
        cursor.DropPage();
        cursor.Tail.Detach(cursor);
        Interlocked.Decrement(ref _cursorCount);
        Release(cursor.Lobby.LobbyId);
    }

    /// <summary>
    /// Whether anybody here follows the lobby. Who begins to after this was asked reads the end of the log later, and
    /// with it what was committed before.
    /// </summary>
    public bool IsFollowed(Guid lobbyId) => _tails.ContainsKey(lobbyId);

    /// <summary>Takes over what was committed to one lobby, in order.</summary>
    public void Append(Guid lobbyId, List<StoredEntry> committed)
    {
        if (!_tails.TryGetValue(lobbyId, out var held))
            return;
        Interlocked.Increment(ref _deliveries);
        if (Count(held.Tail.Append(committed)) > limits.TailBytesBudget)
            Shrink();
    }

    /// <summary>
    /// Messages of a lobby were erased, in the database: from now on nobody here gets their content, and whoever has
    /// got it hears of it; but for a <paramref name="reason"/> of null, where they were erased before, or it is not
    /// known.
    /// </summary>
    public void Erase(Guid lobbyId, IReadOnlyList<long> seqs, string? reason)
    {
        if (_tails.TryGetValue(lobbyId, out var held))
            Count(held.Tail.Erase(seqs, reason));
    }

    /// <summary>A lobby was deleted, in the database: whoever follows it here hears of it, and nothing more.</summary>
    public void Delete(Guid lobbyId)
    {
        if (_tails.TryGetValue(lobbyId, out var held))
            Count(held.Tail.Delete(lobbyId));
    }

    /// <summary>Reads the next page of a cursor that is behind; null while the database is away.</summary>
    public async Task<Page?> TryReadPageAsync(Cursor cursor, CancellationToken cancellation)
    {
        var lease = await FrameBytes.LeaseAsync(PageBytesMax, cancellation);
        try
        {
            // Before reading, so that what is erased while it is read counts as erased since.
            var (after, erasures) = (cursor.PagedUpTo, cursor.Tail.Erasures);
            return new Page(after, erasures, await ReadAsync(cursor, after, cancellation), lease);
        }
        catch (Exception fault) when (Database.IsAway(fault) && !cancellation.IsCancellationRequested)
        {
            lease.Dispose();
            return null;
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    public void Dispose() => _pageReaders.Dispose();

    async Task<List<EntryFrame>> ReadAsync(Cursor cursor, long after, CancellationToken cancellation)
    {
        await _pageReaders.WaitAsync(cancellation);
        try
        {
            using var span = Traces.Source.StartActivity("page");
            var range = new PageRange(after, Backward: false, cursor.PageCount, PageBytesMax);
            var page = await entries.ReadAsync(cursor.Lobby, range, cancellation);
            var isWhole = page.Count > 0 && page[0].Seq == after + 1;
            // Rows go when the lobby was deleted, and that may not have been noticed here yet.
            if (!isWhole && await lobbies.DescribeAsync(cursor.Lobby.LobbyId, cancellation) is null)
            {
                Delete(cursor.Lobby.LobbyId);
                return [];
            }
            var encoder = new EntryEncoder(cursor.Lobby.LobbyId, cursor.Tail.LobbyName);
            var frames = page.ConvertAll(encoder.Encode);
            Interlocked.Increment(ref _pageCount);
            Interlocked.Add(ref _pageEntryCount, frames.Count);
            // So many of the same size fill the next one: what does not fit is read for nothing.
            if (frames.Count > 0)
            {
                var fitting = frames.Count * (long)PageBytesMax / frames.Sum(static frame => (long)frame.Json.Length);
                cursor.PageCount = (int)Math.Clamp(fitting, PageCountMin, PageCountMax);
            }
            return frames;
        }
        finally
        {
            _pageReaders.Release();
        }
    }

    // One large reply or entry at least.
    static long ShareOf(Limits limits) => Math.Max(limits.FrameBytesBudget / 16, 1 << 20);

    Tail Hold(Guid lobbyId)
    {
        lock (_gate)
        {
            if (!_tails.TryGetValue(lobbyId, out var held))
                held = (new Tail(), 0);
            _tails[lobbyId] = (held.Tail, held.Holders + 1);
            return held.Tail;
        }
    }

    void Release(Guid lobbyId)
    {
        lock (_gate)
        {
            var (tail, holders) = _tails[lobbyId];
            if (holders > 1)
            {
                _tails[lobbyId] = (tail, holders - 1);
                return;
            }
            _tails.TryRemove(lobbyId, out _);
            Count(-tail.Close());
        }
    }

    // Down to nine tenths, so that this does not run again with the next entry.
    void Shrink()
    {
        Tail[] tails;
        lock (_gate)
            tails = [.. _tails.Values.Select(held => held.Tail).OrderBy(tail => tail.LastUsed)];
        var goal = limits.TailBytesBudget / 10 * 9;
        foreach (var tail in tails)
        {
            while (tail.Shrink() is > 0 and var freed)
            {
                if (Count(-freed) <= goal)
                    return;
            }
        }
    }

    long Count(long bytes) => Interlocked.Add(ref _tailBytes, bytes);
}
