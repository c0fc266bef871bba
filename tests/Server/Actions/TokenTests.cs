using System.Text;
using Conclave.Protocol;
using Conclave.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Conclave.Tests.Server.Actions;

/// <summary>Which session signs a request, and what ends with a session.</summary>
public sealed class TokenTests(SharedServer server, PostgresCluster postgres) : IClassFixture<SharedServer>
{
    [Fact]
    public async Task Token_in_a_request_always_wins_over_the_session_of_the_connection()
    {
        await using var alice = await server.SignUpAsync();
        await using var bob = await server.SignUpAsync();
        async Task<string> WhoAsync(string token) =>
            (await alice.Client.DoAsync($$"""{"action":"whoami"{{token}}}"""))["login"]!.GetValue<string>();

        Assert.Equal(bob.Login, await WhoAsync($",\"token\":\"{bob.Token}\""));
        Assert.Equal(bob.Login, await WhoAsync($",\"token\":\"{bob.Token.ToUpperInvariant()}\""));
        Assert.Equal(alice.Login, await WhoAsync(""));
        await Outcomes.HoldAsync(alice.Client,
        [
            ("""{"action":"whoami","token":null}""", "bad_token"),
            ("""{"action":"whoami","token":""}""", "bad_token"),
            ($$"""{"action":"whoami","token":" {{alice.Token}}"}""", "bad_token"),
            ($$"""{"action":"whoami","token":"{{alice.Token[..^1]}}"}""", "bad_token"),
            ($$"""{"action":"whoami","token":["{{alice.Token}}"]}""", "bad_token"),
            ($$"""{"action":"whoami","token":"{{Guid.NewGuid()}}"}""", "bad_token"),
            ("""{"action":"whoami"}""", "ok"),
        ]);
    }

    [Fact]
    public async Task Connection_that_signed_out_hears_nothing_more_of_its_user()
    {
        await using var alice = await server.SignUpAsync();
        await using var bob = await server.SignUpAsync();
        var publicToken = (await alice.Client.DoAsync("""{"action":"whoami"}"""))["public_token"];
        await bob.Client.DoAsync($$"""{"action":"create_lobby","lobby_name":"of {{bob.Login}}"}""");
        await alice.Client.DoAsync("""{"action":"logout"}""");
        Assert.Equal("session_ended", (await alice.Client.EventAsync())["event"]!.GetValue<string>());

        await bob.Client.DoAsync(
            $$"""{"action":"invite_lobby","lobby_name":"of {{bob.Login}}","public_token":"{{publicToken}}"}""");

        for (var time = 0; time < 2; time++)
        {
            await alice.Client.SendAsync("""{"action":"ping"}""");
            var frame = Encoding.UTF8.GetString((await alice.Client.FrameAsync())!);
            Assert.Contains("\"action\":\"ping\"", frame, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Token_alone_signs_one_request_and_makes_the_connection_one_of_its_user()
    {
        await using var alice = await server.SignUpAsync();
        await using var bob = await server.SignUpAsync();
        await using var second = await server.ConnectAsync();
        await second.DoAsync($$"""{"action":"whoami","token":"{{bob.Token}}"}""");
        Assert.Equal("bad_token", await second.RefusedAsync("""{"action":"whoami"}"""));

        var lobby = await server.CreateLobbyAsync(alice);
        await alice.InviteAsync(lobby, bob, """["invite"]""");
        WireClient[] connections = [bob.Client, second];
        foreach (var connection in connections)
        {
            var hint = await connection.EventAsync();
            Assert.Equal("invited", hint["event"]!.GetValue<string>());
            Assert.Equal(lobby, hint["lobby_name"]!.GetValue<string>());
            Assert.Equal(alice.Login, hint["from"]!["login"]!.GetValue<string>());
            Assert.Equal("""["read","invite"]""", hint["rights"]!.ToJsonString());
            Assert.NotNull(hint["lobby_id"]);
        }
    }

    [Fact]
    public async Task Second_sign_in_takes_the_place_of_the_first_on_its_connection()
    {
        await using var alice = await server.SignUpAsync();
        await using var bob = await server.SignUpAsync();
        await alice.Client.SignInAsync(bob.Login);
        var whoami = await alice.Client.DoAsync("""{"action":"whoami"}""");
        Assert.Equal(bob.Login, whoami["login"]!.GetValue<string>());
        Assert.Equal("ok", Outcomes.Of(
            await alice.Client.AskAsync($$"""{"action":"whoami","token":"{{alice.Token}}"}""")));
    }

    [Fact]
    public async Task Logout_ends_the_session_and_its_subscriptions_on_every_connection_and_no_other()
    {
        await using var alice = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(alice);
        await using var second = await server.ConnectAsync();
        var own = await second.SignInAsync(alice.Login);
        var subscribe = $$"""{"action":"subscribe","lobby_name":"{{lobby}}"}""";
        await alice.Client.DoAsync(subscribe);
        // One connection, two subscribers of one session: the other connection follows under the first one's token.
        await using var third = await server.ConnectAsync();
        await third.DoAsync(subscribe.Replace("}", $",\"token\":\"{alice.Token}\"}}", StringComparison.Ordinal));
        await second.DoAsync(subscribe);

        await second.DoAsync($$"""{"action":"logout","token":"{{alice.Token}}"}""");
        await second.DoAsync($$"""{"action":"message","lobby_name":"{{lobby}}","row_data":"late"}""");
        Assert.Equal("late", (await second.EntryAsync())["row_data"]!.GetValue<string>());
        Assert.Equal("bad_token", await alice.Client.RefusedAsync("""{"action":"whoami"}"""));
        Assert.Equal("bad_token", await third.RefusedAsync(
            $$"""{"action":"whoami","token":"{{alice.Token}}"}"""));

        // A new session sees what comes now first: nothing of the old subscriptions was on its way.
        WireClient[] connections = [alice.Client, third];
        foreach (var connection in connections)
        {
            await connection.SignInAsync(alice.Login);
            await connection.DoAsync(subscribe);
        }
        await second.DoAsync($$"""{"action":"message","lobby_name":"{{lobby}}","row_data":"now"}""");
        foreach (var connection in connections)
            Assert.Equal("now", (await connection.EntryAsync())["row_data"]!.GetValue<string>());
        Assert.Equal("ok", Outcomes.Of(await second.AskAsync($$"""{"action":"whoami","token":"{{own}}"}""")));
    }

    [Fact]
    public async Task Token_lives_for_30_days_after_its_last_use()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(60));
        await using var own = await TestServer.StartAsync(postgres, Limits.Default, time);
        await using var client = await own.ConnectAsync();
        var token = await client.SignUpAsync("alice");
        var whoami = $$"""{"action":"whoami","token":"{{token}}"}""";
        async Task<string> AfterDaysAsync(double days)
        {
            time.Advance(TimeSpan.FromDays(days));
            // A connection that was silent for days is gone.
            await using var later = await own.ConnectAsync();
            return Outcomes.Of(await later.AskAsync(whoami));
        }
        Assert.Equal("ok", await AfterDaysAsync(29));
        Assert.Equal("ok", await AfterDaysAsync(29));
        Assert.Equal("bad_token", await AfterDaysAsync(30.1));
    }
}
