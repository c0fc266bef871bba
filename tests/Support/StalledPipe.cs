using System.IO.Pipelines;

namespace Conclave.Tests.Support;

/// <summary>A transport whose peer reads nothing and sends nothing.</summary>
sealed class StalledPipe : IDuplexPipe
{
    readonly Pipe _received = new();

    // The first byte fills it.
    readonly Pipe _sent = new(new PipeOptions(pauseWriterThreshold: 1, resumeWriterThreshold: 1));

    public PipeReader Input => _received.Reader;

    public PipeWriter Output => _sent.Writer;

    /// <summary>The peer is gone.</summary>
    public async Task LeaveAsync() => await _sent.Reader.CompleteAsync();
}
