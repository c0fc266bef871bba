using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text.Json;
using System.Threading.Channels;
using Conclave.Protocol;
using Conclave.Sdk.Sealing;

namespace Conclave.Sdk;

/// <summary>
/// Keeps one connection to the server: makes it with the first request, makes it again when it breaks, and tells
/// everybody who waits when it gives up.
/// </summary>
sealed class Link : IAsyncDisposable
{
    readonly ConclaveOptions _options;
    readonly Uri _address;
    readonly Outbox _outbox;
    readonly Subscriptions _subscriptions = new();
    readonly CancellationTokenSource _stop = new();
    readonly Lock _gate = new();

    // Hints may get lost by their nature, so a reader that does not come costs the oldest.
    readonly Channel<Hint> _hints = Channel.CreateBounded<Hint>(
        new BoundedChannelOptions(256) { FullMode = BoundedChannelFullMode.DropOldest });

    Task _running = Task.CompletedTask;
    bool _isRunning;
    bool _isStopped;
    volatile string? _trouble;

    public Link(ConclaveOptions options)
    {
        _options = options;
        _address = AddressOf(options.Server);
        _outbox = new Outbox(options);
    }

    public bool IsConnected { get; private set; }

    /// <summary>Takes the hints that a sealed lobby heeds; called on the reading loop.</summary>
    public Action<Hint>? LobbyHinted { get; set; }

    /// <summary>What signs requests now; null if nobody is signed in.</summary>
    public string? Token { get; set; }

    public IAsyncEnumerable<Hint> HintsAsync(CancellationToken cancellationToken)
    {
        if (Token is { } token && _outbox.Introduction(token) is { } introduction)
            Submit(introduction);
        return _hints.Reader.ReadAllAsync(cancellationToken);
    }

    /// <exception cref="RefusedException">Nobody is signed in.</exception>
    public string RequireToken() =>
        Token ?? throw RefusedException.From(new Refusal(ErrorCode.BadToken, "Nobody is signed in."));

    /// <summary>The same as <see cref="AskAsync"/> for a request that the session signs.</summary>
    public async Task<TReply> AskSignedAsync<TReply>(
        string action, RequestKind kind, Action<Utf8JsonWriter> fields, CancellationToken cancellationToken)
        where TReply : Reply =>
        await AskAsync<TReply>(action, kind, RequireToken(), fields, cancellationToken).ConfigureAwait(false);

    /// <summary>Makes a request and waits for its final answer. In order: it has its place when this returns.</summary>
    public async Task<TReply> AskAsync<TReply>(
        string action, RequestKind kind, string? token, Action<Utf8JsonWriter> fields,
        CancellationToken cancellationToken)
        where TReply : Reply
    {
        var id = _outbox.NextId();
        var request = new Request<TReply>(id, kind, RequestFrame.Write(id, action, token, fields))
        {
            Token = token,
            HoldsPassword = action is ActionName.Register or ActionName.Auth or ActionName.ChangePassword,
            Deadline = _outbox.After(_options.RequestTimeout),
        };
        try
        {
            Submit(request);
            return await AnswerAsync(request, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _outbox.Forget(request);
        }
    }

    /// <summary>Opens a subscription; <paramref name="me"/> is who must not be told more once removed.</summary>
    public Task<Subscription> SubscribeAsync(
        LobbyRef lobby, Position? from, string token, Guid me, CancellationToken cancellationToken) =>
        SubscribeAsync(
            new Subscription(_outbox, _subscriptions, _options, token, me), lobby, from, cancellationToken);

    /// <summary>The same for a sealed lobby: what was verified already is not asked of the server again.</summary>
    public async Task<Subscription> SubscribeAsync(
        SealedLobby lobby, Position? from, string token, Guid me, CancellationToken cancellationToken)
    {
        // To catch up first finds out whether the server still has what it showed: a subscription from beyond the end
        // of its log would only be refused.
        var last = await lobby.InTurnAsync(async () =>
        {
            await lobby.CatchUpAsync(cancellationToken).ConfigureAwait(false);
            return (long)lobby.Follower.Log.Last.Seq;
        }, cancellationToken).ConfigureAwait(false);
        var subscription = new Subscription(_outbox, _subscriptions, _options, token, me) { Sealed = lobby };
        var live = from is { } position ? position with { After = Math.Max(position.After, last) } : (Position?)null;
        await SubscribeAsync(subscription, lobby.Id, live, cancellationToken).ConfigureAwait(false);
        if (from is { } start)
        {
            // What is read before the first live entry is what is kept: some of it may have been erased since.
            await lobby.InTurnAsync(async () =>
            {
                await lobby.NoticeErasuresAsync(subscription.Erasures, cancellationToken).ConfigureAwait(false);
                return true;
            }, cancellationToken).ConfigureAwait(false);
            subscription.BeginAt(start.After);
        }
        return subscription;
    }

    async Task<Subscription> SubscribeAsync(
        Subscription subscription, LobbyRef lobby, Position? from, CancellationToken cancellationToken)
    {
        var request = subscription.Ask(lobby, from);
        try
        {
            Submit(request);
            await AnswerAsync(request, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            // The request stays: when the server answers, it has to be told that nobody listens.
            subscription.End(exception: null);
            throw;
        }
        return subscription.IsOpen
            ? subscription
            : throw new InvalidOperationException(
                $"This client follows {lobby} already. Use that subscription, or follow it with another client.");
    }

    public async ValueTask DisposeAsync()
    {
        Task running;
        lock (_gate)
        {
            if (_isStopped)
                return;
            _isStopped = true;
            running = _running;
        }
        await _stop.CancelAsync().ConfigureAwait(false);
        await running.ConfigureAwait(false);
        _hints.Writer.TryComplete();
        _stop.Dispose();
    }

    async Task<TReply> AnswerAsync<TReply>(Request<TReply> request, CancellationToken cancellationToken)
        where TReply : Reply
    {
        try
        {
            return await request.AnswerAsync(_options.RequestTimeout, _options.TimeProvider, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            var seconds = _options.RequestTimeout.TotalSeconds;
            var what = string.Create(
                CultureInfo.InvariantCulture, $"No answer from {_address} within {seconds:0.###} s");
            throw new DisconnectedException(_trouble is { } trouble
                ? $"{what}: {trouble}"
                : $"{what}. It may have been done; repeat it with its nonce.");
        }
    }

    void Submit(Request request)
    {
        // The server takes less from somebody it does not know.
        var bytesMax = request.Token is null ? Limits.Default.AnonymousRequestBytesMax : _options.RequestBytesMax;
        if (request.Frame.Length > bytesMax)
        {
            throw RefusedException.From(new Refusal(
                ErrorCode.TooLarge, string.Create(null, $"The request has more than {bytesMax} bytes.")));
        }
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isStopped, typeof(ConclaveClient));
            _outbox.Add(request);
            if (_isRunning)
                return;
            _isRunning = true;
            _running = Task.Run(RunAsync);
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "A fault of ours must not leave callers waiting for ever.")]
    async Task RunAsync()
    {
        Exception end;
        try
        {
            end = await KeepConnectedAsync(_stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            end = new ObjectDisposedException(typeof(ConclaveClient).FullName);
        }
        catch (Exception exception)
        {
            end = exception;
        }
        lock (_gate)
        {
            _isRunning = false;
            // In this order: what the subscriptions still want to say goes to nobody any more.
            _subscriptions.EndAll(_isStopped ? null : end);
            _outbox.FailAll(end);
        }
    }

    /// <summary>Connects, serves and connects again, until that is of no use any more; returns why.</summary>
    async Task<Exception> KeepConnectedAsync(CancellationToken stop)
    {
        var isFirst = true;
        for (var attempt = 0; ; attempt++)
        {
            using var socket = new ClientWebSocket();
            if (await ConnectAsync(socket, stop).ConfigureAwait(false) is { } failure)
            {
                _trouble = failure.Message;
                if (isFirst)
                    return failure;
                await Task.Delay(WaitBefore(attempt), _options.TimeProvider, stop).ConfigureAwait(false);
                continue;
            }
            _trouble = null;
            if (!isFirst)
                _hints.Writer.TryWrite(new Hint(ConnectionHint.Restored));
            isFirst = false;

            IsConnected = true;
            var connection = new Connection(
                socket, _outbox, _subscriptions, _hints.Writer, _options.TimeProvider)
            { LobbyHinted = LobbyHinted };
            var ending = await connection.RunAsync(stop).ConfigureAwait(false);
            IsConnected = false;
            stop.ThrowIfCancellationRequested();
            if (!ending.MayReconnect)
                return ending.Cause is BrokenServerException broken ? broken : Closed(ending);

            _trouble = "the connection was lost. Check the network and that the server runs.";
            _hints.Writer.TryWrite(new Hint(ConnectionHint.Lost));
            _outbox.Reopen();
            _subscriptions.Reopen();
            // Whoever only waits for hints would wait in vain on a connection that is nobody's.
            if (Token is { } token && _outbox.Introduction(token) is { } introduction)
                _outbox.Add(introduction);
            attempt = ending.WasUseful ? 0 : attempt;
            var wait = ending.CloseCode == CloseCode.Overload ? WaitBefore(int.MaxValue) : WaitBefore(attempt);
            await Task.Delay(wait, _options.TimeProvider, stop).ConfigureAwait(false);
        }
    }

    async Task<DisconnectedException?> ConnectAsync(ClientWebSocket socket, CancellationToken stop)
    {
        // A proxy would see every token, and compression beside chosen text leaks secrets (CRIME); both stay off.
        socket.Options.Proxy = null;
        socket.Options.SetRequestHeader("User-Agent", _options.ProgramName);
        socket.Options.KeepAliveInterval = _options.PingInterval;
        socket.Options.KeepAliveTimeout = _options.PingInterval;
        using var timeout = new CancellationTokenSource(_options.ConnectTimeout, _options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stop);
        try
        {
            await socket.ConnectAsync(_address, either.Token).ConfigureAwait(false);
            return null;
        }
        catch (Exception exception) when (
            exception is WebSocketException or OperationCanceledException && !stop.IsCancellationRequested)
        {
            var reason = exception is WebSocketException
                ? exception.GetBaseException().Message.TrimEnd('.')
                : string.Create(
                    CultureInfo.InvariantCulture, $"no answer within {_options.ConnectTimeout.TotalSeconds:0.###} s");
            return new DisconnectedException(
                $"Cannot reach {_address}: {reason}. Check the address and that the server runs.", exception);
        }
    }

    DisconnectedException Closed(Ending ending)
    {
        var why = ending.CloseCode switch
        {
            CloseCode.Done => "it is done with this client. Try again later.",
            CloseCode.TooBig => "a request was larger than it takes. Send less at a time.",
            CloseCode.TooManyConnections => "there are too many connections from here. Close some and try again.",
            var code => $"it gave {code} as the reason. Tell its operator.",
        };
        return new DisconnectedException($"{_address} closed the connection: {why}", ending.Cause, ending.CloseCode);
    }

    /// <summary>Doubles with each attempt; the second half is random.</summary>
    TimeSpan WaitBefore(int attempt)
    {
        var longest = Math.Min(
            _options.ReconnectWaitMin.TotalMilliseconds * Math.Pow(2, Math.Min(attempt, 30)),
            _options.ReconnectWaitMax.TotalMilliseconds);
        return TimeSpan.FromMilliseconds(longest * (0.5 + RandomNumberGenerator.GetInt32(1001) / 2000.0));
    }

    internal static Uri AddressOf(Uri server)
    {
        if (!server.IsAbsoluteUri)
            throw new ArgumentException("The server's address is not absolute.", nameof(server));
        var scheme = server.Scheme switch
        {
            "http" or "ws" => "ws",
            "https" or "wss" => "wss",
            _ => throw new ArgumentException("The server's address is not of http, https, ws or wss.", nameof(server)),
        };
        // The address stands in messages, where a password has no place; nor has the server a use for one.
        if (server.UserInfo.Length > 0)
            throw new ArgumentException("The server's address holds a password.", nameof(server));
        // UriBuilder keeps the port of the old scheme as it was, given or by default; those of the new are the same.
        var address = new UriBuilder(server) { Scheme = scheme, Fragment = "" };
        if (address.Path is "" or "/")
            address.Path = "/ws";
        return address.Uri;
    }
}
