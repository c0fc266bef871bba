using BenchmarkDotNet.Attributes;
using Conclave.Server.Lobbies;
using Conclave.Server.Storage;

namespace Conclave.Bench.Micro;

/// <summary>
/// The end of a log in memory: what a batch of 64 entries costs to append, encoding and all, and to read for one
/// subscriber; beside the copy of 64 references, which no reader can do without.
/// </summary>
[MemoryDiagnoser]
public class TailBench
{
    const int Count = 64;

    readonly List<StoredEntry> _entries = Samples.Entries(Count);
    readonly EntryFrame[] _frames = new EntryFrame[Count];
    readonly EntryFrame[] _copy = new EntryFrame[Count];
    readonly Tail _full = Samples.Open().Tail;

    [GlobalSetup]
    public void Fill()
    {
        _full.Append(_entries);
        _full.Read(0, _frames, int.MaxValue);
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Count)]
    public void Copy() => _frames.CopyTo(_copy, 0);

    [Benchmark(OperationsPerInvoke = Count)]
    public int Read() => _full.Read(0, _frames, int.MaxValue);

    [Benchmark(OperationsPerInvoke = Count)]
    public long Append() => Samples.Open().Tail.Append(_entries);
}
