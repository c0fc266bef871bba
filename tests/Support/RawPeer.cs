using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Conclave.Tests.Support;

/// <summary>A frame as it came: its first byte says what it is.</summary>
sealed record RawFrame(byte First, byte[] Payload)
{
    /// <summary>The text of a frame that the client expects to be text.</summary>
    public string Text => Encoding.UTF8.GetString(Payload);
}

/// <summary>
/// A peer that speaks WebSocket byte by byte, so that it can also speak it badly, or stop reading. What it sends is
/// masked with zeros, which changes nothing.
/// </summary>
sealed class RawPeer : IAsyncDisposable
{
    public const byte Text = 0x81, Binary = 0x82, Close = 0x88, Ping = 0x89, Pong = 0x8A;

    /// <summary>A text message's first fragment, one in the middle, and the last.</summary>
    public const byte FirstPart = 0x01, NextPart = 0x00, LastPart = 0x80;

    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    readonly Socket _socket;
    readonly WireRecorder _recorder = new();

    RawPeer(Socket socket) => _socket = socket;

    /// <summary>The head of the server's answer to the upgrade.</summary>
    public string Handshake { get; private set; } = "";

    /// <param name="server">Whom to call.</param>
    /// <param name="from">From which address.</param>
    /// <param name="receiveBytes">How much the system may take from the server unread.</param>
    /// <param name="header">One more line for the head of the request.</param>
    /// <param name="host">By which name; null for that of <paramref name="server"/>.</param>
    public static async Task<RawPeer> ConnectAsync(
        Uri server, IPAddress? from = null, int? receiveBytes = null, string header = "X-Nothing: more",
        string? host = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (receiveBytes is { } bytes)
            socket.ReceiveBufferSize = bytes;
        if (from is not null)
            socket.Bind(new IPEndPoint(from, 0));
        await socket.ConnectAsync(IPAddress.Loopback, server.Port, TestContext.Current.CancellationToken);
        var peer = new RawPeer(socket);
        await peer.SendAsync(Encoding.ASCII.GetBytes(
            $"GET /ws HTTP/1.1\r\nHost: {host ?? server.Authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            + $"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{header}\r\n\r\n"));
        while (!peer.Handshake.EndsWith("\r\n\r\n", StringComparison.Ordinal))
            peer.Handshake += (char)(await peer.TakeAsync(1) ?? throw new EndOfStreamException("no handshake"))[0];
        return peer;
    }

    /// <summary>Sends bytes as they are.</summary>
    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0)
            bytes = bytes[await _socket.SendAsync(bytes, SocketFlags.None, TestContext.Current.CancellationToken)..];
    }

    public Task SendAsync(string text) => SendFrameAsync(Text, Encoding.UTF8.GetBytes(text));

    public Task SendFrameAsync(byte first, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[14 + payload.Length];
        frame[0] = first;
        frame[1] = 0x80 | 127;
        BinaryPrimitives.WriteUInt64BigEndian(frame.AsSpan(2), (ulong)payload.Length);
        payload.CopyTo(frame.AsSpan(14));
        return SendAsync(frame.AsMemory());
    }

    /// <summary>Sends an empty frame; false if there is no connection any more.</summary>
    public async Task<bool> TrySendAsync(byte first)
    {
        try
        {
            await SendFrameAsync(first, []);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>The next frame, whatever it is; null when the connection ended.</summary>
    public async Task<RawFrame?> ReadAsync()
    {
        if (await TakeAsync(2) is not { } head)
            return null;
        var length = head[1] switch
        {
            126 => BinaryPrimitives.ReadUInt16BigEndian(await TakeAsync(2) ?? new byte[2]),
            127 => BinaryPrimitives.ReadUInt64BigEndian(await TakeAsync(8) ?? new byte[8]),
            var few => (ulong)few,
        };
        if (await TakeAsync((int)length) is not { } payload)
            return null;
        // What it sends may be anything; what the server says must be right all the same.
        if (head[0] == Text)
            _recorder.Received(payload);
        return new RawFrame(head[0], payload);
    }

    /// <summary>Reads until the server says goodbye; returns its close code, or 0 if it left without a word.</summary>
    public async Task<int> ClosedAsync()
    {
        while (await ReadAsync() is { } frame)
        {
            if (frame.First == Close)
                return BinaryPrimitives.ReadUInt16BigEndian(frame.Payload);
        }
        return 0;
    }

    /// <summary>Reads so many bytes, fewer at the end of the connection, and throws them away.</summary>
    public async Task<int> SkipAsync(int count) => (await ReceiveAsync(new byte[count])).Length;

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }

    async Task<byte[]?> TakeAsync(int count)
    {
        var bytes = await ReceiveAsync(new byte[count]);
        return bytes.Length == count ? bytes.ToArray() : null;
    }

    async Task<Memory<byte>> ReceiveAsync(byte[] buffer)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(Patience);
        var count = 0;
        try
        {
            while (count < buffer.Length)
            {
                var some = await _socket.ReceiveAsync(buffer.AsMemory(count), SocketFlags.None, deadline.Token);
                if (some == 0)
                    break;
                count += some;
            }
        }
        catch (SocketException)
        {
            // Cut off: that, too, is an end.
        }
        return buffer.AsMemory(0, count);
    }
}
