using System.Collections.Concurrent;
using Conclave.Protocol;
using Conclave.Roster;
using Conclave.Sealing;
using Conclave.Tests.Support;
using CsCheck;

namespace Conclave.Tests.Server.Writing;

/// <summary>Several who write to one sealed lobby at one time, by several servers, and through restarts.</summary>
public sealed class SealedRaceTests(PostgresCluster postgres)
{
    static readonly Limits Unhurried = TestServer.Unhurried with
    {
        RosterChangesPerMinute = int.MaxValue / 2,
        SealedRowsPerSecond = int.MaxValue / 2,
        InvitationsPerHour = int.MaxValue / 2,
    };

    [Fact]
    public async Task Rosters_and_posts_that_race_on_two_servers_make_one_log_that_every_member_accepts()
    {
        await using var first = await TestServer.StartAsync(postgres, Unhurried);
        await using var second = await first.StartTwinAsync(Unhurried);
        await Gen.Byte.Array[4, 8].Array[3].SampleAsync(
            async scripts => await PlayAsync(first, second, scripts), iter: 3, threads: 1);
    }

    static async Task PlayAsync(TestServer first, TestServer second, byte[][] scripts)
    {
        var name = "race" + Guid.NewGuid().ToString("N");
        await using var alice = await SealingUser.SignUpAsync(first, "a" + name);
        await using var bob = await SealingUser.SignUpAsync(second, "b" + name);
        await using var carol = await SealingUser.SignUpAsync(first, "c" + name);
        await using var guest = await SealingUser.SignUpAsync(second, "g" + name);
        using var den = await SealedDen.CreateAsync(alice, name);
        foreach (var user in (SealingUser[])[bob, carol])
            await den.ChangeAsync(alice, den.Invitation(alice, user, MemberRights.All));
        await den.ChangeAsync(alice, den.Invitation(alice, guest, MemberRights.Read));
        ConcurrentDictionary<Digest, GenerationKey> keys = new([new(den.Key.Commit, den.Key)]);
        ConcurrentDictionary<Digest, IdentityRecord> identities = new(
            den.Roster.Members.Values.Select(member =>
                KeyValuePair.Create(member.Identity.Fingerprint, member.Identity)));
        SealingUser[] users = [alice, bob, carol];
        var players = Array.ConvertAll(users, user => new SealedPlayer(user, den.LobbyId, keys, identities));
        await Task.WhenAll(players.Select((player, number) => Task.Run(async () =>
        {
            await player.CatchUpAsync();
            foreach (var step in scripts[number])
            {
                // Only one of them replaces the guest, who else would be missing in another's plans.
                if (step % 5 == 0 && number == 0)
                    await player.ReplaceAsync(guest);
                else if (step % 3 == 0)
                    await player.ToggleAsync(users[1 + (number % 2)]);
                else
                    await player.PostAsync($"{number} {step}");
            }
        })));
        foreach (var player in players)
            await player.CatchUpAsync();
        Assert.Single(players.Select(player => player.Log.Last.Hash).Distinct());
        var log = players[0].Log;
        var done = players.SelectMany(player => player.Done).ToList();
        // What came before the race is not theirs.
        Assert.Equal((long)log.Last.Seq - 4, done.Count);
        foreach (var (seq, row, hash) in done)
        {
            Assert.Equal(hash, log.HashAt((ulong)seq).ToString());
            Assert.Equal(SealedRow.Parse(row).Hash, log.Rows[(int)seq - 1].RowHash);
        }
    }

    [Fact]
    public async Task Restarted_server_goes_on_where_the_log_ended()
    {
        var server = await TestServer.StartAsync(postgres, Unhurried);
        try
        {
            await using var alice = await SealingUser.SignUpAsync(server, "alice");
            await using var bob = await SealingUser.SignUpAsync(server, "bob");
            using var den = await SealedDen.CreateAsync(alice, "den");
            await den.ChangeAsync(alice, den.Invitation(alice, bob));
            var first = SealedMessage.NewId();
            var old = den.Message(den.Seal(bob, "before", first), first);
            await bob.Client.DoAsync(old);
            den.Take((await alice.Client.DoAsync(
                $$"""{"action":"history",{{den.Where}},"limit":1}"""))["events"]!.AsArray()[0]!.AsObject());
            var id = SealedMessage.NewId();
            var row = den.Seal(bob, "never sent", id);
            await den.ChangeAsync(alice, den.Removal(alice, bob));
            server = await server.RestartAsync(Unhurried);
            await alice.ReconnectAsync(server);
            await bob.ReconnectAsync(server);
            Assert.Equal("forbidden", await bob.Client.RefusedAsync(den.Message(row, id)));
            Assert.True((await bob.Client.DoAsync(old))["duplicate"]!.GetValue<bool>());
            // The hash of each answer must be the one that the log here comes to.
            await den.ChangeAsync(alice, den.Rotation(alice));
            await den.PostAsync(alice, "after");
            Assert.Equal("forbidden", await bob.Client.RefusedAsync(den.Invitation(alice, bob)));
            var page = await alice.Client.DoAsync($$"""{"action":"history",{{den.Where}},"before":4}""");
            Assert.Equal(den.Log.Last.Hash.ToString(), page["hash"]!.GetValue<string>());
        }
        finally
        {
            await server.DisposeAsync();
        }
    }
}
