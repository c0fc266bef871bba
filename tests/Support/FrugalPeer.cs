using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Conclave.Tests.Support;

/// <summary>
/// A client that allocates nothing while it sends and reads, so that what a process allocates meanwhile is the
/// server's. It blocks its thread, and looks at no more of what comes than where each frame ends.
/// </summary>
sealed class FrugalPeer : IDisposable
{
    const byte FinalText = 0x81;
    const int PatienceMs = 30_000;

    readonly Socket _socket;
    readonly byte[] _buffer = new byte[64 << 10];
    int _start;
    int _end;

    FrugalPeer(Socket socket) => _socket = socket;

    public static FrugalPeer Connect(Uri server)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
        {
            NoDelay = true,
            ReceiveTimeout = PatienceMs,
        };
        socket.Connect(IPAddress.Loopback, server.Port);
        var peer = new FrugalPeer(socket);
        peer.Send(Encoding.ASCII.GetBytes(
            $"GET /ws HTTP/1.1\r\nHost: {server.Authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
        var last = 0u;
        while (last != 0x0D0A0D0A)
            last = (last << 8) | peer.Take();
        return peer;
    }

    /// <summary>A request as a frame, masked with zeros, which changes nothing.</summary>
    public static byte[] Frame(string request)
    {
        var payload = Encoding.UTF8.GetBytes(request);
        var frame = new byte[8 + payload.Length];
        frame[0] = FinalText;
        frame[1] = 0x80 | 126;
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(2), checked((ushort)payload.Length));
        payload.CopyTo(frame.AsSpan(8));
        return frame;
    }

    /// <summary>Sends frames as they are.</summary>
    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[_socket.Send(bytes)..];
    }

    /// <summary>Sends a request, which must succeed.</summary>
    public void Do(string request)
    {
        Send(Frame(request));
        var text = Encoding.UTF8.GetString(Read());
        Assert.Contains("\"ok\":true", text, StringComparison.Ordinal);
    }

    /// <summary>Reads so many frames and throws them away. A reply that is no success is noticed.</summary>
    public void Skip(int count)
    {
        for (; count > 0; count--)
        {
            if (Read().IndexOf("\"error\":"u8) >= 0)
                throw new InvalidOperationException("a request was refused");
        }
    }

    public void Dispose() => _socket.Dispose();

    ReadOnlySpan<byte> Read()
    {
        while (true)
        {
            var first = Take();
            var length = (int)Take();
            if (length == 126)
                length = (Take() << 8) | Take();
            Need(length);
            var payload = _buffer.AsSpan(_start, length);
            _start += length;
            if (first == FinalText)
                return payload;
        }
    }

    byte Take()
    {
        Need(1);
        return _buffer[_start++];
    }

    void Need(int count)
    {
        if (_start + count > _buffer.Length)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }
        while (_end - _start < count)
        {
            var received = _socket.Receive(_buffer.AsSpan(_end));
            _end += received > 0 ? received : throw new EndOfStreamException("the server closed the connection");
        }
    }
}
