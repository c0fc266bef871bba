using Conclave.Protocol;
using Conclave.Roster;
using Conclave.Sdk;
using Conclave.Sdk.Sealing;
using Conclave.Sdk.Storage;
using Conclave.Sealing;

namespace Conclave.Tests.Sdk.Sealing;

/// <summary>Whom a roster makes a client know, and what becomes of a change that comes second.</summary>
public sealed class RosterTrustTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rotation_that_a_person_wants_is_made_also_if_another_change_was_first()
    {
        await using var den = await PaperDen.StartAsync();
        _ = await den.LetInAsync("bob", Rights.All);
        var lobby = den.Lobby;
        using var his = Identity.FromSeed("bob", den.Server.SeedOf("bob")!);
        var isFirst = true;
        den.Server.Lie = (request, _) =>
        {
            if ((string?)request["action"] == "history" && isFirst)
            {
                isFirst = false;
                var rename = RosterSigner.Sign(his, lobby.Log.Roster!, new RosterChange.Rename("burrow"));
                lobby.Append(den.Server.Users["bob"].Token, SealedRow.AroundEntry(rename), null);
            }
            return null;
        };

        await den.Alice.Lobbies.RotateKeyAsync("den", Cancel);

        Assert.Equal(2, den.Server.Requests.Count(request => (string?)request["action"] == "rotate_key"));
        Assert.Equal(2UL, lobby.Log.Roster!.Generation);
    }

    [Theory]
    [InlineData("\u0430lice")]
    [InlineData("ALICE")]
    [InlineData("alice ")]
    public async Task Login_that_is_none_is_nobody_in_a_roster(string login)
    {
        await using var den = await PaperDen.StartAsync();
        var bob = await den.LetInAsync("bob");
        using var lookalike = Identity.Create(login);
        den.Lobby.Identities.Add(lookalike.Fingerprint, lookalike.Record);

        var alarm = await Assert.ThrowsAsync<AlarmException>(
            () => bob.HistoryAsync("den", cancellationToken: Cancel));

        Assert.Equal((AlarmCode.BadIdentity, null), (alarm.Code, alarm.Login));
    }

    [Fact]
    public async Task Members_of_a_lobby_that_was_entered_in_its_middle_are_pinned()
    {
        await using var den = await PaperDen.StartAsync();
        var bob = await den.LetInAsync("bob");
        den.Server.Post(den.Lobby, "alice", PaperRows.Texts(1100));

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
}
