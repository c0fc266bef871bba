using BenchmarkDotNet.Attributes;
using Conclave.Protocol;
using Conclave.Server.Accounts;

namespace Conclave.Bench.Micro;

/// <summary>What it costs each message that its user is held to a pace.</summary>
[MemoryDiagnoser]
public class PaceBench
{
    readonly Guid _user = Guid.NewGuid();

    // A pace that this loop does not reach, but a bound nevertheless: without one nothing is looked up.
    readonly Paces _paces = new(
        new Limits { MessagesPerSecond = 1_000_000_000, MessageBytesPerSecond = 1_000_000_000 }, TimeProvider.System);

    [Benchmark]
    public bool TryPost() => _paces.TryPost(_user, 1, out _);
}
