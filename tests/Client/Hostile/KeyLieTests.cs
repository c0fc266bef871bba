using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Conclave.Client;
using Conclave.Client.Texts;
using Conclave.Roster;
using Conclave.Sdk;
using Conclave.Sealing;

namespace Conclave.Tests.Client.Hostile;

/// <summary>A server that exchanges keys: those of people, and those of lobbies.</summary>
public sealed class KeyLieTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Exchanged_key_of_somebody_known_gets_nothing()
    {
        await using var den = await HostileDen.StartAsync();
        den.Enter("carol");
        await den.Alice.Lobbies.InviteAsync("den", "carol", cancellationToken: Cancel);
        await den.Alice.Lobbies.CreateSealedAsync("lair", cancellationToken: Cancel);
        await den.Alice.Lobbies.InviteAsync("lair", "bob", Conclave.Protocol.Rights.All, Cancel);
        await den.VerifyAsync("carol");
        using var servers = Identity.Create("carol");
        var served = den.Server.Users["carol"].Identity!;
        // It says that the old key has signed the new one, which has only signed itself.
        served["previous"] = new JsonArray(new JsonObject
        {
            ["record"] = served["record"]!.DeepClone(),
            ["succession"] = Base64Text.Encode(servers.SignSuccession(servers.Record)),
        });
        served["record"] = Base64Text.Encode(servers.Record.Bytes);

        var verified = await den.RunAsync("verify", "carol");
        Assert.Equal(ExitCode.Alarm, verified.ExitCode);
        Assert.Contains(English.Language.Seal.UnsignedChange, verified.Error, StringComparison.Ordinal);
        var said = await den.RefusesAsync(AlarmCode.KeyChanged, "invite", "lair", "carol");
        Assert.Contains("carol", said.Error, StringComparison.Ordinal);
        await den.RefusesAsync(AlarmCode.KeyChanged, "send", "den", "nothing of this is sent");
        // Where she is not, the lie is about nobody.
        await den.DoAsync("send", "lair", "for the lair");
    }

    [Fact]
    public async Task Key_that_is_not_valid_for_the_login_is_refused_at_first_sight()
    {
        await using var den = await HostileDen.StartAsync();
        den.Enter("carol");
        den.Server.Users["carol"].Identity = den.Server.Users["alice"].Identity!.DeepClone();

        await den.RefusesAsync(AlarmCode.BadIdentity, "verify", "carol");
        await den.RefusesAsync(AlarmCode.BadIdentity, "invite", "den", "carol");
        Assert.DoesNotContain("carol", (await den.DoAsync("contacts")).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("none")]
    [InlineData("noise")]
    [InlineData("another's")]
    [InlineData("another key")]
    public async Task Wrap_that_is_bad_opens_nothing_and_nothing_is_sealed_for_a_key_of_the_server(string wrap)
    {
        await using var den = await HostileDen.StartAsync(hasRead: false);
        using var bob = new Accomplice(den, "bob");
        using var servers = GenerationKey.Create(1);
        var wraps = den.Lobby.Wraps;
        var others = wraps.Find(one => one.To != bob.Identity.Fingerprint).Wrap;
        wraps.RemoveAll(one => one.To == bob.Identity.Fingerprint);
        wraps.AddRange(((IEnumerable<byte[]>)(wrap switch
        {
            "none" => [],
            "noise" => [[1, .. RandomNumberGenerator.GetBytes(1224)]],
            "another's" => [others],
            _ => [servers.WrapFor(den.Lobby.Id, bob.Identity.Record).Wrap.ToArray()],
        })).Select(bytes => (1UL, bob.Identity.Fingerprint, bytes)));

        // Whose fault it is nobody can prove, so this is no alarm: the entry is marked, a member is asked for the key.
        var read = await den.DoAsync("history", "den");
        Assert.DoesNotContain(HostileDen.Truth, read.Output, StringComparison.Ordinal);
        Assert.Contains(English.Language.Seal.BeforeYouJoined, read.Output, StringComparison.Ordinal);
        Assert.Contains(den.Server.Requests, request => (string?)request["action"] == "need_key");
        var sent = await den.RunAsync("send", "den", "nothing of this is sent");
        Assert.Equal(ExitCode.Network, sent.ExitCode);
        Assert.Contains(English.Language.Alarms.Refusals["no_key"].What, sent.Error, StringComparison.Ordinal);
        Assert.Equal(0, den.ChangesBy("bob"));

        // A member mends it, and the server has gained nothing.
        using var alice = new Accomplice(den, "alice");
        using var key = alice.Key();
        wraps.Add((1, bob.Identity.Fingerprint, key.WrapFor(den.Lobby.Id, bob.Identity.Record).Wrap.ToArray()));
        Assert.Contains(HostileDen.Truth, (await den.DoAsync("history", "den")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Key_is_handed_on_to_members_of_the_signed_roster_only()
    {
        await using var den = await HostileDen.StartAsync();
        den.Enter("carol");
        den.Enter("mallory");
        await den.Alice.Lobbies.InviteAsync("den", "carol", cancellationToken: Cancel);
        // Bob knows her, but not from here.
        await den.VerifyAsync("mallory");

        await OnlyTheLastIsHandedOnAsync(den, "invited carol", ("mallory", 1), ("carol", 1));
    }

    [Fact]
    public async Task Key_of_before_somebody_joined_is_not_handed_to_them()
    {
        await using var den = await HostileDen.StartAsync(hasRead: false, LobbyHistory.FromJoin);
        den.Enter("carol");
        await den.Alice.Lobbies.InviteAsync("den", "carol", cancellationToken: Cancel);
        await den.SayAsync("for all three");
        Assert.Equal(3UL, den.Lobby.Log.Roster!.Generation);

        await OnlyTheLastIsHandedOnAsync(den, "for all three", ("carol", 2), ("carol", 3));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Key_is_not_handed_to_somebody_whose_key_has_changed(bool isAccepted)
    {
        await using var den = await HostileDen.StartAsync();
        foreach (var login in (IEnumerable<string>)["carol", "dave"])
        {
            den.Enter(login);
            await den.Alice.Lobbies.InviteAsync("den", login, cancellationToken: Cancel);
        }
        await den.DoAsync("history", "den");
        using var servers = Identity.Create("carol");
        den.Server.Users["carol"].Identity!["record"] = Base64Text.Encode(servers.Record.Bytes);
        Assert.Equal(ExitCode.Alarm, (await den.RunAsync("verify", "carol")).ExitCode);
        // The lobby goes on with the key of before, which is nobody's then.
        if (isAccepted)
            await den.DoAsync("accept-key", "carol", "--fingerprint", servers.Fingerprint.ToString());

        await OnlyTheLastIsHandedOnAsync(den, "invited dave", ("carol", 1), ("dave", 1));
    }

    // Bob's program is there when the server says that these need keys of the lobby.
    static async Task OnlyTheLastIsHandedOnAsync(
        HostileDen den, string until, params (string Login, long Generation)[] needs)
    {
        var said = await den.WatchAsync(until, async () =>
        {
            var handedOn = den.HearsAsync("rewrap_key");
            foreach (var (login, generation) in needs)
                await den.Server.AskForKeyAsync("bob", den.Lobby, generation, den.Server.Users[login]);
            // Hints are answered one after the other: when the last has their key, the others were passed over.
            await handedOn;
        });

        Assert.Equal(ExitCode.Ok, said.ExitCode);
        var handed = Assert.Single(den.Server.Requests, request => (string?)request["action"] == "rewrap_key");
        var (last, lastGeneration) = needs[^1];
        Assert.Equal(den.Server.Users[last].Token.ToString(), (string?)handed["public_token"]);
        Assert.Equal(lastGeneration, (long?)handed["generation"]);
    }
}
