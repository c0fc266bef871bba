// References
//   RFC 6455, section 5.2. Frames of a server are not masked (5.1), so a frame is a short header and the bytes as they
//   are: many copies of one event differ in nothing.
using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;

namespace Conclave.Server.Connections;

/// <summary>The framing of WebSockets.</summary>
static class WebSocketFrames
{
    const byte Final = 0x80;
    const int HeaderBytesMax = 10;

    public static int Write(PipeWriter output, FrameKind kind, ReadOnlySpan<byte> payload)
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
        return headerBytes + payload.Length;
    }
}
