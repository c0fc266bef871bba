using System.Buffers.Binary;
using System.Net.Sockets;

namespace Conclave.Server.Connections;

/// <summary>
/// How far the peer has come with what was written to it. A write that waits says nothing of that: a reader of one
/// byte a second is alive. Linux counts the bytes that the peer has acknowledged; elsewhere only whole writes count.
/// </summary>
sealed class SocketProgress(Socket? socket)
{
    // linux/tcp.h: TCP_INFO is option 11 of level IPPROTO_TCP; tcpi_bytes_acked stands at byte 120, in host order.
    const int TcpLevel = 6;
    const int TcpInfo = 11;
    const int BytesAckedAt = 120;

    readonly byte[] _info = new byte[BytesAckedAt + sizeof(ulong)];

    /// <summary>Bytes acknowledged since the connection began; 0 where that is not known.</summary>
    public ulong BytesAcknowledged()
    {
        if (socket is null || !OperatingSystem.IsLinux())
            return 0;
        try
        {
            return socket.GetRawSocketOption(TcpLevel, TcpInfo, _info) == _info.Length
                ? BitConverter.IsLittleEndian
                    ? BinaryPrimitives.ReadUInt64LittleEndian(_info.AsSpan(BytesAckedAt))
                    : BinaryPrimitives.ReadUInt64BigEndian(_info.AsSpan(BytesAckedAt))
                : 0;
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            return 0;
        }
    }
}
