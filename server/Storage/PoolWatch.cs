using System.Diagnostics.Metrics;

namespace Conclave.Server.Storage;

/// <summary>
/// Looks at the pools of Npgsql, which tells of them under names that change and with labels that may hold a connection
/// string; what goes on from here is the number and our own words.
/// </summary>
sealed class PoolWatch : IDisposable
{
    const string Source = "db.client.connection.count";

    readonly Lock _gate = new();
    readonly MeterListener _listener = new();
    readonly List<Measurement<int>> _seen = [];

    public PoolWatch()
    {
        _listener.InstrumentPublished = static (instrument, listener) =>
        {
            if (instrument is { Name: Source, Meter.Name: "Npgsql" })
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<int>((_, count, tags, _) => Note(count, tags));
        _listener.Start();
    }

    /// <summary>Connections in each pool, used and idle.</summary>
    public IReadOnlyList<Measurement<int>> Look()
    {
        lock (_gate)
        {
            _seen.Clear();
            _listener.RecordObservableInstruments();
            return [.. _seen];
        }
    }

    public void Dispose() => _listener.Dispose();

    void Note(int count, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        string? pool = null, state = null;
        foreach (var (name, value) in tags)
        {
            if (name.EndsWith("pool.name", StringComparison.Ordinal))
                pool = value as string;
            else if (name.EndsWith("state", StringComparison.Ordinal))
                state = value as string;
        }
        if (pool is not (Database.ReadingPool or Database.WritingPool))
            return;
        _seen.Add(new Measurement<int>(
            count,
            new KeyValuePair<string, object?>("pool", pool),
            new KeyValuePair<string, object?>("state", state == "idle" ? "idle" : "used")));
    }
}
