// References
//   RFC 6455, section 5.2. Frames of a server are not masked (5.1), so a frame is a short header and the bytes as they
//   are: many copies of one event differ in nothing.
using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;

namespace Conclave.Server.Connections;

/// <summary>Writes frames straight into the memory that goes to the socket, many for one write.</summary>
sealed class FrameWriter(PipeWriter output, TimeProvider time)
{
    /// <summary>Where to stop adding and write, in bytes. One frame may go beyond.</summary>
    public const int BytesGoal = 64 << 10;

    const byte Final = 0x80;
    const int HeaderBytesMax = 10;

    int _count;
    long _writingSince;

    /// <summary>When the write that is going on began, as a timestamp; 0 if none is.</summary>
    public long WritingSince => Interlocked.Read(ref _writingSince);

    public bool IsEmpty => _count == 0;

    public bool IsFull => _count >= BytesGoal;

    /// <summary>How many bytes may be added before it is full.</summary>
    public int Room => Math.Max(0, BytesGoal - _count);

    public void Add(FrameKind kind, ReadOnlySpan<byte> payload)
    {
        var header = output.GetSpan(HeaderBytesMax);
        header[0] = (byte)(Final | (byte)kind);
        var headerBytes = 2;
        switch (payload.Length)
        {
            case < 126:
                header[1] = (byte)payload.Length;
                break;
            case <= ushort.MaxValue:
                header[1] = 126;
                BinaryPrimitives.WriteUInt16BigEndian(header[2..], (ushort)payload.Length);
                headerBytes += sizeof(ushort);
                break;
            default:
                header[1] = 127;
                BinaryPrimitives.WriteUInt64BigEndian(header[2..], (ulong)payload.Length);
                headerBytes += sizeof(ulong);
                break;
        }
        if (header.Length >= headerBytes + payload.Length)
        {
            payload.CopyTo(header[headerBytes..]);
            output.Advance(headerBytes + payload.Length);
        }
        else
        {
            output.Advance(headerBytes);
            output.Write(payload);
        }
        _count += headerBytes + payload.Length;
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
