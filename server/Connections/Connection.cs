using Conclave.Protocol;
using Conclave.Server.Accounts;
using Conclave.Server.Actions;
using Conclave.Server.Lobbies;

namespace Conclave.Server.Connections;

/// <summary>
/// One socket: reads requests and has them answered in order, while its other half writes what is due
/// (<see cref="Outbox"/>). Requests take effect in the order they came; only consecutive messages overlap.
/// </summary>
sealed partial class Connection : IServed, IAsyncDisposable
{
    // How long a peer may take to say goodbye after we did.
    static readonly TimeSpan GoodbyeMax = TimeSpan.FromSeconds(5);

    readonly FrameReader _reader;
    readonly Vitals _vitals;
    readonly Rooms _rooms;
    readonly ILogger _logger;
    readonly Outbox _outbox;
    readonly Caller _caller;
    readonly CancellationTokenSource _aborted = new();
    readonly Signal _draftsDone = new();
    readonly Turn _turn;
    readonly SessionUses _uses;
    int _draftsOpen;

    public Connection(Peer peer, Rooms rooms, RequestBudgets budgets, ILogger logger)
    {
        _rooms = rooms;
        _logger = logger;
        _aborted.Token.UnsafeRegister(static abort => ((Action)abort!)(), peer.Abort);
        var signal = new Signal();
        var subscriptions = new Subscriptions(rooms.Live, signal);
        var writer = new FrameWriter(peer.Transport.Output, rooms.Time);
        _outbox = new Outbox(writer, signal, subscriptions, rooms, _aborted.Token);
        _reader = new FrameReader(peer.Transport.Input, budgets, rooms.Limits, rooms.Time) { Pinged = _outbox.Pong };
        _vitals = new Vitals(_reader, writer, peer.Socket, rooms.Limits, rooms.Time);
        _caller = new Caller(peer.Address, peer.Client, subscriptions, rooms.Presence, Tell);
        _turn = new Turn(rooms, _caller, DraftDone, _reader.TakeLease, _aborted.Token);
        _uses = new SessionUses(rooms, subscriptions);
    }

    /// <summary>Serves the connection until it is over.</summary>
    public async Task RunAsync()
    {
        try
        {
            await Task.WhenAll(GuardAsync(ReadAsync()), GuardAsync(CloseAfterAsync(_outbox.RunAsync())));
        }
        finally
        {
            _caller.Leave();
        }
    }

    /// <summary>Lets what is in flight be answered, then closes.</summary>
    public void Close(int closeCode) => _outbox.Close(closeCode);

    /// <summary>Sends a hint, before closing or at any other time.</summary>
    public void Send(Hint hint) => _outbox.AddHint(hint);

    /// <summary>Called every few seconds: pings when it is quiet, ends the connection when nobody is there.</summary>
    public async Task BeatAsync()
    {
        switch (_vitals.Feel())
        {
            case Pulse.Stalled:
                LogDeadReader(_logger, CloseCode.DeadReader);
                await AbortAsync();
                break;
            case Pulse.Gone:
                await AbortAsync();
                break;
            case Pulse.Quiet:
                _outbox.Ping();
                break;
            default:
                break;
        }
        // Others wait for the memory that is set aside for it.
        if (_reader.GrowingSince is > 0 and var since
            && _rooms.Time.GetElapsedTime(since) >= _rooms.Limits.RequestTimeMax)
            _outbox.Close(CloseCode.Overload);
    }

    /// <summary>Called now and then: a live subscription is a use of its token.</summary>
    public Task NoteUsesAsync() => _uses.NoteAsync(_aborted.Token);

    /// <summary>Ends the connection at once.</summary>
    public async Task AbortAsync()
    {
        try
        {
            await _aborted.CancelAsync();
        }
        catch (ObjectDisposedException)
        {
            // It has just ended by itself.
        }
    }

    public ValueTask DisposeAsync()
    {
        _reader.Dispose();
        _aborted.Dispose();
        return ValueTask.CompletedTask;
    }

    // When one half fails, the other has nothing left to do.
    async Task GuardAsync(Task half)
    {
        try
        {
            await half;
        }
        catch (Exception fault) when (fault is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The peer is gone, or was cut loose: there is nobody to tell.
            await AbortAsync();
        }
        catch
        {
            await AbortAsync();
            throw;
        }
    }

    async Task ReadAsync()
    {
        var closeCode = await ReadRequestsAsync();
        _outbox.Close(closeCode);
        // Else the close would reach a peer that still sends as a reset, before it could read why.
        if (closeCode != CloseCode.Done)
            await _reader.DiscardAsync();
    }

    // Answers until there are no more requests. Returns the code to close with.
    async Task<int> ReadRequestsAsync()
    {
        while (true)
        {
            await _outbox.WaitForRoomAsync(_caller.IsKnown);
            var closeCode = await _reader.ReadAsync(_caller.IsKnown, _aborted.Token);
            if (closeCode != 0)
                return closeCode;
            if (_outbox.TryExpect())
                await AnswerAsync();
            _reader.Release();
        }
    }

    async ValueTask AnswerAsync()
    {
        var request = Request.Read(_reader.Request);
        if (request?.Action != ActionName.Message)
            await WaitForDraftsAsync();
        // Before it is decided: a draft may be done before its answer is seen here.
        Interlocked.Increment(ref _draftsOpen);
        var hasDraft = false;
        try
        {
            var answer = request is null ? Dispatch.BadJson() : await DecideAsync(request);
            hasDraft = answer.Draft is not null;
            _outbox.Add(answer, request?.Id ?? default, request is { Action.Length: > 0 } ? request.Action : null);
        }
        finally
        {
            if (!hasDraft)
                Interlocked.Decrement(ref _draftsOpen);
        }
    }

    async ValueTask<Answer> DecideAsync(Request request)
    {
        try
        {
            return await Dispatch.AnswerAsync(request, _turn);
        }
#pragma warning disable CA1031 // A fault of ours in one request must not end the connection.
        catch (Exception fault) when (Faults.IsAnswered(fault, _aborted.Token))
#pragma warning restore CA1031
        {
            return Faults.AnswerTo(fault, _logger);
        }
    }

    void DraftDone()
    {
        if (Interlocked.Decrement(ref _draftsOpen) == 0)
            _draftsDone.Set();
        _outbox.Wake();
    }

    async ValueTask WaitForDraftsAsync()
    {
        while (Volatile.Read(ref _draftsOpen) > 0)
            await _draftsDone.WaitAsync();
    }

    async Task CloseAfterAsync(Task<int> writing)
    {
        await writing;
        // The reading half waits for the peer's goodbye; it may never come.
        _aborted.CancelAfter(GoodbyeMax);
    }

    void Tell(Notice notice)
    {
        if (notice.Hint is { } hint)
            _outbox.AddHint(hint);
        if (notice.EndedSessionId is { } sessionId)
            _caller.SessionEnded(sessionId);
    }

    [LoggerMessage(311, LogLevel.Information, "A reader is dead: its connection ends ({CloseCode})")]
    static partial void LogDeadReader(ILogger logger, int closeCode);
}
