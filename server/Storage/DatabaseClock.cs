using System.Diagnostics;
using Npgsql;

namespace Conclave.Server.Storage;

/// <summary>
/// The database's clock, as far as it is known here between two looks at it. It is never behind: what expires by it is
/// gone as long as an answer took too early, rather than a moment too late.
/// </summary>
/// <remarks>Not a TimeProvider's: the clock of a real database cannot be set by a test.</remarks>
sealed class DatabaseClock
{
    // Of the database's time, before ours since the machine started.
    long _aheadTicks;

    public DateTimeOffset Now => new(Volatile.Read(ref _aheadTicks) + Ticks(Stopwatch.GetTimestamp()), TimeSpan.Zero);

    /// <summary>Looks at the clock.</summary>
    public async Task ReadAsync(NpgsqlDataSource source, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand("SELECT clock_timestamp()");
        var asked = Stopwatch.GetTimestamp();
        var time = (DateTime)(await command.ExecuteScalarAsync(cancellation))!;
        Volatile.Write(ref _aheadTicks, time.Ticks - Ticks(asked));
    }

    static long Ticks(long timestamp) => Stopwatch.GetElapsedTime(0, timestamp).Ticks;
}

/// <summary>When the content of a message expires, by the clock of the database that keeps it.</summary>
sealed class Expiry(DateTimeOffset time, DatabaseClock clock)
{
    public DateTimeOffset Time { get; } = time;

    public bool HasPassed => Time <= clock.Now;
}
