using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Conclave.Tests.Support;

/// <summary>
/// Stands between a client and a server and passes on what they say, but for what a test changes in what the server
/// says. Plain HTTP passes as it is.
/// </summary>
sealed class FrameProxy : IAsyncDisposable
{
    readonly Uri _target;
    readonly Func<Func<RawFrame, IEnumerable<RawFrame>>> _open;
    readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    readonly CancellationTokenSource _stop = new();
    readonly Task _accepting;

    /// <param name="target">The server.</param>
    /// <param name="open">Called for each connection: what becomes of each frame of the server on it.</param>
    public FrameProxy(Uri target, Func<Func<RawFrame, IEnumerable<RawFrame>>> open)
    {
        _target = target;
        _open = open;
        _listener.Start();
        Url = new Uri($"http://{_listener.LocalEndpoint}");
        _accepting = AcceptAsync();
    }

    public Uri Url { get; }

    /// <summary>A proxy that changes the text of what the server says.</summary>
    public static FrameProxy Replacing(Uri target, Func<string, string> change) => new(target, () => frame =>
        frame.First == RawPeer.Text ? [frame with { Payload = Encoding.UTF8.GetBytes(change(frame.Text)) }] : [frame]);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    async Task AcceptAsync()
    {
        List<Task> lines = [];
        try
        {
            while (true)
                lines.Add(PassAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
        }
        catch (OperationCanceledException)
        {
            // Disposed.
        }
        await Task.WhenAll(lines);
    }

    async Task PassAsync(TcpClient caller)
    {
        using var server = new TcpClient();
        using (caller)
        using (var stop = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token))
        {
            await server.ConnectAsync(_target.Host, _target.Port, stop.Token);
            var up = EndAsync(caller.GetStream().CopyToAsync(server.GetStream(), stop.Token));
            var down = EndAsync(AnswerAsync(server.GetStream(), caller.GetStream(), stop.Token));
            await Task.WhenAny(up, down);
            await stop.CancelAsync();
            await Task.WhenAll(up, down);
        }
    }

    static async Task EndAsync(Task half)
    {
        try
        {
            await half;
        }
        catch (Exception end) when (end is IOException or OperationCanceledException)
        {
            // One side has hung up, or the test is over.
        }
    }

    async Task AnswerAsync(Stream server, Stream caller, CancellationToken stop)
    {
        var head = new StringBuilder();
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
            head.Append((char)(await TakeAsync(server, 1, stop))[0]);
        await caller.WriteAsync(Encoding.ASCII.GetBytes(head.ToString()), stop);
        if (!head.ToString().StartsWith("HTTP/1.1 101", StringComparison.Ordinal))
        {
            await server.CopyToAsync(caller, stop);
            return;
        }
        var change = _open();
        while (true)
        {
            foreach (var frame in change(await ReadAsync(server, stop)))
                await caller.WriteAsync(BytesOf(frame), stop);
        }
    }

    static async Task<RawFrame> ReadAsync(Stream server, CancellationToken stop)
    {
        var head = await TakeAsync(server, 2, stop);
        var length = head[1] switch
        {
            126 => BinaryPrimitives.ReadUInt16BigEndian(await TakeAsync(server, 2, stop)),
            127 => (int)BinaryPrimitives.ReadUInt64BigEndian(await TakeAsync(server, 8, stop)),
            var few => few,
        };
        return new RawFrame(head[0], await TakeAsync(server, length, stop));
    }

    static byte[] BytesOf(RawFrame frame)
    {
        // The long form is for short ones too, where nobody counts bytes. Not in control frames, where it is forbidden.
        var isShort = frame.Payload.Length < 126;
        var bytes = new byte[(isShort ? 2 : 10) + frame.Payload.Length];
        bytes[0] = frame.First;
        bytes[1] = isShort ? (byte)frame.Payload.Length : (byte)127;
        if (!isShort)
            BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(2), (ulong)frame.Payload.Length);
        frame.Payload.CopyTo(bytes, bytes.Length - frame.Payload.Length);
        return bytes;
    }

    static async Task<byte[]> TakeAsync(Stream stream, int count, CancellationToken stop)
    {
        var bytes = new byte[count];
        await stream.ReadExactlyAsync(bytes, stop);
        return bytes;
    }
}
