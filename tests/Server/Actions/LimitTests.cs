using System.Net.WebSockets;
using Conclave.Protocol;
using Conclave.Server.Storage;
using Conclave.Tests.Support;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace Conclave.Tests.Server.Actions;

/// <summary>Limits on users and addresses (docs/protocol.md, section 8): at the edge, beyond, and after.</summary>
public sealed class LimitTests(PostgresCluster postgres)
{
    // What stands for a thing that counts, as often as the edge says, then one that is refused, and for how long.
    static readonly (string What, Limits Limits, int Edge, Func<int, string> Request, string Beyond, double? Seconds)[]
        Table =
        [
            ("messages", new Limits(), 1000, Message, "rate_limited", 0.002),
            ("messages, another number", new Limits { MessagesPerSecond = 3 }, 6, Message, "rate_limited", 0.334),
            ("bytes", new Limits { MessageBytesPerSecond = 3000 }, 6, KilobyteMessage, "rate_limited", 0.334),
            ("large messages", new Limits { MessageBytesPerSecond = 250 }, 1, KilobyteMessage, "rate_limited", 2),
            ("invitations", new Limits { InvitationsPerHour = 4 }, 4, Invitation, "limit", 900),
            ("lobbies", new Limits { LobbiesPerUserMax = 5 }, 1, Creation, "limit", null),
            ("lobbies an hour", new Limits { LobbiesPerHour = 6 }, 2, Creation, "rate_limited", 600),
            ("members", new Limits { MembersPerLobbyMax = 4 }, 3, Invitation, "limit", null),
            ("bytes of a lobby", new Limits { LobbyBytesMax = 6 * (1000 + LobbyKey.OverheadBytes) }, 6, KilobyteMessage,
                "limit", null),
            ("sessions", new Limits { SessionsPerUserMax = 3 }, 2, _ => SignIn, "limit", null),
            ("subscriptions", new Limits { SubscriptionsMax = 2 }, 2, Subscription, "limit", null),
        ];

    const string SignIn = """{"action":"auth","login":"alice","password":"password of alice"}""";

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string> Limited => [.. Table.Select(row => row.What)];

    [Theory]
    [MemberData(nameof(Limited))]
    public async Task Limit_holds_at_its_edge_and_gives_way_when_it_said(string what)
    {
        var (_, limits, edge, request, beyond, seconds) = Table.Single(row => row.What == what);
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var server = await TestServer.StartAsync(
            postgres, limits with { PingInterval = TimeSpan.FromDays(1) }, time);
        await using var alice = await server.ConnectAsync();
        await alice.SignUpAsync("alice");
        for (var number = 0; number < 4; number++)
            await alice.DoAsync($$"""{"action":"create_lobby","lobby_name":"den{{number}}"}""");
        for (var number = 0; number < 8; number++)
            await AddUserAsync(server, "guest" + number, Guest(number));

        for (var number = 1; number <= edge; number++)
            Assert.Equal((number, "ok"), (number, Outcomes.Of(await alice.AskAsync(request(number)))));
        var refused = await alice.AskAsync(request(edge + 1));
        Assert.Equal(beyond, Outcomes.Of(refused));
        var retryAfter = refused["error"]!["retry_after_ms"]?.GetValue<long>();
        Assert.Equal(seconds is { } wait ? (long)Math.Ceiling(wait * 1000) : null, retryAfter);
        if (retryAfter is not { } milliseconds)
            return;
        time.Advance(TimeSpan.FromMilliseconds(milliseconds - 1.5));
        Assert.Equal(beyond, Outcomes.Of(await alice.AskAsync(request(edge + 2))));
        time.Advance(TimeSpan.FromMilliseconds(1.5));
        Assert.Equal("ok", Outcomes.Of(await alice.AskAsync(request(edge + 3))));
    }

    [Fact]
    public async Task What_was_done_before_is_answered_so_also_beyond_the_limit()
    {
        var limits = new Limits { LobbiesPerUserMax = 2, InvitationsPerHour = 1 };
        await using var server = await TestServer.StartAsync(postgres, limits);
        await using var alice = await server.ConnectAsync();
        await using var bob = await server.ConnectAsync();
        await alice.SignUpAsync("alice");
        await bob.SignUpAsync("bob");
        var publicToken = await PublicTokenAsync(bob);
        var nonce = Guid.NewGuid();
        string Create(string name, string more = "") =>
            $$"""{"action":"create_lobby","lobby_name":"{{name}}"{{more}}}""";
        string Invite(string more) => $$"""
            {"action":"invite_lobby","lobby_name":"one","public_token":"{{publicToken}}"{{more}}}
            """;
        await Outcomes.HoldAsync(alice,
        [
            (Create("one", $",\"nonce\":\"{nonce}\""), "ok"),
            (Create("One"), "lobby_name_taken"),
            (Create("two"), "ok"),
            (Create("three"), "limit"),
            (Create("one", $",\"nonce\":\"{nonce}\""), "ok"),
            (Create("one"), "lobby_name_taken"),
            // What does not happen does not count.
            (Invite(",\"lobby_id\":5"), "bad_request lobby_id"),
            (Invite(",\"rights\":[\"write\"]").Replace("one", "nowhere", StringComparison.Ordinal), "no_such_lobby"),
            (Invite("").Replace(publicToken, Guid.NewGuid().ToString(), StringComparison.Ordinal), "no_such_user"),
            (Invite($",\"nonce\":\"{nonce}\""), "nonce_reused"),
            (Invite(",\"nonce\":\"0198a000-0000-7000-8000-0000000000aa\""), "ok"),
            (Invite(",\"nonce\":\"0198a000-0000-7000-8000-0000000000aa\""), "ok"),
            (Invite(""), "limit"),
        ]);
        await Outcomes.HoldAsync(bob, [(Create("three"), "ok"), (Create("four"), "ok"), (Create("five"), "limit")]);
    }

    [Fact]
    public async Task Changes_of_lobbies_by_one_user_have_a_pace_that_takes_refused_ones_and_no_invitations()
    {
        var limits = new Limits { RosterChangesPerMinute = 3 };
        await using var server = await TestServer.StartAsync(
            postgres, limits, new FakeTimeProvider(TimeProvider.System.GetUtcNow()));
        await using var alice = await server.ConnectAsync();
        await alice.SignUpAsync("alice");
        await AddUserAsync(server, "guest", Guest(0));
        await AddUserAsync(server, "another", Guest(1));
        var lobby = await alice.DoAsync("""{"action":"create_lobby","lobby_name":"den0"}""");
        var rename = $$"""
            {"action":"rename_lobby","lobby_id":"{{lobby["lobby_id"]}}","lobby_name":"den",
            "nonce":"{{Guid.NewGuid()}}"}
            """;
        await Outcomes.HoldAsync(alice,
        [
            (Invitation(0), "ok"),
            (Invitation(1), "ok"),
            (rename, "ok"),
            (rename, "ok"),
            (Invitation(0), "already_member"),
            ("""{"action":"set_rights","lobby_name":"den0","public_token":"{0}","rights":[]}"""
                .Replace("{0}", Guid.NewGuid().ToString(), StringComparison.Ordinal), "not_a_member"),
            (rename, "rate_limited"),
            (Invitation(1), "rate_limited"),
        ]);
    }

    [Fact]
    public async Task Lobbies_created_at_one_time_never_exceed_the_quota()
    {
        await using var server = await TestServer.StartAsync(postgres, new Limits { LobbiesPerUserMax = 5 });
        await using var first = await server.ConnectAsync();
        var token = await first.SignUpAsync("alice");
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 12).Select(async number =>
        {
            await using var client = await server.ConnectAsync();
            return Outcomes.Of(await client.AskAsync(
                $$"""{"action":"create_lobby","token":"{{token}}","lobby_name":"den {{number}}"}"""));
        }));
        Assert.Equal((5, 7), (outcomes.Count(outcome => outcome == "ok"), outcomes.Count(code => code == "limit")));
    }

    [Fact]
    public async Task Messages_of_one_user_count_together_whatever_the_connection_and_not_those_of_others()
    {
        var limits = new Limits { MessagesPerSecond = 2 };
        await using var server = await TestServer.StartAsync(postgres, limits, new FakeTimeProvider());
        await using var alice = await server.ConnectAsync();
        await using var second = await server.ConnectAsync();
        await using var bob = await server.ConnectAsync();
        await alice.SignUpAsync("alice");
        await second.SignInAsync("alice");
        await bob.SignUpAsync("bob");
        await alice.DoAsync("""{"action":"create_lobby","lobby_name":"den0"}""");
        await alice.DoAsync($$"""
            {"action":"invite_lobby","lobby_name":"den0","public_token":"{{await PublicTokenAsync(bob)}}"}
            """);
        (WireClient Client, string Outcome)[] table =
            [(alice, "ok"), (second, "ok"), (alice, "ok"), (second, "ok"), (alice, "rate_limited"), (bob, "ok")];
        foreach (var (client, outcome) in table)
            Assert.Equal(outcome, Outcomes.Of(await client.AskAsync(Message(0))));
    }

    [Fact]
    public async Task Bytes_of_a_lobby_are_counted_as_stored_and_its_own_quota_comes_first()
    {
        await using var server = await TestServer.StartAsync(postgres, new Limits { LobbyBytesMax = 5000 });
        await using var data = NpgsqlDataSource.Create(server.Database);
        await using var alice = await server.ConnectAsync();
        await alice.SignUpAsync("alice");
        await alice.DoAsync("""{"action":"create_lobby","lobby_name":"den0"}""");
        async Task<string> PostAsync() => Outcomes.Of(await alice.AskAsync(KilobyteMessage(0)));
        async Task<object?> ValueAsync(string sql)
        {
            await using var command = data.CreateCommand(sql);
            return await command.ExecuteScalarAsync(Cancellation);
        }

        for (var number = 0; number < 4; number++)
            Assert.Equal("ok", await PostAsync());
        Assert.Equal("limit", await PostAsync());
        Assert.Equal(4L * (1000 + LobbyKey.OverheadBytes), await ValueAsync("SELECT bytes FROM lobbies"));
        Assert.Equal(0L, await ValueAsync("SELECT sum(octet_length(body)) - min(l.bytes) FROM entries, lobbies l"));
        await ValueAsync("UPDATE lobbies SET bytes_max = 6000");
        Assert.Equal("ok", await PostAsync());
        Assert.Equal("limit", await PostAsync());
        await alice.DoAsync("""{"action":"message","lobby_name":"den0","row_data":"what is small still fits"}""");
    }

    [Fact]
    public async Task Connection_too_many_from_an_address_is_told_so_until_another_leaves()
    {
        await using var server = await TestServer.StartAsync(postgres, new Limits { ConnectionsPerAddressMax = 3 });
        List<WireClient> clients = [];
        for (var number = 0; number < 3; number++)
            clients.Add(await server.ConnectAsync());
        await using (var fourth = await server.ConnectAsync())
            Assert.Equal(CloseCode.TooManyConnections, await fourth.ClosedAsync());
        await using (var raw = await RawPeer.ConnectAsync(server.Url))
        {
            await raw.SendFrameAsync(RawPeer.Text, """{"action":"ping"}"""u8.ToArray());
            Assert.Equal(CloseCode.TooManyConnections, await raw.ClosedAsync());
        }
        await clients[0].Socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, Cancellation);
        string outcome;
        do
        {
            // The server counts a connection until it has let go of it.
            await using var next = await server.ConnectAsync();
            outcome = await PingAsync(next);
        }
        while (outcome == "turned away");
        Assert.Equal("ok", outcome);
        foreach (var client in clients)
            await client.DisposeAsync();
    }

    [Fact]
    public async Task Public_requests_from_one_address_have_a_pace_and_none_on_loopback()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var limits = new Limits { PingInterval = TimeSpan.FromDays(1) };
        var address = TestServer.AddressInANetwork();
        Assert.SkipWhen(address is null, "this machine is in no network");
        await using var server = await TestServer.StartAsync(postgres, limits, time, address);
        await using var near = await TestServer.StartAsync(postgres, limits, time);
        await using var anybody = await server.ConnectAsync();
        await using var local = await near.ConnectAsync();
        (string Request, string Outcome)[] table =
        [
            ("""{"action":"get_public_token","login":"nobody"}""", "no_such_user"),
            ("""{"action":"lobby_id","lobby_name":"nowhere"}""", "no_such_lobby"),
            ("""{"action":"kdf","login":"nobody"}""", "no_such_user"),
            ("""{"action":"register","login":"taken","password":"password of taken"}""", "login_taken login"),
        ];
        await AddUserAsync(server, "taken", Guid.NewGuid());
        await AddUserAsync(near, "taken", Guid.NewGuid());
        foreach (var (request, outcome) in table)
        {
            for (var number = 1; number <= 60; number++)
                Assert.Equal((number, outcome), (number, Outcomes.Of(await anybody.AskAsync(request))));
            var refused = await anybody.AskAsync(request);
            Assert.Equal("rate_limited", Outcomes.Of(refused));
            Assert.Equal(1000, refused["error"]!["retry_after_ms"]!.GetValue<long>());
            time.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(outcome, Outcomes.Of(await anybody.AskAsync(request)));
            Assert.Equal("rate_limited", Outcomes.Of(await anybody.AskAsync(request)));
            for (var number = 1; number <= 70; number++)
                Assert.Equal(outcome, Outcomes.Of(await local.AskAsync(request)));
        }
    }

    static string Message(int number) =>
        $$"""{"action":"message","lobby_name":"den0","row_data":{{number}}}""";

    static string KilobyteMessage(int number) =>
        $$"""{"action":"message","lobby_name":"den0","row_data":"{{new string('x', 998)}}"}""";

    static string Creation(int number) => $$"""{"action":"create_lobby","lobby_name":"new {{number}}"}""";

    static string Subscription(int number) => $$"""{"action":"subscribe","lobby_name":"den{{number}}"}""";

    static string Invitation(int number) =>
        $$"""{"action":"invite_lobby","lobby_name":"den0","public_token":"{{Guest(number)}}"}""";

    static Guid Guest(int number) => new(number, 7, 7, [0x80, 0, 0, 0, 0, 0, 0, 0]);

    static async Task AddUserAsync(TestServer server, string login, Guid publicToken) => Assert.True(
        await server.Rooms.Users.AddAsync(new Person(login, publicToken), "hash", Cancellation));

    static async Task<string> PublicTokenAsync(WireClient client) =>
        (await client.DoAsync("""{"action":"whoami"}"""))["public_token"]!.GetValue<string>();

    static async Task<string> PingAsync(WireClient client)
    {
        try
        {
            await client.SendAsync("""{"action":"ping"}""");
            return await client.FrameAsync() is null ? "turned away" : "ok";
        }
        catch (WebSocketException)
        {
            return "turned away";
        }
    }
}
