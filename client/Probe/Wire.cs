using System.Buffers.Binary;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Conclave.Client.Probe;

/// <summary>
/// A WebSocket byte by byte, so that the probe can also send what a client should not, and sees what a library hides.
/// Requests are signed by the token it was opened with, unless they are sent as they are.
/// </summary>
sealed class Wire : IAsyncDisposable
{
    public const byte Text = 0x81, Binary = 0x82, Close = 0x88, Ping = 0x89, Pong = 0x8A;

    /// <summary>A text message's first fragment, one in the middle, and the last.</summary>
    public const byte FirstPart = 0x01, NextPart = 0x00, LastPart = 0x80;

    static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);
    const int FrameBytesMax = 16 << 20;

    readonly Stream _stream;
    readonly CancellationToken _cancellation;
    readonly Queue<Said> _events = new();
    readonly Queue<Said> _replies = new();

    Wire(Stream stream, CancellationToken cancellation)
    {
        _stream = stream;
        _cancellation = cancellation;
    }

    /// <summary>The head of the server's answer to the upgrade.</summary>
    public string Handshake { get; private set; } = "";

    /// <summary>Signs the requests; null for none.</summary>
    public string? Token { get; set; }

    /// <param name="server">Whom to call.</param>
    /// <param name="path">Where the upgrade is asked for.</param>
    /// <param name="header">One more line for the head of the request; may be empty.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task<Wire> OpenAsync(Uri server, string path, string header, CancellationToken cancellation)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(server.DnsSafeHost, server.Port, cancellation);
            Stream stream = new NetworkStream(socket, ownsSocket: true);
            if (server.Scheme is "https" or "wss")
            {
                var secure = new SslStream(stream);
                await secure.AuthenticateAsClientAsync(
                    new SslClientAuthenticationOptions { TargetHost = server.DnsSafeHost }, cancellation);
                stream = secure;
            }
            var wire = new Wire(stream, cancellation);
            await wire.UpgradeAsync(server, path, header);
            return wire;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Sends a request, signed if this wire signs.</summary>
    public Task SendAsync(string request) => SendAsItIsAsync(Token is null
        ? request
        : $"{{\"token\":\"{Token}\",{request.AsSpan(1)}");

    /// <summary>Sends a text message as it is.</summary>
    public Task SendAsItIsAsync(string message) => SendFrameAsync(Text, Encoding.UTF8.GetBytes(message));

    /// <summary>Sends one frame; what is masked with zeros does not change.</summary>
    public async Task SendFrameAsync(byte first, ReadOnlyMemory<byte> payload)
    {
        var frame = new byte[14 + payload.Length];
        frame[0] = first;
        frame[1] = 0x80 | 127;
        BinaryPrimitives.WriteUInt64BigEndian(frame.AsSpan(2), (ulong)payload.Length);
        payload.CopyTo(frame.AsMemory(14));
        await _stream.WriteAsync(frame, _cancellation);
    }

    /// <summary>Sends a request and returns its reply; events before it are kept.</summary>
    public async Task<Said> AskAsync(string request)
    {
        await SendAsync(request);
        return await ReplyAsync();
    }

    /// <summary>Sends a request, which must succeed.</summary>
    public async Task<Said> DoAsync(string request) => (await AskAsync(request)).MustBeOk();

    /// <summary>The next reply.</summary>
    public async Task<Said> ReplyAsync()
    {
        while (_replies.Count == 0)
            await SortAsync();
        return _replies.Dequeue();
    }

    /// <summary>The next entry of a log; hints before it are passed over.</summary>
    public Task<Said> EntryAsync() => EventAsync(said => said.Seq is not null);

    /// <summary>The next hint of this name.</summary>
    public Task<Said> HintAsync(string name) => EventAsync(said => said.Event == name);

    /// <summary>The entries that came before the server answers what is asked now.</summary>
    public async Task<List<Said>> EntriesUntilNowAsync()
    {
        await DoAsync("""{"action":"ping"}""");
        var entries = _events.Where(said => said.Seq is not null).ToList();
        _events.Clear();
        return entries;
    }

    /// <summary>The next frame, whatever it is; null when the connection ended.</summary>
    public async Task<(byte First, byte[] Payload)?> FrameAsync()
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(_cancellation);
        patience.CancelAfter(Patience);
        try
        {
            var head = new byte[10];
            await _stream.ReadExactlyAsync(head.AsMemory(0, 2), patience.Token);
            var more = head[1] switch { 126 => 2, 127 => 8, _ => 0 };
            await _stream.ReadExactlyAsync(head.AsMemory(2, more), patience.Token);
            var length = more switch
            {
                2 => BinaryPrimitives.ReadUInt16BigEndian(head.AsSpan(2)),
                8 => BinaryPrimitives.ReadUInt64BigEndian(head.AsSpan(2)),
                _ => head[1],
            };
            Expect.True(length <= FrameBytesMax, "the server sends a frame larger than anything it has to say");
            var payload = new byte[length];
            await _stream.ReadExactlyAsync(payload, patience.Token);
            return (head[0], payload);
        }
        catch (Exception end) when (end is IOException)
        {
            // Cut off or at its end; that the server said goodbye is for the rule to see.
            return null;
        }
        catch (OperationCanceledException) when (!_cancellation.IsCancellationRequested)
        {
            throw new BrokenRuleException("the server says nothing");
        }
    }

    /// <summary>Reads until the server closes; its close code, or 0 if it left without a word.</summary>
    public async Task<int> ClosedAsync()
    {
        while (await FrameAsync() is var (first, payload))
        {
            if (first == Close)
                return payload.Length >= 2 ? BinaryPrimitives.ReadUInt16BigEndian(payload) : 0;
        }
        return 0;
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();

    async Task UpgradeAsync(Uri server, string path, string header)
    {
        var key = Convert.ToBase64String(RandomNumberGenerator.GetBytes(16));
        var lines = header.Length == 0 ? "" : header + "\r\n";
        await _stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"GET {path} HTTP/1.1\r\nHost: {server.Authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            + $"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{lines}\r\n"), _cancellation);
        var head = new StringBuilder();
        var one = new byte[1];
        while (!(head.Length >= 4 && head.ToString(head.Length - 4, 4) == "\r\n\r\n"))
        {
            await _stream.ReadExactlyAsync(one, _cancellation);
            head.Append((char)one[0]);
        }
        Handshake = head.ToString();
    }

    async Task<Said> EventAsync(Func<Said, bool> isMeant)
    {
        while (true)
        {
            while (_events.TryDequeue(out var said))
            {
                if (isMeant(said))
                    return said;
            }
            await SortAsync();
        }
    }

    async Task SortAsync()
    {
        var (first, payload) = await FrameAsync() ?? throw new BrokenRuleException("the server ended the connection");
        switch (first)
        {
            case Text:
                var said = Said.Read(payload);
                (said.IsEvent ? _events : _replies).Enqueue(said);
                break;
            case Ping:
                await SendFrameAsync(Pong, payload);
                break;
            case Close:
                throw new BrokenRuleException(
                    $"the server closed the connection with {BinaryPrimitives.ReadUInt16BigEndian(payload)}");
            default:
                throw new BrokenRuleException($"the server sent a frame that is no text message ({first:x2})");
        }
    }
}
