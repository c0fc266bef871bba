using Conclave.Protocol;

namespace Conclave.Server.Storage;

/// <summary>
/// Rides through a short absence of the database (it restarts, a standby takes over): what does nothing if it fails is
/// tried again for a while, as the writer does with posts.
/// </summary>
sealed class Outage(Limits limits, TimeProvider time)
{
    static readonly TimeSpan RetryWait = TimeSpan.FromMilliseconds(100);

    // When the database was first found away; 0 since it answered. What comes later does not wait all over again.
    long _awaySince;

    /// <summary>Does something that may be done again when the database was away.</summary>
    /// <exception cref="Exception">It is away for too long: <see cref="Database.IsAway"/>.</exception>
    public ValueTask<T> RideAsync<T>(Func<ValueTask<T>> attempt, CancellationToken cancellation) =>
        RideAsync(attempt(), attempt, cancellation);

    /// <summary>The same, with a first attempt that was made already.</summary>
    public async ValueTask<T> RideAsync<T>(
        ValueTask<T> first, Func<ValueTask<T>> again, CancellationToken cancellation)
    {
        var began = time.GetTimestamp();
        var attempt = first;
        while (true)
        {
            // What was answered from memory says nothing of the database.
            var isAsked = !attempt.IsCompleted;
            try
            {
                var result = await attempt;
                if (isAsked && Volatile.Read(ref _awaySince) != 0)
                    Interlocked.Exchange(ref _awaySince, 0);
                return result;
            }
            catch (Exception fault) when (Database.IsAway(fault) && !cancellation.IsCancellationRequested)
            {
                if (time.GetElapsedTime(AwaySince(began)) >= limits.DatabaseWaitMax)
                    throw;
            }
            await Task.Delay(RetryWait, time, cancellation);
            attempt = again();
        }
    }

    long AwaySince(long began)
    {
        var since = Interlocked.CompareExchange(ref _awaySince, began, 0);
        return since == 0 ? began : since;
    }
}
