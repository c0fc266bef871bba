namespace Conclave.Bench.Load.Sealed;

/// <summary>
/// The sealed lobbies of a workload, and what is sealed ahead for all of them: while the clock runs nothing is sealed,
/// for that is the work of clients, and here it would take the processors from the server.
/// </summary>
sealed class SealedStock(Result result) : IDisposable
{
    readonly List<SealedRoom> _rooms = [];
    long _sealed;
    long _microseconds;

    public void Add(SealedRoom room) => _rooms.Add(room);

    /// <summary>Seals so many posts for each poster, as far as a lobby takes them.</summary>
    public void Fill(double countEach)
    {
        var before = Processes.Time(Environment.ProcessId);
        foreach (var room in _rooms)
            _sealed += room.Fill((int)Math.Ceiling(countEach));
        _microseconds += Processes.Time(Environment.ProcessId) - before;
        result["seal_us"] = (double)_microseconds / _sealed;
    }

    /// <summary>Checks what was posted since it was filled.</summary>
    public void Check() => _rooms.ForEach(room => room.Check(result));

    public void Dispose() => _rooms.ForEach(room => room.Dispose());
}
