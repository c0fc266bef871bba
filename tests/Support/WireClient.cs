using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Conclave.Tests.Support;

/// <summary>
/// A foreign client: text frames on a WebSocket, nothing of ours in between. Reading is pulled by the test, so that a
/// client which is not read does not read. Every wait ends with the test's deadline. What passes is held against
/// docs/asyncapi.yaml (<see cref="WireRecorder"/>).
/// </summary>
sealed class WireClient : IAsyncDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    readonly ClientWebSocket _socket;
    readonly WireRecorder _recorder = new();
    readonly Queue<JsonObject> _events = new();
    readonly Queue<JsonObject> _replies = new();

    WireClient(ClientWebSocket socket) => _socket = socket;

    public WebSocketCloseStatus? CloseStatus => _socket.CloseStatus;

    public ClientWebSocket Socket => _socket;

    public static async Task<WireClient> ConnectAsync(
        Uri server, string path = "/ws", TestAuthority? authority = null)
    {
        var socket = new ClientWebSocket();
        if (authority is not null)
            socket.Options.RemoteCertificateValidationCallback = authority.Check;
        var url = new UriBuilder(server) { Scheme = server.Scheme == "https" ? "wss" : "ws", Path = path }.Uri;
        await socket.ConnectAsync(url, TestContext.Current.CancellationToken);
        return new WireClient(socket);
    }

    public Task SendAsync(string text) => SendAsync(Encoding.UTF8.GetBytes(text));

    public Task SendAsync(byte[] utf8)
    {
        _recorder.Sent(utf8);
        return _socket.SendAsync(
            utf8, WebSocketMessageType.Text, endOfMessage: true, TestContext.Current.CancellationToken);
    }

    /// <summary>Sends a request and returns its reply; events that come before it are kept.</summary>
    public async Task<JsonObject> AskAsync(string text)
    {
        await SendAsync(text);
        return await ReplyAsync();
    }

    /// <summary>Sends a request, which must succeed.</summary>
    public async Task<JsonObject> DoAsync(string text)
    {
        var reply = await AskAsync(text);
        Assert.True(reply["ok"]!.GetValue<bool>(), reply.ToJsonString());
        return reply;
    }

    /// <summary>Sends a request, which must be refused; returns the code.</summary>
    public async Task<string> RefusedAsync(string text)
    {
        var reply = await AskAsync(text);
        Assert.False(reply["ok"]!.GetValue<bool>(), reply.ToJsonString());
        return reply["error"]!["code"]!.GetValue<string>();
    }

    /// <summary>The next reply.</summary>
    public async Task<JsonObject> ReplyAsync()
    {
        while (_replies.Count == 0)
            Sort(await ReadAsync());
        return _replies.Dequeue();
    }

    /// <summary>The next event.</summary>
    public async Task<JsonObject> EventAsync()
    {
        while (_events.Count == 0)
            Sort(await ReadAsync());
        return _events.Dequeue();
    }

    /// <summary>The next event that is an entry of a lobby's log; hints before it are passed over.</summary>
    public async Task<JsonObject> EntryAsync()
    {
        while (true)
        {
            var next = await EventAsync();
            if (next.ContainsKey("seq"))
                return next;
        }
    }

    /// <summary>The bytes of the next frame, whatever it is; null when the server closed.</summary>
    public async Task<byte[]?> FrameAsync()
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(Patience);
        using var frame = new MemoryStream();
        var buffer = new byte[16 << 10];
        while (true)
        {
            var part = await _socket.ReceiveAsync(buffer, deadline.Token);
            if (part.MessageType == WebSocketMessageType.Close)
                return null;
            await frame.WriteAsync(buffer.AsMemory(0, part.Count), deadline.Token);
            if (!part.EndOfMessage)
                continue;
            var whole = frame.ToArray();
            _recorder.Received(whole);
            return whole;
        }
    }

    /// <summary>Reads until the server closes; returns its close code.</summary>
    public async Task<int> ClosedAsync()
    {
        while (await FrameAsync() is not null)
        {
            // What comes before the close is not of interest here.
        }
        return (int)_socket.CloseStatus!;
    }

    /// <summary>Registers a user with this login and signs in; returns the token.</summary>
    public async Task<string> SignUpAsync(string login)
    {
        await DoAsync($$"""{"action":"register","login":"{{login}}","password":"password of {{login}}"}""");
        return await SignInAsync(login);
    }

    /// <summary>Signs in a user that <see cref="SignUpAsync"/> made; returns the token.</summary>
    public async Task<string> SignInAsync(string login)
    {
        var reply = await DoAsync($$"""{"action":"auth","login":"{{login}}","password":"password of {{login}}"}""");
        return reply["token"]!.GetValue<string>();
    }

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }

    async Task<JsonObject> ReadAsync()
    {
        var frame = await FrameAsync() ?? throw new EndOfStreamException($"the server closed: {_socket.CloseStatus}");
        return JsonNode.Parse(frame)!.AsObject();
    }

    void Sort(JsonObject frame) => (frame.ContainsKey("event") ? _events : _replies).Enqueue(frame);
}
