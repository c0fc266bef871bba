#:property RestorePackagesWithLockFile=false
// The containers, tried for real: the eight requests of docs/protocol.md, section 3, by a bare WebSocket; then the data
// after down and up, and after each container was killed. In a compose project of its own, so that it cannot touch
// what `make ecosysten_up` keeps. Run by `make ecosystem_test`.
using System.Diagnostics;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

const string Port = "7729";
const string Secret = "Новый пароль для учетки админа 'test123'";
Environment.SetEnvironmentVariable("CONCLAVE_PORT", Port);
try
{
    Docker("up", "--detach", "--build", "--wait");
    string token;
    using (var server = await ConnectAsync())
    {
        await AskAsync(server, """{"action" : "register", "login" : "guest", "password" : "password"}""");
        var guest = await AskAsync(server, """{"action" : "get_public_token", "login" : "guest"}""");
        await AskAsync(server, """{"action" : "register", "login" : "login", "password" : "password"}""");
        var auth = await AskAsync(server, """{"action" : "auth", "login" : "login", "password" : "password"}""");
        token = Text(auth, "token");
        var head = $"\"lobby_name\" : \"first_lobby\", \"token\" : \"{token}\"";
        await AskAsync(server, $$"""{"action" : "create_lobby", {{head}}}""");
        var id = Text(await AskAsync(server, """{"action" : "lobby_id", "lobby_name" : "first_lobby"}"""), "lobby_id");
        await AskAsync(
            server, $$"""{"action" : "invite_lobby", {{head}}, "public_token" : "{{Text(guest, "public_token")}}"}""");
        await AskAsync(server, $$"""{"action" : "subscribe", {{head}}}""");
        await AskAsync(
            server, $$"""{"action" : "message", {{head}}, "lobby_id" : "{{id}}", "row_data" : "{{Secret}}"}""");
        Require(Text(await ReceiveAsync(server), "row_data") == Secret, "the message came live");
    }
    await RequireStoredAsync("after the requests");

    Docker("down");
    Docker("up", "--detach", "--wait");
    await RequireStoredAsync("after down and up");

    foreach (var service in new[] { "server", "database" })
    {
        Docker("kill", service);
        Docker("up", "--detach", "--wait");
        await RequireStoredAsync($"after a kill of the {service}");
    }

    Console.WriteLine("The containers keep what they acknowledged.");
    return 0;

    async Task RequireStoredAsync(string when)
    {
        using var server = await ConnectAsync();
        var history = await AskAsync(
            server, $$"""{"action" : "history", "lobby_name" : "first_lobby", "token" : "{{token}}"}""");
        var events = history.GetProperty("events");
        Require(events.GetArrayLength() == 3 && Text(events[2], "row_data") == Secret, $"the data are there {when}");
    }
}
catch (InvalidOperationException failure)
{
    await Console.Error.WriteLineAsync(failure.Message);
    Docker("logs", "--tail", "30");
    return 1;
}
finally
{
    Docker("down", "--volumes");
}

static void Docker(params string[] arguments)
{
    using var docker = Process.Start("docker", ["compose", "--project-name", "conclave-test", .. arguments]);
    docker.WaitForExit();
    Require(docker.ExitCode == 0, $"docker compose {arguments[0]}");
}

static async Task<ClientWebSocket> ConnectAsync()
{
    var server = new ClientWebSocket();
    await server.ConnectAsync(new Uri($"ws://127.0.0.1:{Port}/"), default);
    return server;
}

static async Task<JsonElement> AskAsync(ClientWebSocket server, string request)
{
    await server.SendAsync(Encoding.UTF8.GetBytes(request), WebSocketMessageType.Text, endOfMessage: true, default);
    var reply = await ReceiveAsync(server);
    Require(reply.TryGetProperty("ok", out var ok) && ok.GetBoolean(), $"{Text(reply, "action")}: ok");
    return reply;
}

static async Task<JsonElement> ReceiveAsync(ClientWebSocket server)
{
    var buffer = new byte[1 << 16];
    using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
    var length = 0;
    ValueWebSocketReceiveResult part;
    do
    {
        part = await server.ReceiveAsync(buffer.AsMemory(length), patience.Token);
        length += part.Count;
    }
    while (!part.EndOfMessage);
    return JsonElement.Parse(buffer.AsSpan(0, length));
}

static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

static void Require(bool claim, string what) =>
    _ = claim ? true : throw new InvalidOperationException($"Not so: {what}.");
