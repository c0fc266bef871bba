using System.Text;
using Conclave.Protocol;
using Conclave.Sdk;

namespace Conclave.Tests.Sdk;

public sealed class RequestTests
{
    const string Stored =
        $"""
        "lobby_id":"{LobbyModel.LobbyId}","seq":7,"sent_at":"2026-01-01T00:00:00.000Z"
        """;

    [Fact(Timeout = 30_000)]
    public async Task Post_is_repeated_with_its_nonce_until_it_is_stored()
    {
        var cancel = TestContext.Current.CancellationToken;
        List<string?> nonces = [];
        await using var server = await ScriptedServer.StartAsync(async talk =>
        {
            while (true)
            {
                var request = await talk.ReadAsync();
                if (request.Action == ActionName.Ping)
                {
                    await talk.ReplyAsync(request, "\"server_time\":\"2026-01-01T00:00:00.000Z\"");
                    continue;
                }
                nonces.Add(request.Text("nonce"));
                switch (nonces.Count)
                {
                    case 1:
                        await talk.RefuseAsync(request, "busy", ",\"retry_after_ms\":1");
                        break;
                    case 2:
                        await talk.RefuseAsync(request, "rate_limited", ",\"retry_after_ms\":1");
                        break;
                    case 3:
                        await talk.RefuseAsync(request, "unknown_outcome", ",\"retry_after_ms\":1");
                        break;
                    case 4:
                        return;
                    default:
                        await talk.ReplyAsync(request, Stored + ",\"duplicate\":true");
                        break;
                }
            }
        });
        await using var client = Connect(server);
        await client.ConnectAsync(cancel);

        var reply = await client.PostAsync("keys", "secret", cancellationToken: cancel);

        Assert.Equal(7, reply.Seq);
        Assert.True(reply.Duplicate);
        Assert.Equal(5, nonces.Count);
        Assert.Single(nonces.Distinct(StringComparer.Ordinal));
        Assert.True(Guid.TryParse(nonces[0], out _));
    }

    [Fact(Timeout = 30_000)]
    public async Task Post_put_off_holds_back_later_ones_and_nothing_else()
    {
        var cancel = TestContext.Current.CancellationToken;
        List<string> seen = [];
        await using var server = await ScriptedServer.StartAsync(async talk =>
        {
            while (true)
            {
                var request = await talk.ReadAsync();
                seen.Add(request.Text("row_data") ?? request.Action);
                if (seen.Count == 1)
                {
                    await talk.RefuseAsync(request, "busy", ",\"retry_after_ms\":200");
                }
                else
                {
                    await talk.ReplyAsync(request, Stored + ",\"server_time\":\"2026-01-01T00:00:00.000Z\"");
                }
            }
        });
        // One at a time, so that the second post is not on its way before the first is put off.
        await using var client = new ConclaveClient(new() { Server = server.Address, InFlightMax = 1 });
        client.UseToken(LobbyModel.Token);

        var first = client.PostAsync("keys", "first", cancellationToken: cancel);
        var second = client.PostAsync("keys", "second", cancellationToken: cancel);
        await client.PingAsync(cancel);
        await Task.WhenAll(first, second);

        Assert.Equal(["first", "ping", "first", "second"], seen);
    }

    [Fact(Timeout = 30_000)]
    public async Task Registration_is_sent_once_only()
    {
        var cancel = TestContext.Current.CancellationToken;
        List<string> actions = [];
        await using var server = await ScriptedServer.StartAsync(async talk =>
        {
            while (true)
            {
                var request = await talk.ReadAsync();
                actions.Add(request.Action);
                if (request.Action == ActionName.Register)
                {
                    return;
                }
                await talk.ReplyAsync(request, "\"server_time\":\"2026-01-01T00:00:00.000Z\"");
            }
        });
        await using var client = new ConclaveClient(OptionsFor(server));

        await Assert.ThrowsAsync<DisconnectedException>(() => client.RegisterAsync("alice", "password", cancel));
        await client.PingAsync(cancel);

        Assert.Equal(["register", "ping"], actions);
    }

    [Fact(Timeout = 30_000)]
    public async Task Refusal_says_all_that_the_server_said_and_what_to_do()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var server = await ScriptedServer.StartAsync(async talk =>
            await talk.RefuseAsync(
                await talk.ReadAsync(), "rate_limited",
                ",\"field\":\"login\",\"retry_after_ms\":1500,\"trace\":\"t1\",\"of_the_future\":1"));
        await using var client = Connect(server);

        var refused = await Assert.ThrowsAsync<RefusedException>(
            () => client.SignInAsync("alice", "password", cancel));

        Assert.Equal(("rate_limited", "login", "t1"), (refused.Code, refused.Field, refused.Trace));
        Assert.Equal(TimeSpan.FromMilliseconds(1500), refused.RetryAfter);
        Assert.Equal("No. Try again in 2 s.", refused.Message);
    }

    [Theory(Timeout = 30_000)]
    [InlineData(CloseCode.ServerLeaves)]
    [InlineData(CloseCode.Restart)]
    [InlineData(CloseCode.Overload)]
    [InlineData(CloseCode.DeadReader)]
    public async Task Client_comes_back_after_a_close_that_allows_it(int code)
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var server = await ScriptedServer.StartAsync(async talk =>
        {
            var request = await talk.ReadAsync();
            if (talk.Number == 1)
            {
                await talk.CloseAsync(code);
                return;
            }
            await talk.ReplyAsync(request, "\"server_time\":\"2026-01-01T00:00:00.000Z\"");
            await talk.ReadAsync();
        });
        await using var client = new ConclaveClient(OptionsFor(server));

        var hints = client.HintsAsync(cancel).Take(2).ToListAsync(cancel).AsTask();
        await client.PingAsync(cancel);

        Assert.Equal([ConnectionHint.Lost, ConnectionHint.Restored], (await hints).Select(hint => hint.Event));
        Assert.True(client.IsConnected);
    }

    [Theory(Timeout = 30_000)]
    [InlineData(CloseCode.Done)]
    [InlineData(CloseCode.Binary)]
    [InlineData(CloseCode.NotUtf8)]
    [InlineData(CloseCode.TooBig)]
    [InlineData(CloseCode.TooManyConnections)]
    public async Task Client_stays_away_after_any_other_close(int code)
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var server = await ScriptedServer.StartAsync(async talk =>
        {
            await talk.ReadAsync();
            await talk.CloseAsync(code);
        });
        await using var client = Connect(server);

        var disconnected = await Assert.ThrowsAsync<DisconnectedException>(() => client.PingAsync(cancel));

        Assert.Equal(code, disconnected.CloseCode);
        Assert.Equal(1, server.TalkCount);
        Assert.False(client.IsConnected);
    }

    [Fact(Timeout = 30_000)]
    public async Task Server_that_is_not_there_is_told_at_once()
    {
        var cancel = TestContext.Current.CancellationToken;
        Uri address;
        await using (var server = await ScriptedServer.StartAsync(_ => Task.CompletedTask))
        {
            address = server.Address;
        }
        await using var client = new ConclaveClient(
            ConclaveOptions.Default with { Server = address, RequestTimeout = Timeout.InfiniteTimeSpan });

        var disconnected = await Assert.ThrowsAsync<DisconnectedException>(() => client.ConnectAsync(cancel));

        Assert.Contains("Connection refused", disconnected.Message, StringComparison.Ordinal);
        Assert.Contains($"ws://127.0.0.1:{address.Port}/ws", disconnected.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 30_000)]
    public async Task Silence_ends_with_the_timeout()
    {
        var cancel = TestContext.Current.CancellationToken;
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        var asked = new TaskCompletionSource();
        await using var server = await ScriptedServer.StartAsync(async talk =>
        {
            await talk.ReadAsync();
            asked.SetResult();
            await talk.ReadAsync();
        });
        await using var client = new ConclaveClient(
            ConclaveOptions.Default with { Server = server.Address, TimeProvider = time });
        client.UseToken(LobbyModel.Token);

        var post = client.PostAsync("keys", "secret", cancellationToken: cancel);
        await asked.Task;
        time.Advance(TimeSpan.FromSeconds(29));
        Assert.False(post.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(1));

        var disconnected = await Assert.ThrowsAsync<DisconnectedException>(() => post);
        Assert.Contains("within 30 s", disconnected.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 30_000)]
    public async Task Large_request_waits_until_the_server_knows_who_sends_it()
    {
        var cancel = TestContext.Current.CancellationToken;
        List<string> actions = [];
        await using var server = await ScriptedServer.StartAsync(async talk =>
        {
            while (true)
            {
                var request = await talk.ReadAsync();
                actions.Add(request.Action);
                await talk.ReplyAsync(request, request.Action == ActionName.Whoami
                    ? $"\"login\":\"me\",\"public_token\":\"{LobbyModel.Me}\",\"registered_at\":\"2026-01-01T00:00:00.000Z\""
                    : Stored);
            }
        });
        await using var client = Connect(server);
        var large = new string('x', 100_000);

        await client.PostAsync("keys", large, cancellationToken: cancel);
        await client.PostAsync("keys", large, cancellationToken: cancel);

        Assert.Equal(["whoami", "message", "message"], actions);
    }

    [Fact(Timeout = 30_000)]
    public async Task Ended_session_is_told_to_a_large_request_too()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var server = await ScriptedServer.StartAsync(async talk =>
        {
            await talk.RefuseAsync(await talk.ReadAsync(), "bad_token");
            await talk.ReadAsync();
        });
        await using var client = Connect(server);

        var refused = await Assert.ThrowsAsync<RefusedException>(
            () => client.PostAsync("keys", new string('x', 100_000), cancellationToken: cancel));

        Assert.Equal("bad_token", refused.Code);
        Assert.Equal("No. Sign in again.", refused.Message);
    }

    [Fact]
    public async Task Request_the_server_would_close_for_is_refused_here()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var client = new ConclaveClient();
        client.UseToken(LobbyModel.Token);

        var refused = await Assert.ThrowsAsync<RefusedException>(
            () => client.PostAsync("keys", new string('x', 1 << 20), cancellationToken: cancel));

        Assert.Equal("too_large", refused.Code);
    }

    [Fact]
    public async Task Nobody_signed_in_is_told_without_asking()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var client = new ConclaveClient();

        var refused = await Assert.ThrowsAsync<RefusedException>(() => client.WhoamiAsync(cancel));

        Assert.Equal("bad_token", refused.Code);
    }

    [Fact(Timeout = 30_000)]
    public async Task Disposed_client_answers_everybody_who_waits()
    {
        var cancel = TestContext.Current.CancellationToken;
        var asked = new TaskCompletionSource();
        await using var server = await ScriptedServer.StartAsync(async talk =>
        {
            await talk.ReadAsync();
            asked.SetResult();
            await talk.ReadAsync();
        });
        var client = Connect(server);
        var ping = client.PingAsync(cancel);
        await asked.Task;

        await client.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => ping);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.PingAsync(cancel));
    }

    [Theory(Timeout = 30_000)]
    [InlineData("no JSON")]
    [InlineData("[]")]
    [InlineData("""{"id":null,"action":null,"ok":false,"error":{"code":"bad_json","message":"No."}}""")]
    [InlineData("""{"event":"message","lobby_id":"nonsense","seq":1}""")]
    public async Task Nonsense_from_the_server_ends_the_connection_by_name(string frame)
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var server = await ScriptedServer.StartAsync(async talk =>
        {
            await talk.ReadAsync();
            await talk.SendAsync(frame);
            await talk.ReadAsync();
        });
        await using var client = Connect(server);

        await Assert.ThrowsAsync<BrokenServerException>(() => client.PingAsync(cancel));
    }

    [Fact]
    public void Password_is_wiped_when_it_was_used_and_not_before()
    {
        var frame = Encoding.UTF8.GetBytes("a password");
        var request = new Request<DoneReply>(1, RequestKind.Ask, frame) { HoldsPassword = true };

        request.BeginWrite();
        request.Retire();
        Assert.Equal("a password"u8, frame);
        request.EndWrite();

        Assert.All(frame, value => Assert.Equal(0, value));
    }

    [Fact(Timeout = 30_000)]
    public async Task Server_that_does_not_come_back_is_told_with_the_timeout()
    {
        var cancel = TestContext.Current.CancellationToken;
        var server = await ScriptedServer.StartAsync(async talk =>
        {
            await talk.ReplyAsync(await talk.ReadAsync(), "\"server_time\":\"2026-01-01T00:00:00.000Z\"");
            await talk.ReadAsync();
        });
        await using var client = new ConclaveClient(
            OptionsFor(server) with { RequestTimeout = TimeSpan.FromMilliseconds(300) });
        await client.ConnectAsync(cancel);
        await server.DisposeAsync();

        var disconnected = await Assert.ThrowsAsync<DisconnectedException>(() => client.PingAsync(cancel));

        Assert.Contains("Check", disconnected.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 30_000)]
    public async Task Server_that_answers_no_ping_is_left_for_a_new_connection()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var server = await ScriptedServer.StartAsync(async talk =>
        {
            var request = await talk.ReadAsync();
            if (talk.Number == 1)
            {
                // Pongs are sent by whoever reads, and nobody does here.
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, talk.Gone);
            }
            await talk.ReplyAsync(request, "\"server_time\":\"2026-01-01T00:00:00.000Z\"");
            await talk.ReadAsync();
        });
        await using var client = new ConclaveClient(
            OptionsFor(server) with { PingInterval = TimeSpan.FromMilliseconds(50) });

        await client.PingAsync(cancel);

        Assert.Equal(2, server.TalkCount);
    }

    [Fact(Timeout = 30_000)]
    public async Task Whoever_waits_for_hints_is_known_to_each_connection()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var server = await ScriptedServer.StartAsync(async talk =>
        {
            var request = await talk.ReadAsync();
            if ((request.Action, request.Text("token")) == ("whoami", LobbyModel.Token))
            {
                await talk.SendAsync($$"""{"event":"number {{talk.Number}}"}""");
            }
            if (talk.Number > 1)
            {
                await talk.ReadAsync();
            }
        });
        await using var client = Connect(server);

        // The first hint may be lost with its connection, as hints may.
        var hint = await client.HintsAsync(cancel).FirstAsync(hint => hint.Event == "number 2", cancel);

        Assert.Equal("number 2", hint.Event);
    }

    static ConclaveOptions OptionsFor(ScriptedServer server) => ConclaveOptions.Default with
    {
        Server = server.Address,
        ReconnectWaitMin = TimeSpan.FromMilliseconds(1),
        ReconnectWaitMax = TimeSpan.FromMilliseconds(2),
    };

    static ConclaveClient Connect(ScriptedServer server)
    {
        var client = new ConclaveClient(OptionsFor(server));
        client.UseToken(LobbyModel.Token);
        return client;
    }
}
