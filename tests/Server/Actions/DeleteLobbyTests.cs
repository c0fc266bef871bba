using Conclave.Protocol;
using Conclave.Tests.Support;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace Conclave.Tests.Server.Actions;

/// <summary>A lobby that is deleted is gone at once for everybody, and its name is taken for ever.</summary>
public sealed class DeleteLobbyTests(PostgresCluster postgres)
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Deleted_lobby_is_none_in_every_action_and_nobody_takes_its_names()
    {
        await using var server = await TestServer.StartAsync(postgres, new Limits { LobbiesPerUserMax = 2 });
        await using var alice = await server.ConnectAsync();
        await using var bob = await server.ConnectAsync();
        await alice.SignUpAsync("alice");
        await bob.SignUpAsync("bob");
        var bobs = (await bob.DoAsync("""{"action":"whoami"}"""))["public_token"]!.GetValue<string>();
        var nonce = $"\"nonce\":\"{Guid.NewGuid()}\"";
        var creation = $$"""{"action":"create_lobby","lobby_name":"den",{{nonce}}}""";
        var id = (await alice.DoAsync(creation))["lobby_id"]!.GetValue<string>();
        await alice.DoAsync($$"""{"action":"rename_lobby","lobby_id":"{{id}}","lobby_name":"lair"}""");
        await alice.DoAsync($$"""
            {"action":"invite_lobby","lobby_name":"lair","public_token":"{{bobs}}","rights":["write","invite"]}
            """);
        await alice.DoAsync("""{"action":"create_lobby","lobby_name":"nest"}""");
        await Outcomes.HoldAsync(bob,
        [
            ("""{"action":"delete_lobby"}""", "bad_request lobby_name"),
            ("""{"action":"delete_lobby","lobby_name":"lair","token":"x"}""", "bad_token"),
            ("""{"action":"delete_lobby","lobby_name":"nowhere"}""", "no_such_lobby"),
            ("""{"action":"delete_lobby","lobby_name":"nest"}""", "forbidden"),
            ("""{"action":"delete_lobby","lobby_name":"lair"}""", "forbidden"),
        ]);
        await Outcomes.HoldAsync(alice,
        [
            ("""{"action":"create_lobby","lobby_name":"third"}""", "limit"),
            ("""{"action":"delete_lobby","lobby_name":"den"}""", "ok"),
        ]);
        string[] names = ["\"lobby_name\":\"den\"", "\"lobby_name\":\"lair\"", $"\"lobby_id\":\"{id}\""];
        foreach (var client in (WireClient[])[alice, bob])
        {
            foreach (var lobby in names)
                await Outcomes.HoldAsync(client, Everything(lobby, bobs).Select(request => (request, "no_such_lobby")));
        }
        await Outcomes.HoldAsync(alice,
        [
            (creation, "lobby_name_taken"),
            ("""{"action":"create_lobby","lobby_name":"LAIR"}""", "lobby_name_taken"),
            ("""{"action":"create_lobby","lobby_name":"third"}""", "ok"),
            ("""{"action":"create_lobby","lobby_name":"fourth"}""", "limit"),
            ($$"""{"action":"rename_lobby","lobby_id":"{{id}}","lobby_name":"back"}""", "no_such_lobby"),
        ]);
        var own = await bob.DoAsync("""{"action":"my_lobbies"}""");
        Assert.Empty(own["lobbies"]!.AsArray());
    }

    [Fact]
    public async Task Subscriptions_end_with_their_lobby_also_those_far_behind()
    {
        const int Count = 400;
        await using var server = await TestServer.StartAsync(
            postgres, TestServer.Unhurried with { TailBytesBudget = 64 << 10 });
        await using var alice = await server.ConnectAsync();
        await using var live = await server.ConnectAsync();
        await using var slow = await server.ConnectAsync();
        await alice.SignUpAsync("alice");
        await live.SignInAsync("alice");
        await slow.SignInAsync("alice");
        await alice.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
        await slow.DoAsync("""{"action":"subscribe","lobby_name":"den"}""");
        var row = new string('x', 32 << 10);
        for (var number = 0; number < Count; number++)
            await alice.DoAsync($$"""{"action":"message","lobby_name":"den","row_data":"{{row}}"}""");
        await live.DoAsync("""{"action":"subscribe","lobby_name":"den"}""");
        await alice.DoAsync("""{"action":"delete_lobby","lobby_name":"den"}""");

        var hint = await live.EventAsync();
        Assert.Equal("lobby_deleted den", $"{hint["event"]} {hint["lobby_name"]}");
        var seen = 1L;
        while ((await slow.EventAsync()) is var next && next["event"]!.GetValue<string>() == "message")
            Assert.Equal(++seen, next["seq"]!.GetValue<long>());
        // Cut short: sockets held the rest of what it had before.
        Assert.InRange(seen, 1, Count);
        foreach (var client in (WireClient[])[live, slow])
        {
            await client.SendAsync("""{"action":"ping"}""");
            Assert.Contains("\"ping\"", System.Text.Encoding.UTF8.GetString((await client.FrameAsync())!),
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Posts_in_flight_are_in_the_log_before_the_end_or_find_no_lobby()
    {
        await using var server = await TestServer.StartAsync(postgres, TestServer.Unhurried);
        await using var alice = await server.ConnectAsync();
        await using var other = await server.ConnectAsync();
        await alice.SignUpAsync("alice");
        await other.SignInAsync("alice");
        for (var round = 0; round < 10; round++)
        {
            await alice.DoAsync($$"""{"action":"create_lobby","lobby_name":"den {{round}}"}""");
            var posting = Task.Run(async () =>
            {
                List<string> outcomes = [];
                while (outcomes.Count == 0 || outcomes[^1] == "ok")
                {
                    outcomes.Add(Outcomes.Of(await other.AskAsync(
                        $$"""{"action":"message","lobby_name":"den {{round}}","row_data":1}""")));
                }
                return outcomes;
            }, Cancellation);
            await alice.DoAsync($$"""{"action":"delete_lobby","lobby_name":"den {{round}}"}""");
            Assert.Equal(ErrorCode.NoSuchLobby, (await posting.WaitAsync(Patience, Cancellation))[^1]);
        }
    }

    [Fact]
    public async Task Lobby_that_is_deleted_leaves_no_time_for_another()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var server = await TestServer.StartAsync(postgres, new Limits { LobbiesPerHour = 2 }, time);
        await using var alice = await server.ConnectAsync();
        await alice.SignUpAsync("alice");
        var again = $$"""{"action":"create_lobby","lobby_name":"den 1","nonce":"{{Guid.NewGuid()}}"}""";
        await Outcomes.HoldAsync(alice,
        [
            ("""{"action":"create_lobby","lobby_name":"den 0"}""", "ok"),
            ("""{"action":"delete_lobby","lobby_name":"den 0"}""", "ok"),
            // What comes to nothing takes none of it.
            ("""{"action":"create_lobby","lobby_name":"den 0"}""", "lobby_name_taken"),
            (again, "ok"),
            (again, "ok"),
            ("""{"action":"create_lobby","lobby_name":"den 2"}""", "rate_limited"),
            (again, "ok"),
        ]);
    }

    [Fact]
    public async Task Deleted_lobbies_are_cleaned_one_in_a_step_and_take_none_while_there_is_nothing_to_do()
    {
        // A server whose clock stands still cleans when it is told to.
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var server = await TestServer.StartAsync(postgres, TestServer.Unhurried, time);
        await using var database = NpgsqlDataSource.Create(server.Database);
        await using var alice = await server.ConnectAsync();
        await alice.SignUpAsync("alice");
        async Task DeleteAsync(string name, int count, TimeSpan ago)
        {
            for (var number = 0; number < count; number++)
                await alice.DoAsync($$"""{"action":"create_lobby","lobby_name":"{{name}} {{number}}"}""");
            await using var command = database.CreateCommand(
                "UPDATE lobbies SET wrapped_key = NULL, deleted_at = now() - $1::interval WHERE deleted_at IS NULL");
            command.Parameters.Add(new() { Value = ago });
            await command.ExecuteNonQueryAsync(Cancellation);
        }

        async Task<(object?, object?)> CleanAsync()
        {
            await server.Rooms.Erasures.CleanAsync(Cancellation);
            return (await RunAsync(database, "SELECT count(*) FROM lobbies WHERE cleaned_at IS NOT NULL"),
                await RunAsync(database, "SELECT count(*) FROM entries"));
        }

        await DeleteAsync("young and empty", 110, TimeSpan.FromSeconds(30));
        await RunAsync(database, "DELETE FROM entries");
        await RunAsync(database, "DELETE FROM members");
        await DeleteAsync("young", 1, TimeSpan.FromSeconds(5));
        Assert.Equal((0L, 0L), await CleanAsync());
        await DeleteAsync("old", 101, TimeSpan.FromHours(1));
        Assert.Equal((100L, 1L), await CleanAsync());
        Assert.Equal((101L, 0L), await CleanAsync());
    }

    [Fact]
    public async Task Key_goes_at_once_and_the_rows_in_steps_that_a_restart_goes_on_with()
    {
        // A server whose clock stands still deletes and cleans nothing.
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var server = await TestServer.StartAsync(postgres, TestServer.Unhurried, time);
        await using var database = NpgsqlDataSource.Create(server.Database);
        await using (var alice = await server.ConnectAsync())
        {
            await alice.SignUpAsync("alice");
            await alice.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
            for (var number = 0; number < 1100; number++)
                await alice.SendAsync("""{"action":"message","lobby_name":"den","row_data":1}""");
            for (var number = 0; number < 1100; number++)
                await alice.ReplyAsync();
            await alice.DoAsync("""{"action":"delete_lobby","lobby_name":"den"}""");
        }
        Assert.Equal(true, await RunAsync(database, "SELECT wrapped_key IS NULL AND bytes = 0 FROM lobbies"));
        Assert.Equal(1101L, await RunAsync(database, "SELECT count(*) FROM entries"));

        await using var restarted = await server.RestartAsync();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        using var deadline = new CancellationTokenSource(Patience);
        const string Rows = "SELECT (SELECT count(*) FROM entries) + (SELECT count(*) FROM members)";
        while (await RunAsync(database, Rows) is > 0L)
            await timer.WaitForNextTickAsync(deadline.Token);
        await RunAsync(database, "UPDATE lobbies SET deleted_at = deleted_at - interval '1 hour'");
        while (await RunAsync(database, "SELECT cleaned_at IS NULL FROM lobbies") is true)
            await timer.WaitForNextTickAsync(deadline.Token);
        await using var client = await restarted.ConnectAsync();
        await client.SignInAsync("alice");
        Assert.Equal(
            ErrorCode.LobbyNameTaken, await client.RefusedAsync("""{"action":"create_lobby","lobby_name":"Den"}"""));
    }

    static IEnumerable<string> Everything(string lobby, string publicToken) =>
    [
        $$"""{"action":"delete_lobby",{{lobby}}}""",
        $$"""{"action":"message",{{lobby}},"row_data":1}""",
        $$"""{"action":"subscribe",{{lobby}}}""",
        $$"""{"action":"subscribe",{{lobby}},"after":0}""",
        $$"""{"action":"unsubscribe",{{lobby}}}""",
        $$"""{"action":"history",{{lobby}}}""",
        $$"""{"action":"members",{{lobby}}}""",
        $$"""{"action":"lobby_id",{{lobby}}}""",
        $$"""{"action":"delete_message",{{lobby}},"seq":1}""",
        $$"""{"action":"invite_lobby",{{lobby}},"public_token":"{{publicToken}}"}""",
        $$"""{"action":"set_rights",{{lobby}},"public_token":"{{publicToken}}","rights":[]}""",
        $$"""{"action":"remove_member",{{lobby}},"public_token":"{{publicToken}}"}""",
    ];

    static async Task<object?> RunAsync(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Cancellation);
    }
}
