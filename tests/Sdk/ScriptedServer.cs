using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Runtime.ExceptionServices;
using System.Text;
using System.Text.Json;
using Conclave.Sdk;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Conclave.Tests.Sdk;

/// <summary>
/// The other end of a real socket, which does what a test says: a server that breaks off, contradicts itself or keeps
/// silent is hard to come by otherwise.
/// </summary>
sealed class ScriptedServer : IAsyncDisposable
{
    readonly WebApplication _app;
    readonly ConcurrentQueue<ExceptionDispatchInfo> _faults = new();
    int _talks;

    ScriptedServer(WebApplication app) => _app = app;

    public Uri Address => new(_app.Services.GetRequiredService<IServer>()
        .Features.Get<IServerAddressesFeature>()!.Addresses.Single());

    /// <summary>Of a client that comes back at once.</summary>
    public ConclaveOptions Options => ConclaveOptions.Default with
    {
        Server = Address,
        ReconnectWaitMin = TimeSpan.FromMilliseconds(1),
        ReconnectWaitMax = TimeSpan.FromMilliseconds(2),
    };

    /// <summary>Connections so far.</summary>
    public int TalkCount => _talks;

    /// <summary>
    /// Runs <paramref name="script"/> for each connection; when it returns, the connection is dropped. What goes wrong
    /// in it is told when this is disposed.
    /// </summary>
    public static async Task<ScriptedServer> StartAsync(Func<Talk, Task> script)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var server = new ScriptedServer(builder.Build());
        server._app.UseWebSockets();
        server._app.Run(context => server.ServeAsync(context, script));
        await server._app.StartAsync();
        return server;
    }

    /// <summary>A client that is signed in at a <see cref="LobbyModel"/>.</summary>
    /// <param name="options">Null for <see cref="Options"/>.</param>
    public ConclaveClient Connect(ConclaveOptions? options = null)
    {
        var client = new ConclaveClient(options ?? Options);
        client.UseToken(LobbyModel.Token);
        return client;
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
        if (_faults.TryDequeue(out var fault))
            fault.Throw();
    }

    async Task ServeAsync(HttpContext context, Func<Talk, Task> script)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        try
        {
            await script(new Talk(socket, Interlocked.Increment(ref _talks), context.RequestAborted));
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException)
        {
            // The client broke off, as it may.
        }
#pragma warning disable CA1031 // A server that fails by a fault of its own must not pass for one that lies.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _faults.Enqueue(ExceptionDispatchInfo.Capture(exception));
        }
        socket.Abort();
    }
}

/// <summary>One connection of a <see cref="ScriptedServer"/>.</summary>
sealed class Talk(WebSocket socket, int number, CancellationToken gone)
{
    readonly byte[] _buffer = new byte[2 << 20];

    /// <summary>1 for the first connection.</summary>
    public int Number => number;

    public CancellationToken Gone => gone;

    /// <summary>The next request; the script ends when the client closes.</summary>
    public async Task<JsonElement> ReadAsync()
    {
        var length = 0;
        while (true)
        {
            var part = await socket.ReceiveAsync(_buffer.AsMemory(length), gone);
            if (part.MessageType == WebSocketMessageType.Close)
            {
                throw new OperationCanceledException("the client closed");
            }
            length += part.Count;
            if (part.EndOfMessage)
            {
                using var document = JsonDocument.Parse(_buffer.AsMemory(0, length));
                return document.RootElement.Clone();
            }
        }
    }

    public async Task SendAsync(string frame) =>
        await socket.SendAsync(Encoding.UTF8.GetBytes(frame), WebSocketMessageType.Text, endOfMessage: true, gone);

    /// <summary>An ok reply; <paramref name="fields"/> is what follows <c>ok</c>, as in <c>"seq":1</c>.</summary>
    public Task ReplyAsync(JsonElement request, string fields = "") => SendAsync(Reply(request, fields));

    public Task RefuseAsync(JsonElement request, string code, string more = "") =>
        SendAsync($$$"""
            {"id":{{{request.GetProperty("id")}}},"action":"{{{request.Action}}}","ok":false,
             "error":{"code":"{{{code}}}","message":"No."{{{more}}} } }
            """);

    public async Task CloseAsync(int code)
    {
        await socket.CloseOutputAsync((WebSocketCloseStatus)code, null, gone);
        // Waits for the client to agree.
        while (socket.State == WebSocketState.CloseSent)
        {
            await socket.ReceiveAsync(_buffer.AsMemory(), gone);
        }
    }

    public static string Reply(JsonElement request, string fields) =>
        $$"""
        {"id":{{request.GetProperty("id")}},"action":"{{request.Action}}",
         {{fields}}{{(fields == "" ? "" : ",")}}"ok":true}
        """;
}

static class RequestElement
{
    extension(JsonElement request)
    {
        public string Action => request.GetProperty("action").GetString()!;

        public string? Text(string field) =>
            request.TryGetProperty(field, out var value) ? value.GetString() : null;

        public long? Number(string field) =>
            request.TryGetProperty(field, out var value) ? value.GetInt64() : null;
    }
}
