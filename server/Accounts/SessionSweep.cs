using Conclave.Server.Storage;

namespace Conclave.Server.Accounts;

/// <summary>
/// Has the sessions that are over end here too, twice a second, so that whatever ended one - another server, the
/// operator, its time - its subscriptions are silent within a second. And tidies their table, once a minute.
/// </summary>
sealed partial class SessionSweep : IAsyncDisposable
{
    static readonly TimeSpan SweepPeriod = TimeSpan.FromMilliseconds(500);
    static readonly TimeSpan TrimPeriod = TimeSpan.FromMinutes(1);

    readonly TimeProvider _time;
    readonly ILogger<SessionSweep> _logger;
    readonly CancellationTokenSource _stopped = new();
    readonly Task _sweeping;
    readonly Task _trimming;

    public SessionSweep(Sessions sessions, TimeProvider time, ILogger<SessionSweep> logger)
    {
        _time = time;
        _logger = logger;
        _sweeping = RepeatAsync(SweepPeriod, sessions.SweepAsync);
        _trimming = RepeatAsync(TrimPeriod, sessions.TrimAsync);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopped.CancelAsync();
        await Task.WhenAll(_sweeping, _trimming);
        _stopped.Dispose();
    }

    async Task RepeatAsync(TimeSpan period, Func<CancellationToken, Task> work)
    {
        using var timer = new PeriodicTimer(period, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopped.Token))
                await TryAsync(work);
        }
        catch (OperationCanceledException)
        {
            // The server has stopped.
        }
    }

    async Task TryAsync(Func<CancellationToken, Task> work)
    {
        try
        {
            await work(_stopped.Token);
        }
        catch (Exception fault) when (Database.IsAway(fault) && !_stopped.IsCancellationRequested)
        {
            // Requests say so too, and while it is away nobody is told anything new.
        }
#pragma warning disable CA1031 // A sweep that fails must not be the last one.
        catch (Exception fault) when (fault is not OperationCanceledException)
#pragma warning restore CA1031
        {
            LogFailed(_logger, fault.GetType().FullName ?? "");
        }
    }

    [LoggerMessage(401, LogLevel.Error, "Looking for sessions that have ended failed: {Fault}")]
    static partial void LogFailed(ILogger logger, string fault);
}
