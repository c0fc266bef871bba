using System.Text.Json.Nodes;
using Conclave.Protocol;
using Conclave.Tests.Support;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace Conclave.Tests.Server.Actions;

/// <summary><c>sessions</c>, <c>revoke_session</c>, <c>change_password</c>, and what one sees of an end.</summary>
public sealed class SessionActionTests(SharedServer server, PostgresCluster postgres) : IClassFixture<SharedServer>
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Sessions_are_listed_with_the_asking_one_first_and_end_one_by_one_or_all_others()
    {
        await using var alice = await server.SignUpAsync();
        await using var second = await server.ConnectAsync();
        await using var third = await server.ConnectAsync();
        await using var stranger = await server.SignUpAsync();
        await second.SignInAsync(alice.Login);
        await third.SignInAsync(alice.Login);

        var listed = await SessionsAsync(alice.Client);
        Assert.Equal(3, listed.Count);
        Assert.Equal([true, false, false], listed.Select(session => session["current"]!.GetValue<bool>()));
        Assert.All(listed, session => Assert.Equal("127.0.0.1", session["address"]!.GetValue<string>()));
        Assert.All(listed, session => Assert.Matches(@"Z$", session["created_at"]!.GetValue<string>()));
        Assert.All(listed, session => Assert.Equal(
            TimeSpan.FromDays(30),
            session["expires_at"]!.GetValue<DateTimeOffset>() - session["last_used_at"]!.GetValue<DateTimeOffset>()));
        Assert.DoesNotContain(alice.Token, listed[0].ToJsonString(), StringComparison.Ordinal);

        var ofThird = listed[1]["session_id"]!.GetValue<string>();
        Assert.Equal(0, await RevokeAsync(stranger.Client, ofThird));
        Assert.Equal(0, await RevokeAsync(alice.Client, Guid.NewGuid().ToString()));
        Assert.Equal(1, await RevokeAsync(alice.Client, ofThird));
        Assert.Equal(0, await RevokeAsync(alice.Client, ofThird));
        Assert.Equal("bad_token", await third.RefusedAsync("""{"action":"whoami"}"""));
        Assert.Equal(2, (await SessionsAsync(second)).Count);
        Assert.Equal(1, await RevokeAsync(second, "all_others"));
        Assert.Equal("bad_token", await alice.Client.RefusedAsync("""{"action":"whoami"}"""));
        var own = Assert.Single(await SessionsAsync(second))["session_id"]!.GetValue<string>();
        Assert.Equal(1, await RevokeAsync(second, own));
        Assert.Equal("bad_token", await second.RefusedAsync("""{"action":"whoami"}"""));
    }

    [Fact]
    public async Task End_of_a_session_reaches_its_users_connections_with_the_reason()
    {
        await using var alice = await server.SignUpAsync();
        var (login, first) = (alice.Login, alice.Client);
        await using var second = await server.ConnectAsync();
        var newPassword = "another password of " + login;
        (string Request, string Reason)[] table =
        [
            ("""{"action":"logout"}""", SessionEnd.Logout),
            ("""{"action":"revoke_session","session_id":"all_others"}""", SessionEnd.Revoked),
            ($$"""
            {"action":"change_password","old_password":"password of {{login}}","new_password":"{{newPassword}}"}
            """, SessionEnd.PasswordChanged),
        ];
        foreach (var (request, reason) in table)
        {
            await second.SignInAsync(login);
            var ids = (await SessionsAsync(second)).Select(session => session["session_id"]!.GetValue<string>());
            // Of the others it is the first connection's session that ends.
            var ending = reason == SessionEnd.Logout ? ids.First() : ids.Last();
            await second.DoAsync(request);
            WireClient[] connections = [first, second];
            foreach (var connection in connections)
            {
                var hint = await connection.EventAsync();
                Assert.Equal("session_ended", hint["event"]!.GetValue<string>());
                Assert.Equal((ending, reason), (hint["session_id"]!.GetValue<string>(), Text(hint["reason"])));
            }
            if (reason == SessionEnd.Revoked)
                await first.SignInAsync(login);
            if (reason == SessionEnd.Revoked)
                await second.DoAsync("""{"action":"logout"}""");
            if (reason == SessionEnd.Revoked)
                await Task.WhenAll(first.EventAsync(), second.EventAsync());
        }
        Assert.Equal("bad_token", await first.RefusedAsync("""{"action":"whoami"}"""));
        Assert.Equal("ok", Outcomes.Of(await second.AskAsync("""{"action":"whoami"}""")));
    }

    [Fact]
    public async Task Password_is_changed_by_whoever_knows_the_old_one()
    {
        await using var alice = await server.SignUpAsync();
        var login = alice.Login;
        string Change(string old, string @new) =>
            $$"""{"action":"change_password","old_password":"{{old}}","new_password":"{{@new}}"}""";
        string Auth(string password) => $$"""{"action":"auth","login":"{{login}}","password":"{{password}}"}""";
        var (old, @new) = ("password of " + login, "a better one");
        await Outcomes.HoldAsync(alice.Client,
        [
            ("""{"action":"change_password","new_password":"a better one"}""", "bad_request old_password"),
            ($$"""{"action":"change_password","old_password":"{{old}}"}""", "bad_request new_password"),
            (Change(old, "short"), "bad_request new_password"),
            (Change(old, new string('x', 1025)), "too_large new_password"),
            (Change("wrong", @new), "bad_credentials"),
            (Change(old, @new), "ok"),
            (Change(old, @new), "bad_credentials"),
            (Auth(old), "bad_credentials"),
            (Auth(@new), "ok"),
        ]);
        await using var stranger = await server.ConnectAsync();
        Assert.Equal("bad_token", await stranger.RefusedAsync(Change(@new, old)));
    }

    [Fact]
    public async Task Guessing_the_password_with_a_stolen_token_is_slowed_down_like_guessing_at_the_door()
    {
        await using var alice = await server.SignUpAsync();
        var guess = """{"action":"change_password","old_password":"guess","new_password":"a better one"}""";
        for (var free = 0; free < 5; free++)
            Assert.Equal("bad_credentials", await alice.Client.RefusedAsync(guess));
        Assert.Equal("rate_limited", await alice.Client.RefusedAsync(guess));
        Assert.Equal("rate_limited", await alice.Client.RefusedAsync(
            $$"""{"action":"auth","login":"{{alice.Login}}","password":"password of {{alice.Login}}"}"""));
    }

    [Fact]
    public async Task Form_of_revoke_session_is_checked()
    {
        await using var alice = await server.SignUpAsync();
        await Outcomes.HoldAsync(alice.Client,
        [
            ("""{"action":"revoke_session"}""", "bad_request session_id"),
            ("""{"action":"revoke_session","session_id":1}""", "bad_request session_id"),
            ("""{"action":"revoke_session","session_id":null}""", "bad_request session_id"),
            ("""{"action":"revoke_session","session_id":"all"}""", "bad_request session_id"),
            ("""{"action":"revoke_session","session_id":"ALL_OTHERS"}""", "bad_request session_id"),
            ("""{"action":"revoke_session","session_id":"all_others"}""", "ok"),
        ]);
        await using var nobody = await server.ConnectAsync();
        await Outcomes.HoldAsync(nobody,
        [
            ("""{"action":"revoke_session","session_id":"all_others"}""", "bad_token"),
            ("""{"action":"sessions"}""", "bad_token"),
        ]);
    }

    [Fact]
    public async Task Subscription_ends_within_a_second_of_its_session_however_that_ends()
    {
        await using var own = await TestServer.StartAsync(postgres);
        await using var twin = await own.StartTwinAsync();
        await using var data = NpgsqlDataSource.Create(own.Database);
        await using var writer = await own.ConnectAsync();
        await writer.SignUpAsync("alice");
        await writer.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
        (string Reason, Func<Guid, Task> End)[] table =
        [
            (SessionEnd.Revoked, id => RunAsync(data, "DELETE FROM sessions WHERE session_id = $1", id)),
            (SessionEnd.Expired, id => RunAsync(
                data, "UPDATE sessions SET expires_at = now() WHERE session_id = $1", id)),
            (SessionEnd.Revoked, async id =>
            {
                await using var elsewhere = await twin.ConnectAsync();
                await elsewhere.SignInAsync("alice");
                Assert.Equal(1, await RevokeAsync(elsewhere, id.ToString()));
            }),
        ];
        foreach (var (reason, end) in table)
        {
            await using var reader = await own.ConnectAsync();
            await reader.SignInAsync("alice");
            await reader.DoAsync("""{"action":"subscribe","lobby_name":"den"}""");
            var id = (await SessionsAsync(reader))[0]["session_id"]!.GetValue<Guid>();
            var before = TimeProvider.System.GetTimestamp();
            await end(id);
            var hint = await reader.EventAsync();
            Assert.Equal((id, reason), (hint["session_id"]!.GetValue<Guid>(), Text(hint["reason"])));
            // With time for a machine that has other things to do.
            Assert.InRange(TimeProvider.System.GetElapsedTime(before), TimeSpan.Zero, TimeSpan.FromSeconds(5));
            await writer.DoAsync("""{"action":"message","lobby_name":"den","row_data":"not for that session"}""");
            Assert.Equal("bad_token", await reader.RefusedAsync("""{"action":"whoami"}"""));
            await reader.SignInAsync("alice");
            await reader.DoAsync("""{"action":"subscribe","lobby_name":"den"}""");
            await writer.DoAsync("""{"action":"message","lobby_name":"den","row_data":"seen"}""");
            Assert.Equal("seen", Text((await reader.EventAsync())["row_data"]));
        }
    }

    [Fact]
    public async Task User_who_is_disabled_in_the_database_is_out_everywhere_and_looks_like_no_user()
    {
        await using var own = await TestServer.StartAsync(postgres);
        await using var data = NpgsqlDataSource.Create(own.Database);
        await using var alice = await own.ConnectAsync();
        var token = await alice.SignUpAsync("alice");
        await RunAsync(data, "UPDATE users SET disabled_at = now()");
        Assert.Equal(SessionEnd.Disabled, Text((await alice.EventAsync())["reason"]));
        await Outcomes.HoldAsync(alice,
        [
            ("""{"action":"whoami"}""", "bad_token"),
            ($$"""{"action":"whoami","token":"{{token}}"}""", "bad_token"),
            ("""{"action":"auth","login":"alice","password":"password of alice"}""", "bad_credentials"),
        ]);
        await RunAsync(data, "UPDATE users SET disabled_at = NULL");
        await Outcomes.HoldAsync(alice,
        [
            ($$"""{"action":"whoami","token":"{{token}}"}""", "bad_token"),
            ("""{"action":"auth","login":"alice","password":"password of alice"}""", "ok"),
        ]);
    }

    [Fact]
    public async Task Session_that_nobody_uses_expires_and_says_so_and_one_with_a_subscription_lives()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var limits = new Limits { SessionLifetime = TimeSpan.FromSeconds(20), PingInterval = TimeSpan.FromHours(1) };
        await using var own = await TestServer.StartAsync(postgres, limits, time);
        await using var idle = await own.ConnectAsync();
        await using var reader = await own.ConnectAsync();
        await idle.SignUpAsync("alice");
        await reader.SignInAsync("alice");
        await reader.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
        await reader.DoAsync("""{"action":"subscribe","lobby_name":"den"}""");
        await using var data = NpgsqlDataSource.Create(own.Database);
        await using var noted = data.CreateCommand("SELECT count(*) FROM sessions WHERE last_used_at > $1");
        noted.Parameters.Add(new NpgsqlParameter { Value = time.GetUtcNow() });

        time.Advance(TimeSpan.FromSeconds(11));
        while (await noted.ExecuteScalarAsync(Cancellation) is 0L)
        {
            // The server's loop is about to note that the subscription is a use of its session.
        }
        time.Advance(TimeSpan.FromSeconds(9.5));
        var hint = idle.EventAsync();
        Assert.Equal(SessionEnd.Expired, Text((await hint)["reason"]));
        Assert.Equal("bad_token", await idle.RefusedAsync("""{"action":"whoami"}"""));
        Assert.Equal("ok", Outcomes.Of(await reader.AskAsync("""{"action":"whoami"}""")));
    }

    [Fact]
    public async Task Sign_in_beyond_the_quota_is_refused_while_all_sessions_are_in_use()
    {
        await using var alice = await server.SignUpAsync();
        var auth = $$"""{"action":"auth","login":"{{alice.Login}}","password":"password of {{alice.Login}}"}""";
        for (var session = 2; session <= Limits.Default.SessionsPerUserMax; session++)
            await alice.Client.DoAsync(auth);
        Assert.Equal("limit", await alice.Client.RefusedAsync(auth));
        Assert.Equal(49, await RevokeAsync(alice.Client, "all_others"));
        await alice.Client.DoAsync(auth);
    }

    static async Task<List<JsonNode>> SessionsAsync(WireClient client) =>
        [.. (await client.DoAsync("""{"action":"sessions"}"""))["sessions"]!.AsArray().Select(session => session!)];

    static async Task<int> RevokeAsync(WireClient client, string which) =>
        (await client.DoAsync($$"""{"action":"revoke_session","session_id":"{{which}}"}"""))["revoked"]!
            .GetValue<int>();

    static async Task RunAsync(NpgsqlDataSource data, string sql, params object[] parameters)
    {
        await using var command = data.CreateCommand(sql);
        foreach (var parameter in parameters)
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    static string Text(JsonNode? node) => node!.GetValue<string>();
}
