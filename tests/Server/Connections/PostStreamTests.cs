using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using Conclave.Protocol;
using Conclave.Tests.Support;
using Conclave.Tests.Tidy;

namespace Conclave.Tests.Server.Connections;

/// <summary>A subscription by plain HTTP: the reply and then the events, a line each.</summary>
public sealed class PostStreamTests(PostgresCluster postgres, SharedServer server) : IClassFixture<SharedServer>
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Events_follow_the_reply_and_nobody_can_forge_a_line()
    {
        await using var guest = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(guest);
        await PostAsync(guest.Client, lobby, "[1.0,\r\n{\"event\":\"message\",\"seq\":3}\n]");
        using var client = new PostClient(server.Server.Url);
        using var response = await SubscribeAsync(client, guest.Token, lobby);
        Assert.Equal("application/x-ndjson", response.Content.Headers.ContentType!.MediaType);
        using var lines = await LinesAsync(response);
        Assert.Equal("ok", Outcomes.Of(await ReadAsync(lines)));
        Assert.Equal("lobby_created", (await ReadAsync(lines))["event"]!.GetValue<string>());
        Assert.Contains("[1.0,  {\"event\":\"message\",\"seq\":3} ]",
            await lines.ReadLineAsync(Cancellation), StringComparison.Ordinal);
        await PostAsync(guest.Client, lobby, "\"live\"");
        Assert.Equal(3, (await ReadAsync(lines))["seq"]!.GetValue<int>());
    }

    [Fact]
    public async Task Stream_ends_with_its_session()
    {
        await using var guest = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(guest);
        using var client = new PostClient(server.Server.Url);
        using var response = await SubscribeAsync(client, guest.Token, lobby);
        using var lines = await LinesAsync(response);
        await ReadAsync(lines);
        await ReadAsync(lines);
        await guest.Client.DoAsync("""{"action":"logout"}""");
        Assert.Equal("session_ended", (await ReadAsync(lines))["event"]!.GetValue<string>());
        Assert.Null(await lines.ReadLineAsync(Cancellation));
    }

    [Fact]
    public async Task Stream_outlives_a_change_of_rights_and_ends_with_the_membership_or_the_lobby()
    {
        await using var owner = await server.SignUpAsync();
        await using var member = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(owner);
        await owner.InviteAsync(lobby, member);
        var about = $"\"lobby_name\":\"{lobby}\",\"public_token\":\"{member.PublicToken}\"";
        using var client = new PostClient(server.Server.Url);
        using var response = await SubscribeAsync(client, member.Token, lobby);
        using var lines = await LinesAsync(response);
        Assert.Equal("ok", Outcomes.Of(await ReadAsync(lines)));
        await owner.Client.DoAsync($$"""{"action":"set_rights",{{about}},"rights":[]}""");
        await PostAsync(owner.Client, lobby, "4");
        await owner.Client.DoAsync($$"""{"action":"remove_member",{{about}}}""");
        await PostAsync(owner.Client, lobby, "6");
        Assert.Equal(
            ["lobby_created", "member_invited", "rights_changed", "message", "member_removed"],
            await EventsAsync(lines));

        await owner.InviteAsync(lobby, member);
        using var again = await SubscribeAsync(client, member.Token, lobby);
        using var last = await LinesAsync(again);
        Assert.Equal("ok", Outcomes.Of(await ReadAsync(last)));
        await PostAsync(owner.Client, lobby, "8");
        await owner.Client.DoAsync($$"""{"action":"delete_message","lobby_name":"{{lobby}}","seq":8}""");
        await owner.Client.DoAsync($$"""{"action":"delete_lobby","lobby_name":"{{lobby}}"}""");
        Assert.Equal("lobby_deleted", (await EventsAsync(last))[^1]);
    }

    [Fact]
    public async Task Stream_ends_with_the_server()
    {
        await using var stopping = await TestServer.StartAsync(postgres);
        await using var alice = await stopping.ConnectAsync();
        var token = await alice.SignUpAsync("alice");
        await alice.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
        using var client = new PostClient(stopping.Url);
        using var response = await SubscribeAsync(client, token, "den");
        using var lines = await LinesAsync(response);
        await ReadAsync(lines);
        await ReadAsync(lines);
        alice.Socket.Abort();
        var stopped = stopping.DisposeAsync();
        Assert.Equal("server_closing", (await ReadAsync(lines))["event"]!.GetValue<string>());
        Assert.Null(await lines.ReadLineAsync(Cancellation));
        await stopped;
    }

    [Fact]
    public async Task Quiet_stream_is_kept_alive_with_blanks_until_its_caller_goes_away()
    {
        await using var brisk = await TestServer.StartAsync(
            postgres, new Limits { PingInterval = TimeSpan.FromMilliseconds(100) });
        string token;
        await using (var alice = await brisk.ConnectAsync())
        {
            token = await alice.SignUpAsync("alice");
            await alice.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
        }
        using var client = new PostClient(brisk.Url);
        using (var response = await SubscribeAsync(client, token, "den"))
        {
            using var lines = await LinesAsync(response);
            await ReadAsync(lines);
            await ReadAsync(lines);
            var blanks = new char[5];
            Assert.Equal(5, await lines.ReadBlockAsync(blanks, Cancellation));
            Assert.Equal("     ", new string(blanks));
            Assert.Single(brisk.Rooms.Presence.Sessions());
        }
        await NobodyIsLeftAsync(brisk);
    }

    [Fact]
    public async Task Slow_reader_gets_everything_and_a_dead_one_is_cut_loose()
    {
        await using var strict = await TestServer.StartAsync(
            postgres, TestServer.Unhurried with { WriteStallMax = TimeSpan.FromSeconds(2) });
        const int Count = 200;
        string token;
        await using (var alice = await strict.ConnectAsync())
        {
            token = await alice.SignUpAsync("alice");
            await alice.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
            var row = $"\"{new string('x', 64 << 10)}\"";
            for (var seq = 2; seq <= Count; seq++)
                await PostAsync(alice, "den", row);
        }
        using var client = new PostClient(strict.Url);
        using (var response = await SubscribeAsync(client, token, "den"))
        {
            using var lines = await LinesAsync(response);
            await ReadAsync(lines);
            for (var seq = 1; seq <= Count; seq++)
                Assert.Equal(seq, (await ReadAsync(lines))["seq"]!.GetValue<int>());
        }
        using var unread = await SubscribeAsync(client, token, "den");
        await NobodyIsLeftAsync(strict);
    }

    [Fact]
    public async Task Examples_for_curl_do_what_the_page_says()
    {
        if (!(Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Any(folder => File.Exists(Path.Combine(folder, "curl"))))
            Assert.Skip("curl is not installed");
        var script = string.Join('\n', SourceFile.All.Single(file => file.Path == "docs/protocol.md").Lines
            .SkipWhile(line => line != "```sh").Skip(1)
            .TakeWhile(line => line != "```"))
            .Replace("127.0.0.1:7720", server.Server.Url.Authority, StringComparison.Ordinal);
        var start = new ProcessStartInfo("sh", ["-euc", script])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        using var process = Process.Start(start)!;
        try
        {
            string[] expected = ["register", "create_lobby", "message", "subscribe"];
            foreach (var action in expected)
            {
                var reply = await ReadAsync(process.StandardOutput);
                Assert.Equal(("ok", action), (Outcomes.Of(reply), reply["action"]!.GetValue<string>()));
            }
            Assert.Equal("lobby_created", (await ReadAsync(process.StandardOutput))["event"]!.GetValue<string>());
            Assert.Equal("\"from a script\"", (await ReadAsync(process.StandardOutput))["row_data"]!.ToJsonString());
        }
        finally
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(Cancellation);
        }
    }

    static Task<HttpResponseMessage> SubscribeAsync(PostClient client, string token, string lobby) =>
        client.SendAsync($$"""{"action":"subscribe","token":"{{token}}","lobby_name":"{{lobby}}","after":0}""");

    static async Task<StreamReader> LinesAsync(HttpResponseMessage response) =>
        new(await response.Content.ReadAsStreamAsync(Cancellation));

    static async Task<JsonObject> ReadAsync(StreamReader lines)
    {
        var line = await lines.ReadLineAsync(Cancellation) ?? throw new EndOfStreamException();
        new WireRecorder().Received(Encoding.UTF8.GetBytes(line));
        return JsonNode.Parse(line)!.AsObject();
    }

    // Until the stream ends; hints that belong to the user and not to the lobby are left out.
    static async Task<List<string>> EventsAsync(StreamReader lines)
    {
        List<string> events = [];
        while (await lines.ReadLineAsync(Cancellation) is { } line)
        {
            var name = JsonNode.Parse(line)!["event"]!.GetValue<string>();
            if (name is not (EventName.Invited or EventName.Removed))
                events.Add(name);
        }
        return events;
    }

    static Task<JsonObject> PostAsync(WireClient client, string lobby, string row) =>
        client.DoAsync($$"""{"action":"message","lobby_name":"{{lobby}}","row_data":{{row}}}""");

    // Until no connection shows a session any more.
    static async Task NobodyIsLeftAsync(TestServer server)
    {
        while (server.Rooms.Presence.Sessions().Length > 0)
        {
            Cancellation.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
