using System.Collections.Concurrent;
using Conclave.Protocol;
using Conclave.Server.Actions;
using Microsoft.AspNetCore.Connections.Features;

namespace Conclave.Server.Connections;

/// <summary>Every connection of this server: takes them in, looks after them, and lets them go at the end.</summary>
sealed partial class ConnectionList : IAsyncDisposable
{
    // How long those that are there may take to leave when the server stops.
    static readonly TimeSpan LeaveMax = TimeSpan.FromSeconds(10);

    readonly Rooms _rooms;
    readonly RequestBudgets _budgets;
    readonly ILogger<ConnectionList> _logger;
    readonly ConcurrentDictionary<Connection, Task> _connections = new();
    readonly CancellationTokenSource _stopped = new();
    readonly Task _beating;
    volatile bool _isClosing;

    public ConnectionList(Rooms rooms, ILogger<ConnectionList> logger)
    {
        _rooms = rooms;
        _budgets = new RequestBudgets(rooms.Limits);
        _logger = logger;
        _beating = BeatAsync();
    }

    public int Count => _connections.Count;

    /// <summary>Whether the server still takes connections.</summary>
    public bool IsOpen => !_isClosing;

    /// <summary>Makes a WebSocket of the request and serves it until it is over.</summary>
    public async Task ServeAsync(HttpContext context, TappedUpgrade upgrade)
    {
        if (_isClosing)
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return;
        }
        // The framework's own pings would need a timer for each connection; ours are sent by one loop for all.
        var socket = await context.WebSockets.AcceptWebSocketAsync(
            new WebSocketAcceptContext { KeepAliveInterval = TimeSpan.Zero, DangerousEnableCompression = false });
        var peer = new Peer(
            socket,
            upgrade.Frames!,
            context.Features.Get<IConnectionSocketFeature>()?.Socket,
            context.Connection.RemoteIpAddress ?? System.Net.IPAddress.None,
            ClientOf(context));
        await using var connection = new Connection(peer, _rooms, _budgets, _logger);
        var running = connection.RunAsync();
        _connections[connection] = running;
        if (_isClosing)
            connection.Close(CloseCode.Restart);
        try
        {
            await running;
        }
        finally
        {
            _connections.TryRemove(connection, out _);
        }
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
        await _beating;
        _stopped.Dispose();
    }

    // User-Agent, cut to what is worth showing in a list of sessions.
    static string? ClientOf(HttpContext context)
    {
        const int LengthMax = 200;
        var agent = context.Request.Headers.UserAgent.ToString();
        return agent.Length is 0 ? null : agent[..Math.Min(agent.Length, LengthMax)];
    }

    async Task BeatAsync()
    {
        var limits = _rooms.Limits;
        var shortest = limits.PingInterval < limits.WriteStallMax ? limits.PingInterval : limits.WriteStallMax;
        using var timer = new PeriodicTimer(shortest / 4, _rooms.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopped.Token))
            {
                foreach (var connection in _connections.Keys)
                    await BeatAsync(connection);
            }
        }
        catch (OperationCanceledException)
        {
            // The server has stopped.
        }
    }

    async Task BeatAsync(Connection connection)
    {
        try
        {
            await connection.BeatAsync();
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
