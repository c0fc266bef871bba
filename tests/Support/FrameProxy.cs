using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using System.Text;
using Xunit.Sdk;

namespace Conclave.Tests.Support;

/// <summary>
/// Stands between a client and a server and passes on what they say, but for what a test changes in what the server
/// says; or changes nothing and only listens. Plain HTTP passes as it is.
/// </summary>
sealed class FrameProxy : IAsyncDisposable
{
    readonly Uri _target;
    readonly Func<Func<RawFrame, IEnumerable<RawFrame>>> _open;
    readonly bool _isRecording;
    readonly ConcurrentQueue<MemoryStream>? _kept;
    readonly ConcurrentQueue<ExceptionDispatchInfo> _faults = new();
    readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    readonly CancellationTokenSource _stop = new();
    readonly Task _accepting;

    /// <param name="target">The server.</param>
    /// <param name="open">Called for each connection: what becomes of each frame of the server on it.</param>
    public FrameProxy(Uri target, Func<Func<RawFrame, IEnumerable<RawFrame>>> open)
        : this(target, open, isRecording: false)
    {
    }

    FrameProxy(
        Uri target, Func<Func<RawFrame, IEnumerable<RawFrame>>> open, bool isRecording,
        ConcurrentQueue<MemoryStream>? kept = null)
    {
        _kept = kept;
        _target = target;
        _open = open;
        _isRecording = isRecording;
        _listener.Start();
        Url = new Uri($"http://{_listener.LocalEndpoint}");
        _accepting = AcceptAsync();
    }

    public Uri Url { get; }

    /// <summary>What passed either way, connection by connection; once this is disposed.</summary>
    public IEnumerable<Stream> Kept => (_kept ?? []).Select(passed => new MemoryStream(passed.ToArray()));

    /// <summary>A proxy that changes the text of what the server says.</summary>
    public static FrameProxy Replacing(Uri target, Func<string, string> change) => new(target, () => frame =>
        frame.First == RawPeer.Text ? [frame with { Payload = Encoding.UTF8.GetBytes(change(frame.Text)) }] : [frame]);

    /// <summary>A proxy that changes nothing, and holds all that passes against docs/asyncapi.yaml.</summary>
    public static FrameProxy Recording(Uri target) => new(target, () => frame => [frame], isRecording: true);

    /// <summary>A proxy that changes nothing, and keeps what is in the frames that pass.</summary>
    public static FrameProxy Keeping(Uri target) =>
        new(target, () => frame => [frame], isRecording: true, new ConcurrentQueue<MemoryStream>());

    /// <summary>Tells what was found to be wrong, if anything was.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
        if (_faults.TryDequeue(out var fault))
            fault.Throw();
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
            var recorder = _isRecording ? new WireRecorder() : null;
            var (asked, answered) = (Keep(), Keep());
            var up = EndAsync(AskAsync(caller.GetStream(), server.GetStream(), recorder, asked, stop.Token));
            var down = EndAsync(AnswerAsync(server.GetStream(), caller.GetStream(), recorder, answered, stop.Token));
            await Task.WhenAny(up, down);
            await stop.CancelAsync();
            await Task.WhenAll(up, down);
        }
    }

    MemoryStream? Keep()
    {
        if (_kept is null)
            return null;
        var passed = new MemoryStream();
        _kept.Enqueue(passed);
        return passed;
    }

    async Task EndAsync(Task half)
    {
        try
        {
            await half;
        }
        catch (Exception end) when (end is IOException or OperationCanceledException)
        {
            // One side has hung up, or the test is over.
        }
        catch (XunitException fault)
        {
            _faults.Enqueue(ExceptionDispatchInfo.Capture(fault));
        }
    }

    static async Task AskAsync(
        Stream caller, Stream server, WireRecorder? recorder, MemoryStream? kept, CancellationToken stop)
    {
        if (recorder is null || !(await PassHeadAsync(caller, server, stop)).Contains(
            "Upgrade: websocket", StringComparison.OrdinalIgnoreCase))
        {
            await caller.CopyToAsync(server, stop);
            return;
        }
        while (true)
        {
            var head = await TakeAsync(caller, 2, stop);
            var length = await TakeAsync(caller, (head[1] & 0x7F) switch { 126 => 2, 127 => 8, _ => 0 }, stop);
            var mask = await TakeAsync(caller, 4, stop);
            var payload = await TakeAsync(caller, LengthOf((byte)(head[1] & 0x7F), length), stop);
            var clear = payload.Select((value, index) => (byte)(value ^ mask[index % 4])).ToArray();
            kept?.Write(clear);
            if (head[0] == RawPeer.Text)
                recorder.Sent(clear);
            await server.WriteAsync((byte[])[.. head, .. length, .. mask, .. payload], stop);
        }
    }

    async Task AnswerAsync(
        Stream server, Stream caller, WireRecorder? recorder, MemoryStream? kept, CancellationToken stop)
    {
        var head = await PassHeadAsync(server, caller, stop);
        if (!head.StartsWith("HTTP/1.1 101", StringComparison.Ordinal))
        {
            await server.CopyToAsync(caller, stop);
            return;
        }
        var change = _open();
        while (true)
        {
            var said = await ReadAsync(server, stop);
            kept?.Write(said.Payload);
            if (said.First == RawPeer.Text)
                recorder?.Received(said.Payload);
            foreach (var frame in change(said))
                await caller.WriteAsync(BytesOf(frame), stop);
        }
    }

    static async Task<string> PassHeadAsync(Stream from, Stream to, CancellationToken stop)
    {
        var head = new StringBuilder();
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
            head.Append((char)(await TakeAsync(from, 1, stop))[0]);
        await to.WriteAsync(Encoding.ASCII.GetBytes(head.ToString()), stop);
        return head.ToString();
    }

    static async Task<RawFrame> ReadAsync(Stream server, CancellationToken stop)
    {
        var head = await TakeAsync(server, 2, stop);
        var length = await TakeAsync(server, head[1] switch { 126 => 2, 127 => 8, _ => 0 }, stop);
        return new RawFrame(head[0], await TakeAsync(server, LengthOf(head[1], length), stop));
    }

    static int LengthOf(byte few, byte[] more) => more.Length switch
    {
        2 => BinaryPrimitives.ReadUInt16BigEndian(more),
        8 => (int)BinaryPrimitives.ReadUInt64BigEndian(more),
        _ => few,
    };

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
