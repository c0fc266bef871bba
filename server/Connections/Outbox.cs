using System.Diagnostics;
using Conclave.Protocol;
using Conclave.Server.Actions;
using Conclave.Server.Lobbies;

namespace Conclave.Server.Connections;

/// <summary>
/// The writing half of a connection. Its loop gathers what is due - replies in the order of their requests, hints,
/// and what the connection's cursors have - and sends it with one write, as fast as the socket takes it.
/// </summary>
sealed class Outbox
{
    // Hints may be lost; a connection that does not read them loses the oldest.
    const int HintsMax = 32;

    // Replies that are ready and not yet sent, in bytes; beyond this no further request is read.
    const int ReplyBytesMax = 64 << 10;

    const int FramesAtOnce = 64;

    // One write of so many is looked at for how late its entries are.
    const int LagSampling = 64;

    // Used between two waits only, so that a connection with nothing to send holds none.
    [ThreadStatic]
    static EntryFrame[]? _frames;

    readonly FrameWriter _writer;
    readonly Signal _signal;
    readonly Subscriptions _subscriptions;
    readonly Limits _limits;
    readonly TimeProvider _time;
    readonly Figures _figures;
    readonly Pager _pager;
    readonly FairBudget _entryBytes;
    LargeEntries? _large;
    readonly Lock _gate = new();
    readonly Queue<Pending> _answers = new();
    readonly Queue<Hint> _hints = new();
    readonly Signal _room = new();

    // Of the replies that leave with the next write.
    readonly List<ByteBudget.Lease> _leaving = [];
    long _replyBytes;
    int _closeCode;
    int _eventWrites;

    // When the first live entry of the next write was committed, as a timestamp; 0 if there is none.
    long _committedAt;
    bool _pingDue;
    byte[]? _pongDue;

    // Whether a request is being decided, whose answer comes next.
    bool _isExpecting;
    bool _isOver;

    public Outbox(
        FrameWriter writer, Signal signal, Subscriptions subscriptions, Rooms rooms, CancellationToken aborted)
    {
        _writer = writer;
        _signal = signal;
        _subscriptions = subscriptions;
        _limits = rooms.Limits;
        _time = rooms.Time;
        _figures = rooms.Figures;
        _entryBytes = rooms.Live.EntryBytes;
        _pager = new Pager(rooms.Live, rooms.Time, aborted);
        Aborted = aborted;
        aborted.Register(() =>
        {
            _signal.Set();
            _room.Set();
        });
    }

    CancellationToken Aborted { get; }

    /// <summary>Whether the connection takes no more requests.</summary>
    public bool IsClosing => Volatile.Read(ref _closeCode) != 0;

    /// <summary>Sends until the connection shall close and all requests are answered. Returns the close code.</summary>
    public async Task<int> RunAsync()
    {
        try
        {
            return await SendAllAsync();
        }
        finally
        {
            ReleaseAll();
        }
    }

    /// <summary>Announces an answer, for which the end will wait; false if no more are taken.</summary>
    public bool TryExpect()
    {
        lock (_gate)
            return _isExpecting = !IsClosing;
    }

    /// <summary>Queues the answer to the newest request, which was announced.</summary>
    public void Add(Answer answer, RawJson id, string? action)
    {
        var reply = answer.Draft is null ? Encode(answer, id, action) : null;
        answer.Memory?.ShrinkTo(reply?.Length ?? 0);
        lock (_gate)
        {
            if (_isOver)
                answer.Memory?.Dispose();
            _replyBytes += reply?.Length ?? 0;
            _answers.Enqueue(new Pending(answer, reply, id, action));
            _isExpecting = false;
        }
        _signal.Set();
    }

    /// <summary>Waits until another request may be read: in flight are only so many, and replies get read.</summary>
    public async ValueTask WaitForRoomAsync(bool isKnown)
    {
        while (true)
        {
            Aborted.ThrowIfCancellationRequested();
            lock (_gate)
            {
                if (HasRoom(isKnown))
                    return;
            }
            await _room.WaitAsync();
        }
    }

    public void AddHint(Hint hint)
    {
        lock (_gate)
        {
            if (_hints.Count == HintsMax)
                _hints.Dequeue();
            _hints.Enqueue(hint);
        }
        _signal.Set();
    }

    public void Ping()
    {
        Volatile.Write(ref _pingDue, true);
        _signal.Set();
    }

    /// <summary>Answers a ping. Of several that came together only the newest is answered (RFC 6455, 5.5.3).</summary>
    public void Pong(byte[] payload)
    {
        Volatile.Write(ref _pongDue, payload);
        _signal.Set();
    }

    /// <summary>Looks again: a draft is done.</summary>
    public void Wake() => _signal.Set();

    /// <summary>Answers what is in flight, then ends. The first reason counts.</summary>
    public void Close(int closeCode)
    {
        Interlocked.CompareExchange(ref _closeCode, closeCode, 0);
        _signal.Set();
    }

    async Task<int> SendAllAsync()
    {
        while (true)
        {
            Aborted.ThrowIfCancellationRequested();
            AddAnswers();
            AddHints();
            if (!IsClosing)
                AddEvents(_frames ??= new EntryFrame[FramesAtOnce]);
            if (!_writer.IsEmpty)
            {
                await SendAsync();
                NoteLag();
                ReleaseSent();
                _room.Set();
            }
            else if (IsClosing && IsAnswered())
            {
                _writer.AddClose(_closeCode);
                await SendAsync();
                return _closeCode;
            }
            else
            {
                await _signal.WaitAsync();
            }
        }
    }

    byte[] Encode(Answer answer, RawJson id, string? action)
    {
        var reply = answer.Complete(id, action);
        _figures.Note(reply);
        return WireJson.Serialize(reply);
    }

    bool HasRoom(bool isKnown) => _replyBytes < ReplyBytesMax
        && _answers.Count < (isKnown ? _limits.InFlightMax : _limits.AnonymousInFlightMax);

    bool IsAnswered()
    {
        lock (_gate)
            return _answers.Count == 0 && !_isExpecting && _hints.Count == 0;
    }

    void AddAnswers()
    {
        while (!_writer.IsFull)
        {
            Pending pending;
            lock (_gate)
            {
                if (!_answers.TryPeek(out pending) || !pending.Answer.IsReady)
                    return;
                _answers.Dequeue();
                _replyBytes -= pending.Reply?.Length ?? 0;
            }
            if (pending.Answer.Memory is { } memory)
                _leaving.Add(memory);
            _writer.Add(FrameKind.Text, pending.Reply ?? Encode(pending.Answer, pending.Id, pending.Action));
            pending.Answer.Starts?.Start();
        }
    }

    void NoteLag()
    {
        if (_committedAt == 0)
            return;
        if (++_eventWrites % LagSampling == 0)
            _figures.NoteLag(Stopwatch.GetElapsedTime(_committedAt));
        _committedAt = 0;
    }

    void ReleaseSent()
    {
        _leaving.ForEach(memory => memory.Dispose());
        _leaving.Clear();
    }

    // The connection ends, and nobody will read what is left.
    void ReleaseAll()
    {
        ReleaseSent();
        _large?.Release();
        lock (_gate)
        {
            _isOver = true;
            foreach (var pending in _answers)
                pending.Answer.Memory?.Dispose();
        }
    }

    void AddHints()
    {
        lock (_gate)
        {
            while (!_writer.IsFull && _hints.TryDequeue(out var hint))
                _writer.Add(FrameKind.Text, WireJson.Serialize(hint));
        }
        if (Interlocked.Exchange(ref _pingDue, false))
            _writer.Add(FrameKind.Ping, []);
        if (Interlocked.Exchange(ref _pongDue, null) is { } payload)
            _writer.Add(FrameKind.Pong, payload);
    }

    void AddEvents(EntryFrame[] frames)
    {
        _large?.Advance();
        while (!_writer.IsFull && _subscriptions.Due.Next() is { } cursor)
        {
            if (_large?.Holds(cursor) == true && !cursor.IsEnded)
                continue;
            var state = cursor.Take(frames, _writer.Room, out var count);
            // Without memory for it, it was taken back.
            if (count > 0 && LargeEntries.IsLarge(frames[0]) && !TryLease(cursor, frames[0]))
                (state, count) = (CursorState.UpToDate, 0);
            if (count > 0 && _committedAt == 0)
                _committedAt = frames[0].CommittedAt;
            foreach (var frame in frames.AsSpan(0, count))
                _writer.Add(FrameKind.Text, frame.Json.Span);
            while (cursor.TakeHint() is { } hint)
                _writer.Add(FrameKind.Text, WireJson.Serialize(hint));
            switch (state)
            {
                case CursorState.Ready:
                    // In turn with the others: one busy lobby does not starve them.
                    cursor.Wake();
                    break;
                case CursorState.Behind:
                    _pager.Add(cursor);
                    break;
                case CursorState.Ended:
                    _subscriptions.Remove(cursor);
                    break;
                default:
                    break;
            }
            _pager.Advance();
        }
        Array.Clear(frames);
    }

    // A large entry comes alone.
    bool TryLease(Cursor cursor, EntryFrame frame)
    {
        _large ??= new LargeEntries(_entryBytes, _signal, Aborted);
        if (_large.TryTake(cursor, frame) is not { } memory)
            return false;
        _leaving.Add(memory);
        return true;
    }

    async ValueTask SendAsync()
    {
        var flush = _writer.FlushAsync();
        if (flush.IsCompletedSuccessfully)
            return;
        var sending = flush.AsTask();
        while (!sending.IsCompleted)
        {
            // A reader that stalls must not hold on to a page that others could read with.
            if (await Task.WhenAny(sending, Task.Delay(Pager.StallMax, _time)) != sending)
                _pager.DropPage();
        }
        await sending;
    }

    readonly record struct Pending(Answer Answer, byte[]? Reply, RawJson Id, string? Action);
}
