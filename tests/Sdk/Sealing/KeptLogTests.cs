using System.Text.Json.Nodes;
using Conclave.Roster;
using Conclave.Sdk;
using Conclave.Sdk.Sealing;
using Conclave.Sdk.Storage;
using Verdict = Conclave.Sdk.Verdict;

namespace Conclave.Tests.Sdk.Sealing;

/// <summary>What is kept of a log stays whole, whatever goes wrong while it is taken in.</summary>
public sealed class KeptLogTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("conclave-state-").FullName;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Entries_that_were_judged_before_a_broken_one_are_kept_and_leave_no_gap()
    {
        await using var server = await PaperServer.StartAsync();
        await using var alice = Enrol(server, "alice");
        await using var bob = Enrol(server, "bob");
        var den = await MakeDenAsync(server, alice, bob);
        await alice.PostAsync("den", "two", cancellationToken: Cancel);
        await alice.PostAsync("den", "three", cancellationToken: Cancel);
        TellBob(server, row => (long)row["seq"]! == 5, row => (row["row_data"], row["gone"]) = (null, true));

        await Assert.ThrowsAsync<BrokenServerException>(() => bob.HistoryAsync("den", cancellationToken: Cancel));
        server.Lie = null;
        await alice.PostAsync("den", "four", cancellationToken: Cancel);
        var entries = (await bob.HistoryAsync("den", cancellationToken: Cancel)).Entries;
        await using var again = server.Client("bob", _folder);
        var entriesAgain = (await again.HistoryAsync("den", cancellationToken: Cancel)).Entries;

        Assert.Equal(den.Rows.Count, entries.Count);
        Assert.All(entries, entry => Assert.Equal(Verdict.Verified, entry.Verdict));
        Assert.Equal(den.Rows.Count, entriesAgain.Count);
        Assert.All(entriesAgain, entry => Assert.Equal(Verdict.Verified, entry.Verdict));
    }

    [Fact]
    public async Task Alarm_of_an_entry_before_a_broken_one_stands()
    {
        await using var server = await PaperServer.StartAsync();
        await using var alice = Enrol(server, "alice");
        await using var bob = Enrol(server, "bob");
        var den = await MakeDenAsync(server, alice, bob);
        den.Force(Guid.NewGuid(), den.Rows[^1].RowData, Guid.NewGuid());
        den.Force(Guid.NewGuid(), den.Rows[^1].RowData, Guid.NewGuid());
        TellBob(server, row => (long)row["seq"]! == 5, row => (row["row_data"], row["gone"]) = (null, true));

        await Assert.ThrowsAsync<BrokenServerException>(() => bob.HistoryAsync("den", cancellationToken: Cancel));
        server.Lie = null;
        server.Lobbies[den.Id] = den.Copy(rows: 4);
        var alarm = await Assert.ThrowsAsync<AlarmException>(
            () => bob.PostAsync("den", "never", cancellationToken: Cancel));

        Assert.Equal(("not_a_member", 4), (alarm.Code, alarm.Seq));
    }

    [Fact]
    public async Task Entry_that_is_left_out_of_a_subscription_is_not_taken_in()
    {
        await using var server = await PaperServer.StartAsync();
        await using var alice = Enrol(server, "alice");
        await using var bob = Enrol(server, "bob");
        var den = await MakeDenAsync(server, alice, bob);
        await using var subscription = await bob.SubscribeAsync("den", cancellationToken: Cancel);
        server.Twist = (login, row) =>
        {
            if (login != "bob")
                return;
            row.Remove("row_data");
            (row["omitted"], row["row_size"], row["row_hash"]) = (true, 500, den.Rows[^1].RowHash);
        };

        await alice.PostAsync("den", "two", cancellationToken: Cancel);

        await Assert.ThrowsAsync<BrokenServerException>(
            async () => await subscription.ReadAllAsync(Cancel).FirstAsync(Cancel));
    }

    [Fact]
    public async Task What_is_said_to_be_gone_is_not_asked_for_again()
    {
        await using var server = await PaperServer.StartAsync();
        await using var alice = Enrol(server, "alice");
        await using var bob = Enrol(server, "bob");
        var den = await MakeDenAsync(server, alice, bob);
        await alice.PostAsync("den", "two", cancellationToken: Cancel);
        TellBob(server, row => (long)row["seq"]! == 4, row =>
        {
            (row["row_data"], row["gone"], row["row_size"]) = (null, true, 500);
            row["row_hash"] = den.Rows[^1].RowHash;
        });

        _ = await bob.HistoryAsync("den", cancellationToken: Cancel);
        server.Lie = null;
        var entry = (await bob.HistoryAsync("den", cancellationToken: Cancel)).Entries[^1];

        Assert.Equal((4, Verdict.Erased), (entry.Seq, entry.Verdict));
    }

    [Fact]
    public async Task Program_that_was_second_to_enter_a_lobby_goes_on_from_where_the_first_has_entered()
    {
        await using var server = await PaperServer.StartAsync();
        await using var alice = Enrol(server, "alice");
        await using var bob = Enrol(server, "bob");
        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        await alice.Lobbies.InviteAsync("den", "bob", cancellationToken: Cancel);
        await alice.PostAsync("den", "one", cancellationToken: Cancel);
        var den = server.LobbyNamed("den");
        using var other = Session(server, "bob");
        var isFirst = true;
        server.Lie = (request, _) =>
        {
            if ((string?)request["action"] == "history" && isFirst)
            {
                isFirst = false;
                other.Lobbies.Begin(
                    den.Id, new LogPoint(2, den.Rows[1].Hash), den.Roster().Select(row => ((ulong)row.Seq, row.Entry)));
            }
            return null;
        };

        var entries = (await bob.HistoryAsync("den", cancellationToken: Cancel)).Entries;

        Assert.Equal([1, 2, 3], entries.Select(entry => entry.Seq));
        Assert.All(entries, entry => Assert.Equal(Verdict.Verified, entry.Verdict));
    }

    [Fact]
    public async Task What_was_acknowledged_is_compared_also_where_another_program_took_in_the_entry()
    {
        await using var server = await PaperServer.StartAsync();
        await using var alice = Enrol(server, "alice");
        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        await alice.PostAsync("den", "one", cancellationToken: Cancel);
        using (var crashed = Session(server, "alice"))
        {
            var (den, id) = (server.LobbyNamed("den").Id, Guid.NewGuid());
            crashed.Drafts.Add(den, id, Transcript.RowHash("something else"u8));
            crashed.Drafts.Acknowledge(den, id, 2);
        }

        await using var again = server.Client("alice", _folder);
        var alarm = await Assert.ThrowsAsync<AlarmException>(
            () => again.HistoryAsync("den", cancellationToken: Cancel));

        Assert.Equal((AlarmCode.Rewritten, 2), (alarm.Code, alarm.Seq));
        alarm = await Assert.ThrowsAsync<AlarmException>(
            () => again.PostAsync("den", "never", cancellationToken: Cancel));
        Assert.Equal(AlarmCode.Rewritten, alarm.Code);
    }

    [Fact]
    public async Task Entries_are_kept_with_the_keys_that_they_name_or_not_at_all()
    {
        await using var server = await PaperServer.StartAsync();
        await using var alice = Enrol(server, "alice");
        await using var bob = Enrol(server, "bob");
        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        await alice.Lobbies.InviteAsync("den", "bob", cancellationToken: Cancel);
        using var file = StateFile.Open(_folder, Link.AddressOf(server.Address), "bob");
        file.Execute("CREATE TRIGGER no_room BEFORE INSERT ON pins BEGIN SELECT RAISE(ABORT, 'disk full'); END");

        await Assert.ThrowsAsync<StateException>(() => bob.HistoryAsync("den", cancellationToken: Cancel));
        file.Execute("DROP TRIGGER no_room");
        _ = await bob.HistoryAsync("den", cancellationToken: Cancel);

        Assert.Contains(await bob.Trust.ContactsAsync(Cancel), known => known.Login == "alice");
        Assert.DoesNotContain((await bob.Lobbies.RosterAsync("den", Cancel)).Members, member => member.HasChangedKey);
    }

    [Fact]
    public async Task File_with_more_pieces_than_an_entry_can_name_is_refused_before_the_first()
    {
        await using var server = await PaperServer.StartAsync();
        await using var alice = Enrol(server, "alice");
        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        await using var content = File.Create(Path.Combine(_folder, "large"));
        content.SetLength(400L << 20);

        var refused = await Assert.ThrowsAsync<RefusedException>(
            () => alice.Files.PutAsync("den", "large", "text/plain", content, Cancel));

        Assert.Equal(Conclave.Protocol.ErrorCode.TooLarge, refused.Code);
        Assert.Single(server.LobbyNamed("den").Rows);
    }

    // Alice made it, invited bob, and said "one"; bob has read that.
    static async Task<PaperLobby> MakeDenAsync(PaperServer server, ConclaveClient alice, ConclaveClient bob)
    {
        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        await alice.Lobbies.InviteAsync("den", "bob", cancellationToken: Cancel);
        await alice.PostAsync("den", "one", cancellationToken: Cancel);
        _ = await bob.HistoryAsync("den", cancellationToken: Cancel);
        return server.LobbyNamed("den");
    }

    static void TellBob(PaperServer server, Func<JsonObject, bool> which, Action<JsonObject> lie) =>
        server.Lie = (request, reply) =>
        {
            if ((string?)request["action"] == "history" && (string?)request["token"] == "token of bob")
            {
                foreach (var row in reply["events"]!.AsArray().Select(row => row!.AsObject()).Where(which).ToList())
                    lie(row);
            }
            return null;
        };

    SealedSession Session(PaperServer server, string login) =>
        SealedSession.Open(new Link(server.OptionsFor(_folder)), server.OptionsFor(_folder), login);

    ConclaveClient Enrol(PaperServer server, string login)
    {
        server.Enrol(login, _folder);
        return server.Client(login, _folder);
    }
}
