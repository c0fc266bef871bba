namespace Conclave.Server.Connections;

/// <summary>
/// The bytes of one upgraded connection. It lies between the WebSocket of the framework, which reads frames and sends
/// the few control frames, and the socket; the connection writes its own frames here, many at once. Each write is of
/// whole frames, and one at a time.
/// </summary>
sealed class FrameStream(Stream socket, TimeProvider time) : Stream
{
    readonly SemaphoreSlim _turn = new(1);
    long _readingSince;
    long _writingSince;

    /// <summary>Since when we wait for the peer to send something, as a timestamp; 0 if we do not.</summary>
    public long ReadingSince => Interlocked.Read(ref _readingSince);

    /// <summary>When the write that is going on began, as a timestamp; 0 if none is.</summary>
    public long WritingSince => Interlocked.Read(ref _writingSince);

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Interlocked.Exchange(ref _readingSince, time.GetTimestamp());
        try
        {
            return await socket.ReadAsync(buffer, cancellationToken);
        }
        finally
        {
            Interlocked.Exchange(ref _readingSince, 0);
        }
    }

    /// <summary>Throws away what the peer still sends, until it is gone.</summary>
    public async Task DiscardAsync(CancellationToken cancellation)
    {
        var buffer = new byte[4 << 10];
        while (await ReadAsync(buffer, cancellation) > 0)
        {
            // Else the end of the connection would reach the peer as a reset, before it could read why.
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async ValueTask WriteAsync(
        ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await _turn.WaitAsync(cancellationToken);
        Interlocked.Exchange(ref _writingSince, time.GetTimestamp());
        try
        {
            await socket.WriteAsync(buffer, cancellationToken);
        }
        finally
        {
            Interlocked.Exchange(ref _writingSince, 0);
            _turn.Release();
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
        // A write to an upgraded connection is on its way when it completes.
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            socket.Dispose();
        base.Dispose(disposing);
    }
}
