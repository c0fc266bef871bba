using Conclave.Protocol;
using Conclave.Roster;
using Conclave.Sdk;
using Conclave.Sdk.Sealing;
using Conclave.Sdk.Storage;
using Conclave.Sealing;

namespace Conclave.Tests.Sdk.Sealing;

/// <summary>Whom a roster makes a client know, and what becomes of a change that comes second.</summary>
public sealed class RosterTrustTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("conclave-state-").FullName;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Rotation_that_a_person_wants_is_made_also_if_another_change_was_first()
    {
        await using var server = await PaperServer.StartAsync();
        await using var alice = Enrol(server, "alice");
        await using var bob = Enrol(server, "bob");
        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        await alice.Lobbies.InviteAsync("den", "bob", Rights.All, Cancel);
        var den = server.LobbyNamed("den");
        using var his = Identity.FromSeed("bob", server.SeedOf("bob")!);
        var isFirst = true;
        server.Lie = (request, _) =>
        {
            if ((string?)request["action"] == "history" && isFirst)
            {
                isFirst = false;
                var rename = RosterSigner.Sign(his, den.Log.Roster!, new RosterChange.Rename("burrow"));
                den.Append(server.Users["bob"].Token, SealedRow.AroundEntry(rename), null);
            }
            return null;
        };

        await alice.Lobbies.RotateKeyAsync("den", Cancel);

        Assert.Equal(2, server.Requests.Count(request => (string?)request["action"] == "rotate_key"));
        Assert.Equal(2UL, den.Log.Roster!.Generation);
    }

    [Theory]
    [InlineData("\u0430lice")]
    [InlineData("ALICE")]
    [InlineData("alice ")]
    public async Task Login_that_is_none_is_nobody_in_a_roster(string login)
    {
        await using var server = await PaperServer.StartAsync();
        await using var alice = Enrol(server, "alice");
        await using var bob = Enrol(server, "bob");
        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        await alice.Lobbies.InviteAsync("den", "bob", cancellationToken: Cancel);
        using var lookalike = Identity.Create(login);
        server.LobbyNamed("den").Identities.Add(lookalike.Fingerprint, lookalike.Record);

        var alarm = await Assert.ThrowsAsync<AlarmException>(
            () => bob.HistoryAsync("den", cancellationToken: Cancel));

        Assert.Equal((AlarmCode.BadIdentity, null), (alarm.Code, alarm.Login));
    }

    [Fact]
    public async Task Members_of_a_lobby_that_was_entered_in_its_middle_are_pinned()
    {
        await using var server = await PaperServer.StartAsync();
        await using var alice = Enrol(server, "alice");
        await using var bob = Enrol(server, "bob");
        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        await alice.Lobbies.InviteAsync("den", "bob", cancellationToken: Cancel);
        server.Post(server.LobbyNamed("den"), "alice", PaperRows.Texts(1100));

        _ = await bob.Secrets.GetAsync("den", "wifi", Cancel);
        var roster = await bob.Lobbies.RosterAsync("den", Cancel);

        Assert.Equal(["alice", "bob"], roster.Members.Select(member => member.Login));
        Assert.DoesNotContain(roster.Members, member => member.HasChangedKey);
    }

    [Fact]
    public void Succession_of_a_key_does_not_end_the_alarm_about_a_third_one()
    {
        using var old = Identity.Create("bob");
        using var next = Identity.Create("bob");
        using var third = Identity.Create("bob");
        var pin = new Pin(old.Record, Guid.NewGuid(), IsVerified: false, third.Record, IsSigned: false);

        var moved = Pinning.Succeed(pin, old.Fingerprint, next.Record, pin.Token);
        var accepted = Pinning.Succeed(pin with { Changed = next.Record }, old.Fingerprint, next.Record, pin.Token);

        Assert.Equal(next.Fingerprint, moved.Identity.Fingerprint);
        Assert.Equal(third.Fingerprint, moved.Changed?.Fingerprint);
        Assert.Null(accepted.Changed);
    }

    ConclaveClient Enrol(PaperServer server, string login)
    {
        server.Enrol(login, _folder);
        return server.Client(login, _folder);
    }
}
