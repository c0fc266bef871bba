using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Conclave.Server.Connections;

/// <summary>
/// What the operating system knows of the peer's reading. A write that waits says little: a reader of one byte a
/// second is alive, and may take an hour to come to the ping behind the megabytes it has to read first.
/// </summary>
/// <param name="Acknowledged">Bytes that the peer's system has taken; 0 where that is not known.</param>
/// <param name="Window">Bytes that it would still take; 0 where that is not known.</param>
[StructLayout(LayoutKind.Auto)]
readonly record struct SocketProgress(ulong Acknowledged, uint Window)
{
    // linux/tcp.h, struct tcp_info: option 11 of level IPPROTO_TCP. tcpi_bytes_acked (since Linux 4.1) stands at byte
    // 120, tcpi_snd_wnd (since 5.4) at byte 228, both in host order.
    const int TcpLevel = 6;
    const int TcpInfo = 11;
    const int AcknowledgedAt = 120;
    const int WindowAt = 228;

    /// <summary>
    /// Bytes that the peer has made room for since the beginning. What its system takes without its program reading
    /// leaves this as it is: the window shrinks by as much.
    /// </summary>
    public ulong Room => Acknowledged + Window;

    public static SocketProgress Of(Socket? socket)
    {
        if (socket is null || !OperatingSystem.IsLinux() || !BitConverter.IsLittleEndian)
            return default;
        Span<byte> info = stackalloc byte[WindowAt + sizeof(uint)];
        info.Clear();
        try
        {
            socket.GetRawSocketOption(TcpLevel, TcpInfo, info);
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            return default;
        }
        return new SocketProgress(
            BinaryPrimitives.ReadUInt64LittleEndian(info[AcknowledgedAt..]),
            BinaryPrimitives.ReadUInt32LittleEndian(info[WindowAt..]));
    }
}
