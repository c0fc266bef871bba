using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;

namespace Conclave.Server.Connections;

/// <summary>Writes frames straight into the memory that goes to the socket, many for one write.</summary>
sealed class FrameWriter(PipeWriter output, TimeProvider time)
{
    /// <summary>Where to stop adding and write, in bytes. One frame may go beyond.</summary>
    public const int BytesGoal = 64 << 10;

    int _count;
    long _writingSince;

    /// <summary>When the write that is going on began, as a timestamp; 0 if none is.</summary>
    public long WritingSince => Interlocked.Read(ref _writingSince);

    public bool IsEmpty => _count == 0;

    public bool IsFull => _count >= BytesGoal;

    /// <summary>How many bytes may be added before it is full.</summary>
    public int Room => Math.Max(0, BytesGoal - _count);

    /// <summary>What stands between one and the next. Default: that of WebSockets.</summary>
    public Framing Framing { get; init; } = WebSocketFrames.Write;

    public void Add(FrameKind kind, ReadOnlySpan<byte> payload) => _count += Framing(output, kind, payload);

    /// <summary>Adds bytes as they are.</summary>
    public void AddWhole(ReadOnlySpan<byte> bytes)
    {
        output.Write(bytes);
        _count += bytes.Length;
    }

    /// <summary>Says why the connection ends.</summary>
    public void AddClose(int closeCode)
    {
        Span<byte> payload = stackalloc byte[sizeof(ushort)];
        BinaryPrimitives.WriteUInt16BigEndian(payload, (ushort)closeCode);
        Add(FrameKind.Close, payload);
    }

    /// <summary>Sends what was added. Completes when there is room for as much again.</summary>
    /// <exception cref="IOException">The connection is gone.</exception>
    public async ValueTask FlushAsync()
    {
        _count = 0;
        var flush = output.FlushAsync(CancellationToken.None);
        if (!flush.IsCompleted)
            Interlocked.Exchange(ref _writingSince, time.GetTimestamp());
        try
        {
            var result = await flush;
            if (result.IsCompleted || result.IsCanceled)
                throw new IOException("the peer takes no more");
        }
        finally
        {
            Interlocked.Exchange(ref _writingSince, 0);
        }
    }
}
