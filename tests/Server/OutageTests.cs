using Conclave.Protocol;
using Conclave.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Conclave.Tests.Server;

/// <summary>The database goes away and comes back; clients keep their connections and are told the truth.</summary>
public sealed class OutageTests(PostgresCluster postgres)
{
    // Each of them asks the database for something.
    static readonly string[] Reads =
    [
        """{"action":"history","lobby_name":"den"}""",
        """{"action":"members","lobby_name":"den"}""",
        """{"action":"my_lobbies"}""",
        """{"action":"sessions"}""",
        """{"action":"lobby_id","lobby_name":"den"}""",
        """{"action":"get_public_token","login":"alice"}""",
        """{"action":"subscribe","lobby_name":"den","after":0}""",
        """{"action":"lobby_id","lobby_name":"den that nobody has asked for yet"}""",
    ];

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_only_reads_waits_for_a_database_that_is_away_for_a_moment()
    {
        await using var line = await OpenLineAsync();
        await using var server = await TestServer.StartBesideAsync(line.ConnectionString);
        await using var readers = await Crowd.ConnectAsync(server, Reads.Length);

        line.Cut();
        var asking = readers.AskAsync(Reads);
        // All of them have found nobody, most of them several times.
        while (line.Refused < 4 * Reads.Length)
        {
            Cancellation.ThrowIfCancellationRequested();
            await Task.Yield();
        }
        line.Mend();

        var expected = Reads.Select(_ => "ok").SkipLast(1).Append("no_such_lobby");
        Assert.Equal(expected, (await asking).Select(Outcomes.Of));
    }

    [Fact]
    public async Task Sealed_posts_and_sign_ins_wait_for_a_database_that_is_away_for_a_moment()
    {
        await using var line = await OpenLineAsync();
        await using var server = await TestServer.StartBesideAsync(line.ConnectionString);
        await using var alice = await SealingUser.SignUpAsync(server, "alice");
        await using var stranger = await server.ConnectAsync();
        using var den = await SealedDen.CreateAsync(alice, "den");
        server.Rooms.SealedLobbies.Forget(den.LobbyId);

        line.Cut();
        var posting = den.PostAsync(alice, "goes in");
        var asking = stranger.DoAsync("""{"action":"kdf","login":"alice"}""");
        while (line.Refused < 8)
        {
            Cancellation.ThrowIfCancellationRequested();
            await Task.Yield();
        }
        line.Mend();

        Assert.Equal(2, (await posting)["seq"]!.GetValue<int>());
        await asking;
    }

    [Fact]
    public async Task What_finds_the_database_away_for_long_is_busy_and_told_when_to_come_back()
    {
        await using var line = await OpenLineAsync();
        await using var server = await TestServer.StartBesideAsync(
            line.ConnectionString, Limits.Default with { DatabaseWaitMax = TimeSpan.FromMilliseconds(300) });
        string[] requests =
        [
            .. Reads,
            """{"action":"auth","login":"alice","password":"password of alice"}""",
            """{"action":"register","login":"bob","password":"password of bob"}""",
            """{"action":"create_lobby","lobby_name":"another den"}""",
        ];
        await using var readers = await Crowd.ConnectAsync(server, requests.Length);

        line.Cut();
        foreach (var reply in await readers.AskAsync(requests))
        {
            Assert.Equal("busy", Outcomes.Of(reply));
            Assert.Equal(1000, reply["error"]!["retry_after_ms"]!.GetValue<long>());
        }
        using var post = new PostClient(server.Url);
        Assert.Equal("503 busy", await post.OutcomeAsync("""{"action":"lobby_id","lobby_name":"nowhere"}"""));
        line.Mend();

        Assert.All(await readers.UntilAnsweredAsync(requests), reply => Assert.Null(reply["error"]?["retry_after_ms"]));
    }

    [Fact]
    public async Task Posts_and_reads_wait_five_seconds()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var line = await OpenLineAsync();
        await using var server = await TestServer.StartBesideAsync(
            line.ConnectionString, Limits.Default with { PingInterval = TimeSpan.FromDays(1) }, time);
        await using var readers = await Crowd.ConnectAsync(server, 2);
        await using var other = await server.ConnectAsync();
        var began = time.GetUtcNow();

        line.Cut();
        var asking = readers.AskAsync(
            """{"action":"history","lobby_name":"den"}""",
            """{"action":"message","lobby_name":"den","row_data":"will it be stored?"}""");
        while (!asking.IsCompleted)
        {
            Assert.InRange((time.GetUtcNow() - began).TotalSeconds, 0, 60);
            time.Advance(TimeSpan.FromMilliseconds(100));
            await other.DoAsync("""{"action":"ping"}""");
        }

        Assert.InRange((time.GetUtcNow() - began).TotalSeconds, 5, 60);
        var replies = await asking;
        Assert.Equal("busy", Outcomes.Of(replies[0]));
        // The post went out on a connection that seemed to be there.
        Assert.True(Outcomes.Of(replies[1]) is "busy" or "unknown_outcome", replies[1].ToJsonString());
        Assert.Equal(1000, replies[1]["error"]!["retry_after_ms"]!.GetValue<long>());
    }

    [Fact]
    public async Task Health_says_how_it_is()
    {
        await using var line = await OpenLineAsync();
        await using var server = await TestServer.StartBesideAsync(line.ConnectionString);
        using var http = new HttpClient { BaseAddress = server.Url };
        async Task<string> HealthAsync()
        {
            using var lives = await http.GetAsync("/healthz", Cancellation);
            using var isReady = await http.GetAsync("/readyz", Cancellation);
            return $"{(int)lives.StatusCode} {(int)isReady.StatusCode}";
        }

        for (var time = 0; time < 3; time++)
        {
            Assert.Equal("200 200", await HealthAsync());
            line.Cut();
            Assert.Equal("200 503", await HealthAsync());
            line.Mend();
            // A connection that was cut may be found so only now.
            while (await HealthAsync() == "200 503")
                Cancellation.ThrowIfCancellationRequested();
        }
    }

    async Task<PostgresLine> OpenLineAsync() => new(await TestServer.CreateDatabaseAsync(postgres));

    /// <summary>So many connections of alice, who has a lobby.</summary>
    sealed class Crowd(WireClient[] clients) : IAsyncDisposable
    {
        public static async Task<Crowd> ConnectAsync(TestServer server, int count)
        {
            await using var owner = await server.ConnectAsync();
            var token = await owner.SignUpAsync("alice");
            await owner.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
            await owner.DoAsync("""{"action":"message","lobby_name":"den","row_data":1}""");
            var clients = new WireClient[count];
            for (var index = 0; index < count; index++)
            {
                clients[index] = await server.ConnectAsync();
                await clients[index].SignInAsync("alice");
            }
            return new Crowd(clients);
        }

        /// <summary>Each asks one thing, at the same time.</summary>
        public Task<System.Text.Json.Nodes.JsonObject[]> AskAsync(params string[] requests) =>
            Task.WhenAll(requests.Select((request, index) => clients[index].AskAsync(request)));

        /// <summary>Each asks until it is not told to come back later.</summary>
        public Task<System.Text.Json.Nodes.JsonObject[]> UntilAnsweredAsync(params string[] requests) =>
            Task.WhenAll(requests.Select(async (request, index) =>
            {
                while (true)
                {
                    var reply = await clients[index].AskAsync(request);
                    if (Outcomes.Of(reply) != "busy")
                        return reply;
                    Cancellation.ThrowIfCancellationRequested();
                }
            }));

        public async ValueTask DisposeAsync()
        {
            foreach (var client in clients)
                await client.DisposeAsync();
        }
    }
}
