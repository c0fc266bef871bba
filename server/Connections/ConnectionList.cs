using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using Conclave.Protocol;
using Conclave.Server.Accounts;
using Conclave.Server.Actions;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Conclave.Server.Connections;

/// <summary>Every connection of this server: takes them in, looks after them, and lets them go at the end.</summary>
sealed partial class ConnectionList : IAsyncDisposable
{
    // How long those that are there may take to leave when the server stops.
    static readonly TimeSpan LeaveMax = TimeSpan.FromSeconds(10);

    // Between two looks at a connection: where no limit says less, and a timer would not take "never".
    static readonly TimeSpan LookMax = TimeSpan.FromMinutes(1);

    // So many connections are a crowd: some 10 MiB.
    const int CrowdMin = 500;

    // Of a caller by plain HTTP: as soon as one of the others from there is answered.
    static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    readonly Rooms _rooms;
    readonly AddressCounts _addresses;
    readonly RequestBudgets _budgets;
    readonly ILogger<ConnectionList> _logger;
    readonly ConcurrentDictionary<IServed, Task> _connections = new();
    readonly CancellationTokenSource _stopped = new();
    readonly Task _beating;
    readonly Task _noting;
    volatile bool _isClosing;

    int _count;
    int _postCount;

    // The most connections there were since memory was last given back.
    int _crowd;

    public ConnectionList(Rooms rooms, ILogger<ConnectionList> logger)
    {
        _rooms = rooms;
        _budgets = new RequestBudgets(rooms.Limits);
        _addresses = new AddressCounts(rooms.Limits.ConnectionsPerAddressMax);
        _logger = logger;
        var limits = rooms.Limits;
        TimeSpan[] periods = [limits.PingInterval / 4, limits.WriteStallMax / 4, limits.RequestTimeMax / 4, LookMax];
        _beating = LookAfterAsync(periods.Min(), connection => connection.BeatAsync());
        // Apart, for it waits for the database: while that is away, peers must not seem gone.
        TimeSpan[] notings = [rooms.Sessions.UseNoted / 4, LookMax];
        _noting = LookAfterAsync(notings.Min(), connection => connection.NoteUsesAsync());
    }

    public int Count => Volatile.Read(ref _count);

    /// <summary>How many of them are requests by plain HTTP that are being answered.</summary>
    public int PostCount => Volatile.Read(ref _postCount);

    /// <summary>The memory of their requests.</summary>
    public RequestBudgets Budgets => _budgets;

    /// <summary>Whether the server still takes connections.</summary>
    public bool IsOpen => !_isClosing;

    /// <summary>Makes a WebSocket of the request and serves it until it is over.</summary>
    public async Task ServeAsync(HttpContext context)
    {
        if (_isClosing)
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return;
        }
        // The framework shakes hands. Its frames cost a task and a write each; ours go to and from the transport's own
        // memory, many at once, so its socket is left alone from here on.
        using var unused = await context.WebSockets.AcceptWebSocketAsync(
            new WebSocketAcceptContext { KeepAliveInterval = TimeSpan.Zero, DangerousEnableCompression = false });
        var address = context.Connection.RemoteIpAddress ?? IPAddress.None;
        var isCounted = _addresses.TryEnter(address);
        try
        {
            var transport = context.Features.GetRequiredFeature<IConnectionTransportFeature>().Transport;
            await using var connection = new Connection(
                PeerOf(context, address, transport), _rooms, _budgets, _logger);
            if (!isCounted)
                connection.Close(CloseCode.TooManyConnections);
            await ServeAsync(connection, connection.RunAsync());
        }
        finally
        {
            if (isCounted)
                _addresses.Leave(address);
        }
    }

    /// <summary>Answers the request that is the body of a POST; a subscription until it is over.</summary>
    public async Task AnswerAsync(HttpContext context)
    {
        var address = context.Connection.RemoteIpAddress ?? IPAddress.None;
        using var post = new Post(
            context, PeerOf(context, address, new BodyPipe(context)), _rooms, _budgets, _logger);
        var isCounted = _addresses.TryEnter(address);
        Interlocked.Increment(ref _postCount);
        try
        {
            await ServeAsync(post, isCounted ? post.RunAsync() : post.RefuseAsync(TooMany()));
        }
        finally
        {
            Interlocked.Decrement(ref _postCount);
            if (isCounted)
                _addresses.Leave(address);
        }
    }

    async Task ServeAsync(IServed connection, Task running)
    {
        _connections[connection] = running;
        var count = Interlocked.Increment(ref _count);
        if (count > Volatile.Read(ref _crowd))
            Volatile.Write(ref _crowd, count);
        if (_isClosing)
            connection.Close(CloseCode.Restart);
        try
        {
            await running;
        }
        finally
        {
            _connections.TryRemove(connection, out _);
            ReleaseMemory(Interlocked.Decrement(ref _count));
        }
    }

    // A crowd that has left leaves its memory behind, and a server that is quiet then would not collect it for hours.
    void ReleaseMemory(int count)
    {
        var crowd = Volatile.Read(ref _crowd);
        if (crowd >= CrowdMin && count <= crowd / 2 && Interlocked.CompareExchange(ref _crowd, count, crowd) == crowd)
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    /// <summary>Tells everyone that the server leaves, answers what is in flight, and closes.</summary>
    public async Task CloseAsync()
    {
        _isClosing = true;
        foreach (var connection in _connections.Keys)
        {
            connection.Send(new Hint(EventName.ServerClosing));
            connection.Close(CloseCode.Restart);
        }
        var leaving = Task.WhenAll(_connections.Values);
        await Task.WhenAny(leaving, Task.Delay(LeaveMax, _rooms.Time));
        foreach (var connection in _connections.Keys)
            await connection.AbortAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _stopped.CancelAsync();
        await Task.WhenAll(_beating, _noting);
        _stopped.Dispose();
    }

    static Answer TooMany() => Refused.RateLimited("too many connections from this address", RetryAfter);

    static Peer PeerOf(HttpContext context, IPAddress address, IDuplexPipe transport) => new(
        transport,
        context.Features.Get<IConnectionSocketFeature>()?.Socket,
        address,
        ClientOf(context),
        context.Abort);

    // User-Agent, cut to what is worth showing in a list of sessions.
    static string? ClientOf(HttpContext context)
    {
        const int LengthMax = 200;
        var agent = context.Request.Headers.UserAgent.ToString();
        return agent.Length is 0 ? null : agent[..Math.Min(agent.Length, LengthMax)];
    }

    async Task LookAfterAsync(TimeSpan period, Func<IServed, Task> look)
    {
        using var timer = new PeriodicTimer(period, _rooms.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopped.Token))
            {
                foreach (var connection in _connections.Keys)
                    await LookAsync(connection, look);
            }
        }
        catch (OperationCanceledException)
        {
            // The server has stopped.
        }
    }

    async Task LookAsync(IServed connection, Func<IServed, Task> look)
    {
        try
        {
            await look(connection);
        }
#pragma warning disable CA1031 // One connection that cannot be looked after must not leave the others alone.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            LogBeatFailed(_logger, fault.GetType().FullName ?? "");
        }
    }

    [LoggerMessage(301, LogLevel.Warning, "Looking after a connection failed: {Fault}")]
    static partial void LogBeatFailed(ILogger logger, string fault);
}
