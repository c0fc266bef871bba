using System.IO.Pipelines;
using BenchmarkDotNet.Attributes;
using Conclave.Server.Connections;
using Conclave.Server.Lobbies;

namespace Conclave.Bench.Micro;

/// <summary>64 entries as frames in the memory that goes to a socket, beside their bytes alone.</summary>
[MemoryDiagnoser]
public class FrameBench
{
    const int Count = 64;

    readonly EntryFrame[] _frames =
        [.. Samples.Entries(Count).Select(new EntryEncoder(Samples.Lobby.LobbyId, Samples.LobbyName).Encode)];

    readonly byte[] _bytes = new byte[64 << 10];
    readonly PipeWriter _output = PipeWriter.Create(Stream.Null, new(leaveOpen: true));
    FrameWriter _writer = null!;

    [GlobalSetup]
    public void Open() => _writer = new FrameWriter(_output, TimeProvider.System);

    [Benchmark(Baseline = true, OperationsPerInvoke = Count)]
    public int Copy()
    {
        var count = 0;
        foreach (var frame in _frames)
        {
            frame.Json.Span.CopyTo(_bytes.AsSpan(count));
            count += frame.Json.Length;
        }
        return count;
    }

    [Benchmark(OperationsPerInvoke = Count)]
    public async Task WriteAsync()
    {
        foreach (var frame in _frames)
            _writer.Add(FrameKind.Text, frame.Json.Span);
        await _writer.FlushAsync();
    }
}
