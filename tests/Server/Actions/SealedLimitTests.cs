using Conclave.Protocol;
using Conclave.Roster;
using Conclave.Sealing;
using Conclave.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Conclave.Tests.Server.Actions;

/// <summary>What a sealed lobby takes in a time.</summary>
public sealed class SealedLimitTests(PostgresCluster postgres)
{
    [Fact]
    public async Task Rows_of_a_lobby_have_a_pace_that_outsiders_and_repetitions_do_not_use_up()
    {
        var time = new FakeTimeProvider();
        await using var server = await TestServer.StartAsync(postgres, Unhurried(rows: 4), time);
        await using var alice = await SealingUser.SignUpAsync(server, "alice");
        await using var eve = await SealingUser.SignUpAsync(server, "eve");
        using var den = await SealedDen.CreateAsync(alice, "den");
        var id = SealedMessage.NewId();
        var request = den.Message(den.Seal(alice, "first", id), id);
        for (var number = 0; number < 10; number++)
        {
            await alice.Client.DoAsync(request);
            Assert.Equal("forbidden", await eve.Client.RefusedAsync(request));
        }
        den.Take((await alice.Client.DoAsync(
            $$"""{"action":"history",{{den.Where}},"limit":1}"""))["events"]!.AsArray()[0]!.AsObject());
        for (var number = 0; number < 3; number++)
            await den.PostAsync(alice, "more");
        var last = SealedMessage.NewId();
        var tooMuch = den.Message(den.Seal(alice, "too much", last), last);
        var refused = await alice.Client.AskAsync(tooMuch);
        Assert.Equal("rate_limited", Outcomes.Of(refused));
        Assert.Equal(250, refused["error"]!["retry_after_ms"]!.GetValue<long>());
        time.Advance(TimeSpan.FromMilliseconds(250));
        await alice.Client.DoAsync(tooMuch);
    }

    [Fact]
    public async Task Member_hands_over_to_a_new_identity_once_a_day_also_after_a_restart()
    {
        var server = await TestServer.StartAsync(postgres);
        try
        {
            await using var alice = await SealingUser.SignUpAsync(server, "alice");
            using var den = await SealedDen.CreateAsync(alice, "den");
            foreach (var isFirst in (bool[])[true, false])
            {
                var next = Identity.Create(alice.Login);
                await alice.Client.DoAsync(
                    $$"""
                    {"action":"reset_identity","password":"{{alice.Password}}","vault":"{{SealingUser.Vault()}}",
                    "identity":{"record":"{{Base64Text.Encode(next.Record.Bytes)}}"} }
                    """);
                var wrap = Base64Text.Encode(den.Key.WrapFor(den.LobbyId, next.Record).Wrap.Span);
                var request = den.Succession(alice, next, $$"""[{"generation":1,"wrap":"{{wrap}}"}]""");
                if (isFirst)
                {
                    await den.ChangeAsync(alice, request);
                    alice.Identity.Dispose();
                    alice.Identity = next;
                    var keys = await alice.Client.DoAsync($$"""{"action":"my_keys",{{den.Where}}}""");
                    Assert.Equal(wrap, Assert.Single(keys["key_wraps"]!.AsArray())!["wrap"]!.GetValue<string>());
                    continue;
                }
                Assert.Equal("rate_limited", await alice.Client.RefusedAsync(request));
                server = await server.RestartAsync();
                await alice.ReconnectAsync(server);
                Assert.Equal("rate_limited", await alice.Client.RefusedAsync(request));
                next.Dispose();
            }
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    [Fact]
    public async Task Keys_that_a_succession_brings_are_well_formed_and_of_different_generations()
    {
        await using var server = await TestServer.StartAsync(postgres);
        await using var alice = await SealingUser.SignUpAsync(server, "alice");
        using var den = await SealedDen.CreateAsync(alice, "den");
        using var next = Identity.Create(alice.Login);
        await alice.Client.DoAsync(
            $$"""
            {"action":"reset_identity","password":"{{alice.Password}}","vault":"{{SealingUser.Vault()}}",
            "identity":{"record":"{{Base64Text.Encode(next.Record.Bytes)}}"} }
            """);
        var wrap = Base64Text.Encode(den.Key.WrapFor(den.LobbyId, next.Record).Wrap.Span);
        string Wraps(params int[] generations) => "[" + string.Join(',', generations.Select(
            generation => $$"""{"generation":{{generation}},"wrap":"{{wrap}}"}""")) + "]";
        await Outcomes.HoldAsync(alice.Client,
        [
            (den.Succession(alice, next, "5"), "bad_request key_wraps"),
            (den.Succession(alice, next, "[null]"), "bad_wraps key_wraps"),
            (den.Succession(alice, next, Wraps(0)), "bad_wraps key_wraps"),
            (den.Succession(alice, next, Wraps(2)), "bad_wraps"),
            (den.Succession(alice, next, Wraps(1, 1)), "bad_wraps"),
            (den.Succession(alice, next, """[{"generation":1,"wrap":"AAAA"}]"""), "bad_wraps"),
            (den.Succession(alice, next, Wraps(1)), "ok"),
        ]);
    }

    [Fact]
    public async Task Changes_of_rosters_by_one_user_have_a_pace()
    {
        await using var server = await TestServer.StartAsync(
            postgres, Limits.Default with { RosterChangesPerMinute = 2 });
        await using var alice = await SealingUser.SignUpAsync(server, "alice");
        using var den = await SealedDen.CreateAsync(alice, "den");
        var rotation = den.Rotation(alice);
        await den.ChangeAsync(alice, rotation);
        await alice.Client.DoAsync(rotation);
        // What the writer had to refuse counts.
        Assert.Equal("last_admin", await alice.Client.RefusedAsync(den.Removal(alice, alice)));
        Assert.Equal("rate_limited", await alice.Client.RefusedAsync(den.Rotation(alice)));
    }

    [Fact]
    public async Task Strangers_put_no_changes_in_front_of_what_members_post()
    {
        await using var server = await TestServer.StartAsync(postgres);
        await using var alice = await SealingUser.SignUpAsync(server, "alice");
        await using var eve = await SealingUser.SignUpAsync(server, "eve");
        using var den = await SealedDen.CreateAsync(alice, "den");
        await alice.Client.DoAsync("""{"action":"create_lobby","lobby_name":"plain"}""");
        const string Plain = "\"lobby_name\":\"plain\"";
        var commits = server.Rooms.Writer.Commits + server.Rooms.SealedWriter.Commits;
        await Outcomes.HoldAsync(eve.Client,
        [
            (den.Rotation(alice), "forbidden"),
            (den.Invitation(alice, eve), "forbidden"),
            ($$"""{"action":"set_rights",{{Plain}},"public_token":"{{alice.Token}}","rights":[]}""", "forbidden"),
            ($$"""{"action":"remove_member",{{Plain}},"public_token":"{{alice.Token}}"}""", "forbidden"),
            ($$"""{"action":"invite_lobby",{{Plain}},"public_token":"{{eve.Token}}"}""", "forbidden"),
        ]);
        Assert.Equal(commits, server.Rooms.Writer.Commits + server.Rooms.SealedWriter.Commits);
    }

    [Fact]
    public async Task Lobbies_that_have_to_be_read_for_one_user_have_a_pace()
    {
        await using var server = await TestServer.StartAsync(
            postgres, Limits.Default with { SealedReadsPerMinute = 3 }, new FakeTimeProvider());
        await using var alice = await SealingUser.SignUpAsync(server, "alice");
        await using var bob = await SealingUser.SignUpAsync(server, "bob");
        using var den = await SealedDen.CreateAsync(alice, "den");
        await den.ChangeAsync(alice, den.Invitation(alice, bob));
        await den.PostAsync(alice, "is not read for again");
        server.Rooms.SealedLobbies.Forget(den.LobbyId);
        await den.PostAsync(alice, "is read for");
        server.Rooms.SealedLobbies.Forget(den.LobbyId);
        await den.ChangeAsync(alice, den.Rotation(alice));
        server.Rooms.SealedLobbies.Forget(den.LobbyId);
        var id = SealedMessage.NewId();
        Assert.Equal("rate_limited", await alice.Client.RefusedAsync(den.Message(den.Seal(alice, "more", id), id)));
        Assert.Equal("rate_limited", await alice.Client.RefusedAsync(den.Rotation(alice)));
        var other = SealedMessage.NewId();
        await bob.Client.DoAsync(den.Message(den.Seal(bob, "is read for as well", other), other));
        await alice.Client.DoAsync(den.Message(den.Seal(alice, "is known by now", id), id));
    }

    [Fact]
    public async Task Repairs_of_keys_by_one_user_have_a_pace()
    {
        await using var server = await TestServer.StartAsync(
            postgres, Limits.Default with { KeyRepairsPerMinute = 2 });
        await using var alice = await SealingUser.SignUpAsync(server, "alice");
        using var den = await SealedDen.CreateAsync(alice, "den");
        var request = $$"""{"action":"need_key",{{den.Where}},"generation":1}""";
        await alice.Client.DoAsync(request);
        await alice.Client.DoAsync(request);
        Assert.Equal("rate_limited", await alice.Client.RefusedAsync(request));
        // Who asks takes nothing from what they may hand out, and a key that is not taken costs nothing.
        await using var bob = await SealingUser.SignUpAsync(server, "bob");
        await den.ChangeAsync(alice, den.Invitation(alice, bob));
        string Rewrap() => SealedKeyTests.Rewrap(den, bob);
        await Outcomes.HoldAsync(
            alice.Client, [(Rewrap(), "ok"), (Rewrap(), "ok"), (Rewrap(), "rate_limited")]);
        await Outcomes.HoldAsync(
            bob.Client, [(Rewrap(), "ok"), (Rewrap(), "limit"), (Rewrap(), "limit"), (Rewrap(), "limit")]);
    }

    [Fact]
    public async Task Roster_that_is_nearly_full_still_lets_people_go()
    {
        await using var server = await TestServer.StartAsync(
            postgres, Limits.Default with { RosterEntriesMax = 6 });
        await using var alice = await SealingUser.SignUpAsync(server, "alice");
        await using var bob = await SealingUser.SignUpAsync(server, "bob");
        await using var carol = await SealingUser.SignUpAsync(server, "carol");
        using var den = await SealedDen.CreateAsync(alice, "den");
        await den.ChangeAsync(alice, den.Invitation(alice, bob));
        await den.ChangeAsync(alice, den.RightsChange(alice, bob, MemberRights.All));
        Assert.Equal("limit", await alice.Client.RefusedAsync(den.Invitation(alice, carol)));
        Assert.Equal("limit", await alice.Client.RefusedAsync(den.Renaming(alice, "another name")));
        // One that nobody needs would take the place of one that is due.
        Assert.Equal("limit", await alice.Client.RefusedAsync(den.Rotation(alice)));
        await den.ChangeAsync(alice, den.Removal(alice, bob));
        await den.ChangeAsync(alice, den.Rotation(alice));
        await den.PostAsync(alice, "as ever");
    }

    static Limits Unhurried(int rows) => TestServer.Unhurried with { SealedRowsPerSecond = rows };
}
