using BenchmarkDotNet.Attributes;
using Conclave.Server.Lobbies;

namespace Conclave.Bench.Micro;

/// <summary>A subscription that takes 64 entries, beside reading them from the tail with no position kept.</summary>
[MemoryDiagnoser]
public class CursorBench
{
    const int Count = 64;

    // A cursor only moves forward: as many as one invocation takes stand at the start of the log.
    const int Cursors = 1 << 16;

    readonly EntryFrame[] _frames = new EntryFrame[Count];
    Tail _tail = new();
    Cursor[] _cursors = [];

    [IterationSetup]
    public void Open()
    {
        (_tail, var first) = Samples.Open();
        _cursors = [first, .. Enumerable.Range(1, Cursors - 1).Select(_ => Samples.Follow(_tail))];
        _tail.Append(Samples.Entries(Count));
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Count * Cursors)]
    public int Read()
    {
        var count = 0;
        foreach (var _ in _cursors)
            count += _tail.Read(0, _frames, int.MaxValue);
        return count;
    }

    [Benchmark(OperationsPerInvoke = Count * Cursors)]
    public int Take()
    {
        var count = 0;
        foreach (var cursor in _cursors)
        {
            cursor.Take(_frames, int.MaxValue, out var taken);
            count += taken;
        }
        return count;
    }
}
