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
        await using var client = server.Connect();
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
        await using var client = server.Connect(new() { Server = server.Address, InFlightMax = 1 });

        var first = client.PostAsync("keys", "first", cancellationToken: cancel);
        var second = client.PostAsync("keys", "second", cancellationToken: cancel);
        await client.PingAsync(cancel);
        await Task.WhenAll(first, second);

        Assert.Equal(["first", "ping", "first", "second"], seen);
    }

    [Fact(Timeout = 30_000)]
    public async Task Post_wanted_later_than_its_caller_waits_is_refused_at_once()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var server = await ScriptedServer.StartAsync(async talk =>
        {
            await talk.RefuseAsync(await talk.ReadAsync(), "rate_limited", ",\"retry_after_ms\":31000");
            await talk.ReadAsync();
        });
        await using var client = server.Connect();

        var refused = await Assert.ThrowsAsync<RefusedException>(
            () => client.PostAsync("keys", "secret", cancellationToken: cancel));

        Assert.Equal(TimeSpan.FromSeconds(31), refused.RetryAfter);
    }

    [Fact(Timeout = 30_000)]
    public async Task Lists_are_read_to_their_last_page()
    {
        var cancel = TestContext.Current.CancellationToken;
        List<string?> afters = [];
        await using var server = await ScriptedServer.StartAsync(async talk =>
        {
            while (true)
            {
                var request = await talk.ReadAsync();
                afters.Add(request.Text("after"));
                var more = afters.Count < 3 ? "true" : "false";
                await talk.ReplyAsync(request,
                    $$"""
                    "last_seq":9,"more":{{more}},
                    "members":[{"login":"user{{afters.Count}}","public_token":"{{LobbyModel.Me}}","rights":["read"],
                                "since":"2026-01-01T00:00:00.000Z"}]
                    """);
            }
        });
        await using var client = server.Connect();

        var members = await client.MembersAsync("keys", cancel);

        Assert.Equal(["user1", "user2", "user3"], members.Select(member => member.Login));
        Assert.Equal([null, "user1", "user2"], afters);
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
        await using var client = new ConclaveClient(server.Options);

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
        await using var client = server.Connect();

        var refused = await Assert.ThrowsAsync<RefusedException>(
            () => client.SignInAsync("alice", "password", cancel));

        Assert.Equal(("rate_limited", "login", "t1"), (refused.Code, refused.Field, refused.Trace));
        Assert.Equal(TimeSpan.FromMilliseconds(1500), refused.RetryAfter);
        Assert.Equal("No. Try again in 2 s.", refused.Message);
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
                await talk.ReplyAsync(request, request.Action == ActionName.Whoami ? LobbyModel.Whoami : Stored);
            }
        });
        await using var client = server.Connect();
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
        await using var client = server.Connect();

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
        refused = await Assert.ThrowsAsync<RefusedException>(
            () => client.RegisterAsync("alice", new string('x', 1 << 16), cancel));
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
}
