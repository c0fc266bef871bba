namespace Conclave.Server.Storage;

/// <summary>
/// Work on the database that is done again and again until this is disposed. While the database is away, it rests.
/// </summary>
sealed partial class Sweep : IAsyncDisposable
{
    readonly TimeProvider _time;
    readonly ILogger<Sweep> _logger;
    readonly CancellationTokenSource _stopped = new();
    readonly Task _sweeping;

    public Sweep(
        TimeProvider time, ILogger<Sweep> logger,
        params IReadOnlyList<(TimeSpan Period, Func<CancellationToken, Task> Work)> works)
    {
        _time = time;
        _logger = logger;
        _sweeping = Task.WhenAll(works.Select(work => RepeatAsync(work.Period, work.Work)));
    }

    public async ValueTask DisposeAsync()
    {
        await _stopped.CancelAsync();
        await _sweeping;
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
            LogFailed(_logger, fault.GetType().FullName ?? "", fault.StackTrace ?? "");
        }
    }

    // The kind and the place, not the message: that of a fault in other people's code may quote what it choked on.
    [LoggerMessage(111, LogLevel.Error, "What is done again and again has failed: {Fault}\n{Place}")]
    static partial void LogFailed(ILogger logger, string fault, string place);
}
