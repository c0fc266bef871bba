using Conclave.Roster;
using Conclave.Tests.Support;

namespace Conclave.Tests.Server.Actions;

/// <summary>How members of a sealed lobby come by keys they lack.</summary>
public sealed class SealedKeyTests(SharedServer server) : IClassFixture<SharedServer>
{
    [Fact]
    public async Task Member_who_asks_for_a_key_is_heard_by_the_others_and_told_when_it_is_there()
    {
        await using var alice = await SignUpAsync();
        await using var bob = await SignUpAsync();
        using var den = await SealedDen.CreateAsync(alice, server.Fresh("den"));
        await den.ChangeAsync(alice, den.Invitation(alice, bob));
        await bob.Client.DoAsync($$"""{"action":"need_key",{{den.Where}},"generation":1}""");
        var needed = await alice.Client.EventAsync();
        Assert.Equal(
            $$"""
            {"event":"key_needed","lobby_id":"{{den.LobbyId}}","generation":1,
            """ + $$"""
            "member":{"login":"{{bob.Login}}","public_token":"{{bob.Token}}"} }
            """.Replace("} }", "}}", StringComparison.Ordinal),
            needed.ToJsonString());
        await alice.Client.DoAsync(Rewrap(den, bob));
        while (true)
        {
            var ready = await bob.Client.EventAsync();
            if (ready["event"]!.GetValue<string>() != "key_ready")
                continue;
            Assert.Equal(
                $$"""{"event":"key_ready","lobby_id":"{{den.LobbyId}}","generation":1}""", ready.ToJsonString());
            break;
        }
        var keys = await bob.Client.DoAsync($$"""{"action":"my_keys",{{den.Where}}}""");
        Assert.Equal(2, keys["key_wraps"]!.AsArray().Count);
    }

    [Fact]
    public async Task Copies_of_a_key_are_added_and_never_too_many()
    {
        await using var alice = await SignUpAsync();
        await using var bob = await SignUpAsync();
        await using var stranger = await SignUpAsync();
        using var den = await SealedDen.CreateAsync(alice, server.Fresh("den"));
        await den.ChangeAsync(alice, den.Invitation(alice, bob));
        var once = Rewrap(den, bob);
        await Outcomes.HoldAsync(alice.Client,
        [
            (Rewrap(den, bob, "AAAA"), "bad_wraps wrap"),
            (Rewrap(den, bob, "A"), "bad_encoding wrap"),
            (once.Replace("\"wrap\"", "\"warp\"", StringComparison.Ordinal), "bad_request wrap"),
            (once.Replace("\"generation\":1", "\"generation\":0", StringComparison.Ordinal), "bad_request generation"),
            (once.Replace("\"generation\":1", "\"generation\":2", StringComparison.Ordinal), "bad_request generation"),
            (Rewrap(den, stranger), "not_a_member"),
            (once, "ok"),
            (once, "ok"),
            (Rewrap(den, bob), "ok"),
            (Rewrap(den, bob), "ok"),
            (Rewrap(den, bob), "limit"),
            (once, "ok"),
            ($$"""{"action":"need_key",{{den.Where}}}""", "bad_request generation"),
            ($$"""{"action":"need_key",{{den.Where}},"generation":2}""", "bad_request generation"),
        ]);
        // Nobody could answer.
        Assert.Equal(
            "limit", await bob.Client.RefusedAsync($$"""{"action":"need_key",{{den.Where}},"generation":1}"""));
        await Outcomes.HoldAsync(stranger.Client,
        [
            (Rewrap(den, bob), "forbidden"),
            ($$"""{"action":"need_key",{{den.Where}},"generation":1}""", "forbidden"),
        ]);
    }

    [Fact]
    public async Task Newcomer_is_entitled_to_keys_from_joining_on_where_history_starts_there()
    {
        await using var alice = await SignUpAsync();
        await using var bob = await SignUpAsync();
        using var den = await SealedDen.CreateAsync(alice, server.Fresh("den"), History.FromJoin);
        await den.ChangeAsync(alice, den.Invitation(alice, bob));
        await den.ChangeAsync(alice, den.Rotation(alice));
        await Outcomes.HoldAsync(
            alice.Client, [(Rewrap(den, bob, generation: 1), "forbidden"), (Rewrap(den, bob), "ok")]);
        await Outcomes.HoldAsync(bob.Client,
        [
            ($$"""{"action":"need_key",{{den.Where}},"generation":1}""", "forbidden"),
            ($$"""{"action":"need_key",{{den.Where}},"generation":2}""", "ok"),
        ]);
        var keys = await bob.Client.DoAsync($$"""{"action":"my_keys",{{den.Where}}}""");
        Assert.All(keys["key_wraps"]!.AsArray(), key => Assert.Equal(2, key!["generation"]!.GetValue<int>()));
    }

    Task<SealingUser> SignUpAsync() => SealingUser.SignUpAsync(server.Server, server.Fresh("user"));

    internal static string Rewrap(SealedDen den, SealingUser to, string? wrap = null, ulong? generation = null)
    {
        var key = den.KeyOf(generation ?? den.Roster.Generation);
        wrap ??= Base64Text.Encode(key.WrapFor(den.LobbyId, to.Identity.Record).Wrap.Span);
        return $$"""
            {"action":"rewrap_key",{{den.Where}},"generation":{{key.Generation}},"public_token":"{{to.Token}}",
            "wrap":"{{wrap}}"}
            """;
    }
}
