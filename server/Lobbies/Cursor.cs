using Conclave.Protocol;
using Conclave.Server.Storage;

namespace Conclave.Server.Lobbies;

/// <summary>What a cursor has for its connection.</summary>
enum CursorState
{
    /// <summary>Nothing new.</summary>
    UpToDate,

    /// <summary>The entries handed out; there may be more.</summary>
    Ready,

    /// <summary>The next entries are only in the database: load a page.</summary>
    Behind,

    /// <summary>It is over: unsubscribed, signed out, or removed from the lobby.</summary>
    Ended,
}

/// <summary>
/// A subscription: a position in a lobby's log and nothing more. Whoever owns it pulls the entries after the position,
/// from the lobby's tail or, when that no longer reaches back, from pages of the log.
/// </summary>
sealed class Cursor
{
    // One that goes out while the next is read.
    const int PagesMax = 2;

    // Hints may be lost; a connection that does not read them loses the oldest.
    const int ErasedMax = 1024;

    // Of the first page, before anything is known of the sizes.
    const int PageCountFirst = 200;

    readonly DueCursors _due;
    readonly Standing _standing;
    readonly Lock _gate = new();
    readonly Queue<Page> _pages = new(PagesMax);
    long _pagedUpTo;
    Queue<(long Seq, string Reason)>? _erased;
    Hint? _farewell;
    int _isDue = 1;

    // Whether its next entry waits for memory. Meanwhile it holds no page: whoever has that memory may wait for one.
    bool _isWaiting;
    volatile bool _isEnded;

    /// <param name="lobby">Whose log it follows.</param>
    /// <param name="session">The session it belongs to.</param>
    /// <param name="standing">Under which membership it was opened.</param>
    /// <param name="after">The position: entries after it are due.</param>
    /// <param name="tail">The end of the log.</param>
    /// <param name="due">Where to say that there is something to pull.</param>
    public Cursor(LobbyInfo lobby, Session session, Standing standing, long after, Tail tail, DueCursors due)
    {
        Lobby = lobby;
        Session = session;
        _standing = standing;
        Position = after;
        Tail = tail;
        _due = due;
    }

    public LobbyInfo Lobby { get; }

    /// <summary>The end of the lobby's log, as far as it is kept here.</summary>
    public Tail Tail { get; }

    public Session Session { get; }

    /// <summary>The last entry handed out.</summary>
    public long Position { get; private set; }

    public bool IsEnded => _isEnded;

    /// <summary>How many entries to read for its next page.</summary>
    public int PageCount { get; set; } = PageCountFirst;

    /// <summary>The position that the pages it holds lead to; without any, where it stands.</summary>
    public long PagedUpTo
    {
        get
        {
            lock (_gate)
                return _pages.Count > 0 ? _pagedUpTo : Position;
        }
    }

    /// <summary>Whether it holds a page that is not handed out yet.</summary>
    public bool HasPage
    {
        get
        {
            lock (_gate)
                return _pages.Count > 0;
        }
    }

    /// <summary>Whether there is room for another page, and the tail does not reach back to its beginning.</summary>
    public bool WantsPage
    {
        get
        {
            lock (_gate)
            {
                if (_pages.Count >= PagesMax || _isEnded)
                    return false;
            }
            return !Tail.Reaches(PagedUpTo);
        }
    }

    /// <summary>Starts it: silent until now, so that nothing goes out before the reply that announces it.</summary>
    public void Start()
    {
        lock (_gate)
            _isWaiting = false;
        Volatile.Write(ref _isDue, 0);
        Wake();
    }

    /// <summary>Says that there may be something to pull.</summary>
    public void Wake()
    {
        if (Interlocked.Exchange(ref _isDue, 1) == 0)
            _due.Add(this);
    }

    /// <summary>Ends it: nothing more is handed out.</summary>
    public void End()
    {
        lock (_gate)
            _isEnded = true;
    }

    /// <summary>Ends it with a word to its connection.</summary>
    public void End(Hint farewell)
    {
        lock (_gate)
        {
            if (_isEnded)
                return;
            _isEnded = true;
            _farewell = farewell;
        }
        Wake();
    }

    /// <summary>Content was erased: if it was handed out, its connection is to hear of it.</summary>
    public void Tell(IReadOnlyList<long> erased, string reason)
    {
        lock (_gate)
        {
            _erased ??= [];
            foreach (var seq in erased)
                _erased.Enqueue((seq, reason));
            while (_erased.Count > ErasedMax)
                _erased.Dequeue();
        }
        Wake();
    }

    /// <summary>
    /// The next hint to send; null if there is none. What is still to be handed out shows by itself that it is gone.
    /// For the owner alone, after <see cref="Take"/>: between the two nothing is handed out.
    /// </summary>
    public Hint? TakeHint()
    {
        if (_erased is null && _farewell is null)
            return null;
        lock (_gate)
        {
            while (_erased is not null && _erased.TryDequeue(out var erased))
            {
                if (erased.Seq <= Position)
                {
                    return new Hint(
                        EventName.MessageDeleted, Lobby.LobbyId, Reason: erased.Reason, DeletedSeq: erased.Seq);
                }
            }
            _erased = null;
            var farewell = _farewell;
            _farewell = null;
            return farewell;
        }
    }

    /// <summary>
    /// Hands out the next entries, and moves the position behind them. Of a removal that ends the membership under
    /// which it was opened, that entry is the last.
    /// </summary>
    /// <param name="destination">How many at most.</param>
    /// <param name="bytesMax">Bytes at most, or one entry.</param>
    /// <param name="count">How many.</param>
    public CursorState Take(Span<EntryFrame> destination, int bytesMax, out int count)
    {
        // Before looking, so that what is committed from here on makes it due again.
        Volatile.Write(ref _isDue, 0);
        count = 0;
        if (_isEnded)
            return CursorState.Ended;
        count = TakeFromPage(destination, bytesMax);
        if (count == 0)
            count = Tail.Read(Position, destination, bytesMax);
        if (count < 0)
        {
            count = 0;
            return CursorState.Behind;
        }
        for (var index = 0; index < count; index++)
        {
            Position = destination[index].Seq;
            if (destination[index].Expiring is not null)
                destination[index] = destination[index].Now;
            if (destination[index].Removes != Session.Person.PublicToken || Position <= _standing.SinceSeq)
                continue;
            count = index + 1;
            End();
            break;
        }
        return count == 0 ? CursorState.UpToDate : CursorState.Ready;
    }

    /// <summary>Gives it the page after <see cref="PagedUpTo"/>, which it asked for by being behind.</summary>
    /// <exception cref="InvalidDataException">An entry is missing from the log.</exception>
    public void SetPage(Page page)
    {
        lock (_gate)
        {
            // It may have ended while the page was read, and then nobody would ever take it or let it go; or it has
            // let go of the page before it.
            if (_isEnded || _isWaiting || page.After != (_pages.Count > 0 ? _pagedUpTo : Position))
            {
                page.Dispose();
                return;
            }
            if (page.FirstSeq is { } seq && seq != page.After + 1)
            {
                page.Dispose();
                throw new InvalidDataException("a page of the log does not start where the cursor stands");
            }
            _pages.Enqueue(page);
            _pagedUpTo = page.LastSeq;
        }
    }

    /// <summary>Lets go of pages whose reader has stalled. They are read again when the reader moves on.</summary>
    public void DropPage()
    {
        lock (_gate)
            DropPages();
    }

    /// <summary>
    /// Takes back the one entry that it has just handed out, until it is started again. A page it came by is read
    /// again.
    /// </summary>
    public void PutBack(EntryFrame frame)
    {
        lock (_gate)
        {
            Position = frame.Seq - 1;
            _isWaiting = true;
            DropPages();
        }
    }

    int TakeFromPage(Span<EntryFrame> destination, int bytesMax)
    {
        lock (_gate)
        {
            if (!_pages.TryPeek(out var page))
                return 0;
            if (page.Erasures != Tail.Erasures && Tail.HasErased(page.Erasures, Position, _pagedUpTo))
            {
                DropPages();
                return 0;
            }
            var count = page.Take(destination, bytesMax);
            if (page.IsEmpty)
                _pages.Dequeue().Dispose();
            // Here, so that whoever looks for the next page sees the one or the other.
            if (count > 0)
                Position = destination[count - 1].Seq;
            return count;
        }
    }

    void DropPages()
    {
        while (_pages.TryDequeue(out var page))
            page.Dispose();
    }
}
