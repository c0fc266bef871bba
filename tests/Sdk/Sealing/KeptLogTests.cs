using System.Text.Json.Nodes;
using Conclave.Roster;
using Conclave.Sdk;
using Conclave.Sdk.Sealing;
using Conclave.Sdk.Storage;
using Verdict = Conclave.Sdk.Verdict;

namespace Conclave.Tests.Sdk.Sealing;

/// <summary>What is kept of a log stays whole, whatever goes wrong while it is taken in.</summary>
public sealed class KeptLogTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Entries_that_were_judged_before_a_broken_one_are_kept_and_leave_no_gap()
    {
        await using var den = await PaperDen.StartAsync();
        var bob = await LetInReaderAsync(den);
        await den.SayAsync("two");
        await den.SayAsync("three");
        TellBob(den.Server, row => (long)row["seq"]! == 5, row => (row["row_data"], row["gone"]) = (null, true));

        await Assert.ThrowsAsync<BrokenServerException>(() => bob.HistoryAsync("den", cancellationToken: Cancel));
        den.Server.Lie = null;
        await den.SayAsync("four");
        var entries = (await bob.HistoryAsync("den", cancellationToken: Cancel)).Entries;
        var again = den.Again("bob");
        var entriesAgain = (await again.HistoryAsync("den", cancellationToken: Cancel)).Entries;

        Assert.Equal(den.Lobby.Rows.Count, entries.Count);
        Assert.All(entries, entry => Assert.Equal(Verdict.Verified, entry.Verdict));
        Assert.Equal(den.Lobby.Rows.Count, entriesAgain.Count);
        Assert.All(entriesAgain, entry => Assert.Equal(Verdict.Verified, entry.Verdict));
    }

    [Fact]
    public async Task Alarm_of_an_entry_before_a_broken_one_stands()
    {
        await using var den = await PaperDen.StartAsync();
        var bob = await LetInReaderAsync(den);
        den.Lobby.Force(Guid.NewGuid(), den.Lobby.Rows[^1].RowData, Guid.NewGuid());
        den.Lobby.Force(Guid.NewGuid(), den.Lobby.Rows[^1].RowData, Guid.NewGuid());
        TellBob(den.Server, row => (long)row["seq"]! == 5, row => (row["row_data"], row["gone"]) = (null, true));

        await Assert.ThrowsAsync<BrokenServerException>(() => bob.HistoryAsync("den", cancellationToken: Cancel));
        den.Server.Lie = null;
        den.Server.Lobbies[den.Lobby.Id] = den.Lobby.Copy(rows: 4);
        var alarm = await Assert.ThrowsAsync<AlarmException>(
            () => bob.PostAsync("den", "never", cancellationToken: Cancel));

        Assert.Equal(("not_a_member", 4), (alarm.Code, alarm.Seq));
    }

    [Fact]
    public async Task Entry_that_is_left_out_of_a_subscription_is_not_taken_in()
    {
        await using var den = await PaperDen.StartAsync();
        var bob = await LetInReaderAsync(den);
        await using var subscription = await bob.SubscribeAsync("den", cancellationToken: Cancel);
        den.Server.Twist = (login, row) =>
        {
            if (login != "bob")
                return;
            row.Remove("row_data");
            (row["omitted"], row["row_size"], row["row_hash"]) = (true, 500, den.Lobby.Rows[^1].RowHash);
        };

        await den.SayAsync("two");

        await Assert.ThrowsAsync<BrokenServerException>(
            async () => await subscription.ReadAllAsync(Cancel).FirstAsync(Cancel));
    }

    [Fact]
    public async Task What_is_said_to_be_gone_is_not_asked_for_again()
    {
        await using var den = await PaperDen.StartAsync();
        var bob = await LetInReaderAsync(den);
        await den.SayAsync("two");
        TellBob(den.Server, row => (long)row["seq"]! == 4, row =>
        {
            (row["row_data"], row["gone"], row["row_size"]) = (null, true, 500);
            row["row_hash"] = den.Lobby.Rows[^1].RowHash;
        });

        _ = await bob.HistoryAsync("den", cancellationToken: Cancel);
        den.Server.Lie = null;
        var entry = (await bob.HistoryAsync("den", cancellationToken: Cancel)).Entries[^1];

        Assert.Equal((4, Verdict.Erased), (entry.Seq, entry.Verdict));
    }

    [Fact]
    public async Task Program_that_was_second_to_enter_a_lobby_goes_on_from_where_the_first_has_entered()
    {
        await using var den = await PaperDen.StartAsync();
        var bob = await den.LetInAsync("bob");
        await den.SayAsync("one");
        var lobby = den.Lobby;
        using var other = den.Open("bob");
        var isFirst = true;
        den.Server.Lie = (request, _) =>
        {
            if ((string?)request["action"] == "history" && isFirst)
            {
                isFirst = false;
                other.Lobbies.Begin(
                    lobby.Id, new LogPoint(2, lobby.Rows[1].Hash),
                    lobby.Roster().Select(row => ((ulong)row.Seq, row.Entry)));
            }
            return null;
        };

        var entries = (await bob.HistoryAsync("den", cancellationToken: Cancel)).Entries;

        Assert.Equal([1, 2, 3], entries.Select(entry => entry.Seq));
        Assert.All(entries, entry => Assert.Equal(Verdict.Verified, entry.Verdict));
    }

    [Fact]
    public async Task Two_programs_that_are_shown_other_entries_at_one_place_find_out()
    {
        await using var den = await PaperDen.StartAsync();
        var (bob, lobbyId) = (await LetInReaderAsync(den), den.Lobby.Id);
        await den.SayAsync("two");
        using var other = den.Open("bob");
        var isFirst = true;
        TellBob(den.Server, row => (long)row["seq"]! == 4 && isFirst, _ =>
        {
            isFirst = false;
            // The other program was told that something stood there, and is gone.
            var gone = KeptLobbies.Restore(other, lobbyId)!.Take(
                new ServedRow(4, Guid.NewGuid(), default, Transcript.RowHash("something else"u8)), null);
            var row = new KeptEntry(gone.Row, gone.Sender, DateTimeOffset.UnixEpoch, null, null, null, 0, null);
            other.Lobbies.Append(lobbyId, [row], [], "den", isConfirmed: true);
        });

        var alarm = await Assert.ThrowsAsync<AlarmException>(() => bob.HistoryAsync("den", cancellationToken: Cancel));

        Assert.Equal((AlarmCode.Fork, 4), (alarm.Code, alarm.Seq));
    }

    [Fact]
    public async Task What_was_acknowledged_is_compared_also_where_another_program_took_in_the_entry()
    {
        await using var den = await PaperDen.StartAsync();
        await den.SayAsync("one");
        using (var crashed = den.Open("alice"))
        {
            var (lobbyId, id) = (den.Lobby.Id, Guid.NewGuid());
            crashed.Drafts.Add(lobbyId, id, Transcript.RowHash("something else"u8));
            crashed.Drafts.Acknowledge(lobbyId, id, 2);
        }

        var again = den.Again("alice");
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
        await using var den = await PaperDen.StartAsync();
        var bob = await den.LetInAsync("bob");
        using var file = StateFile.Open(den.Folder, Link.AddressOf(den.Server.Address), "bob");
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
        await using var den = await PaperDen.StartAsync();
        await using var content = File.Create(Path.Combine(den.Folder, "large"));
        content.SetLength(400L << 20);

        var refused = await Assert.ThrowsAsync<RefusedException>(
            () => den.Alice.Files.PutAsync("den", "large", "text/plain", content, Cancel));

        Assert.Equal(Conclave.Protocol.ErrorCode.TooLarge, refused.Code);
        Assert.Single(den.Lobby.Rows);
    }

    // Bob, who has read that alice said "one".
    static async Task<ConclaveClient> LetInReaderAsync(PaperDen den)
    {
        var bob = await den.LetInAsync("bob");
        await den.SayAsync("one");
        _ = await bob.HistoryAsync("den", cancellationToken: Cancel);
        return bob;
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
}
