using System.Globalization;
using Conclave.Protocol;
using Conclave.Server.Accounts;
using Conclave.Server.Actions;
using Conclave.Server.Lobbies;

namespace Conclave.Server.Connections;

/// <summary>
/// One request by plain HTTP. Its body is the request, and the body of the answer the reply; after that of a
/// subscription come its events, a line each, by the same <see cref="Outbox"/> that writes to WebSockets.
/// </summary>
sealed class Post : IServed, IDisposable
{
    readonly HttpContext _context;
    readonly Peer _peer;
    readonly Rooms _rooms;
    readonly ILogger _logger;
    readonly BodyReader _reader;
    readonly FrameWriter _writer;
    readonly Outbox _outbox;
    readonly Caller _caller;
    readonly SessionUses _uses;
    readonly CancellationTokenSource _aborted;
    readonly Signal _draftDone = new();
    volatile bool _isStream;
    SocketProgress _progress;
    long _movedAt;

    public Post(HttpContext context, Peer peer, Rooms rooms, RequestBudgets budgets, ILogger logger)
    {
        _context = context;
        _peer = peer;
        _rooms = rooms;
        _logger = logger;
        _aborted = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        _aborted.Token.UnsafeRegister(static abort => ((Action)abort!)(), peer.Abort);
        var signal = new Signal();
        var subscriptions = new Subscriptions(rooms.Live, signal) { Emptied = () => Close(CloseCode.Done) };
        _reader = new BodyReader(peer.Transport.Input, budgets, rooms.Limits, rooms.Time);
        _writer = new FrameWriter(peer.Transport.Output, rooms.Time) { Framing = JsonLines.Write };
        _outbox = new Outbox(_writer, signal, subscriptions, rooms, _aborted.Token);
        _caller = new Caller(peer.Address, peer.Client, subscriptions, rooms.Presence, Tell);
        _uses = new SessionUses(rooms, subscriptions);
        _movedAt = rooms.Time.GetTimestamp();
    }

    /// <summary>Reads the request and answers it; returns when there is nothing more to say.</summary>
    public Task RunAsync() => GuardAsync(AnswerAsync);

    /// <summary>Answers without looking at the request.</summary>
    public Task RefuseAsync(Answer answer) => GuardAsync(() => ReplyAsync(answer, default, null));

    async Task AnswerAsync()
    {
        var (answer, request) = await DecideAsync();
        _reader.Release();
        var action = request is { Action.Length: > 0 } ? request.Action : null;
        await (answer.Starts is null
            ? ReplyAsync(answer, request?.Id ?? default, action)
            : StreamAsync(answer, request!.Id, action));
    }

    async Task GuardAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception fault) when (fault is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The caller is gone, or was cut loose: there is nobody to tell.
            _peer.Abort();
        }
        finally
        {
            _caller.Leave();
        }
    }

    public void Send(Hint hint) => _outbox.AddHint(hint);

    public void Close(int closeCode)
    {
        _reader.GiveUp();
        _outbox.Close(closeCode);
    }

    public async Task BeatAsync()
    {
        var limits = _rooms.Limits;
        if (_reader.ReadingSince is > 0 and var since && _rooms.Time.GetElapsedTime(since) >= limits.RequestTimeMax)
            _reader.GiveUp();
        // A caller by plain HTTP only listens: the one sign of life is what its system acknowledges.
        var progress = SocketProgress.Of(_peer.Socket);
        var now = _rooms.Time.GetTimestamp();
        if (progress != _progress)
            _movedAt = now;
        _progress = progress;
        var silence = _rooms.Time.GetElapsedTime(Math.Max(_movedAt, _writer.WritingSince), now);
        if (_writer.WritingSince != 0)
        {
            if (silence >= limits.WriteStallMax)
                await AbortAsync();
        }
        else if (_isStream && silence >= limits.PingInterval)
        {
            if (silence >= 2 * limits.PingInterval && progress != default)
                await AbortAsync();
            else
                _outbox.Ping();
        }
    }

    public Task NoteUsesAsync() => _uses.NoteAsync(_aborted.Token);

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

    public void Dispose()
    {
        _reader.Dispose();
        _aborted.Dispose();
    }

    async ValueTask<(Answer Answer, Request? Request)> DecideAsync()
    {
        Request? request = null;
        try
        {
            if (await _reader.ReadAsync(_context.Request.ContentLength, IsValidAsync, _aborted.Token) is { } refused)
                return (refused, null);
            request = Request.Read(_reader.Request);
            if (request is null)
                return (Dispatch.BadJson(), null);
            var turn = new Turn(_rooms, _caller, _draftDone.Set, _reader.TakeLease, _aborted.Token);
            var answer = await Dispatch.AnswerAsync(request, turn);
            while (!answer.IsReady)
                await _draftDone.WaitAsync();
            return (answer, request);
        }
#pragma warning disable CA1031 // A fault of ours is answered, as on a WebSocket.
        catch (Exception fault) when (fault is not IOException && Faults.IsAnswered(fault, _aborted.Token))
#pragma warning restore CA1031
        {
            return (Faults.AnswerTo(fault, _logger), request);
        }
    }

    async ValueTask<bool> IsValidAsync(Guid token) =>
        await _rooms.Sessions.FindAsync(TokenHash.Of(token), _aborted.Token) is not null;

    async Task ReplyAsync(Answer answer, RawJson id, string? action)
    {
        using var memory = answer.Memory;
        var reply = answer.Complete(id, action);
        _rooms.Figures.Note(reply);
        var json = WireJson.Serialize(reply);
        memory?.ShrinkTo(json.Length);
        var response = _context.Response;
        if (reply is ErrorReply { Error: var refusal })
        {
            response.StatusCode = ErrorCode.HttpStatus(refusal.Code);
            if (refusal.RetryAfterMs is { } milliseconds)
                response.Headers.RetryAfter = ((milliseconds + 999) / 1000).ToString(CultureInfo.InvariantCulture);
        }
        response.ContentLength = json.Length + 1;
        await StartAsync("application/json");
        _writer.AddWhole(json);
        _writer.AddWhole([JsonLines.End]);
        await _writer.FlushAsync();
    }

    async Task StreamAsync(Answer answer, RawJson id, string? action)
    {
        // A proxy that collects a page of it would keep the events back.
        _context.Response.Headers["X-Accel-Buffering"] = "no";
        await StartAsync("application/x-ndjson");
        _outbox.Add(answer, id, action);
        _isStream = true;
        await _outbox.RunAsync();
    }

    Task StartAsync(string contentType)
    {
        _context.Response.ContentType = contentType;
        // It may be a token.
        _context.Response.Headers.CacheControl = "no-store";
        return _context.Response.StartAsync(_aborted.Token);
    }

    void Tell(Notice notice)
    {
        if (notice.Hint is { } hint)
            _outbox.AddHint(hint);
        if (notice.EndedSessionId is { } sessionId)
            _caller.SessionEnded(sessionId);
    }
}

/// <summary>The bodies of a request and of its answer.</summary>
sealed class BodyPipe(HttpContext context) : System.IO.Pipelines.IDuplexPipe
{
    public System.IO.Pipelines.PipeReader Input => context.Request.BodyReader;

    public System.IO.Pipelines.PipeWriter Output => context.Response.BodyWriter;
}
