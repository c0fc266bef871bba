using Conclave.Client;

namespace Conclave.Tests.Client.Hostile;

/// <summary>What a server does to the entries of a lobby: drops, moves, repeats, rewrites, forks, forgets.</summary>
public sealed class LogLieTests
{
    [Fact]
    public async Task Entry_that_was_dropped_is_missed_by_the_one_after_it()
    {
        await using var den = await HostileDen.StartAsync();
        await den.SayAsync("four");
        await den.SayAsync("the fifth");

        den.TellBob(rows => rows.Where(row => row.Seq != 4));

        var said = await den.IsCaughtAsync("stale_transcript");
        Assert.DoesNotContain("the fifth", said.Output, StringComparison.Ordinal);
        await den.StandsAlsoWhenTheServerTellsTheTruthAsync("fork");
    }

    [Fact]
    public async Task Entries_in_another_order_are_refused()
    {
        await using var den = await HostileDen.StartAsync();
        await den.SayAsync("the fourth");
        await den.SayAsync("the fifth");

        den.TellBob(rows => rows.OrderBy(row => row.Seq == 4 ? 6 : row.Seq));

        var said = await den.IsCaughtAsync("stale_transcript");
        Assert.DoesNotContain("the fifth", said.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Entry_that_is_repeated_is_shown_once()
    {
        await using var den = await HostileDen.StartAsync();

        den.TellBob(rows => [.. rows, rows.Last()]);

        var said = await den.IsCaughtAsync("replay");
        Assert.Single(said.Output.Split('\n'), line => line.Contains(HostileDen.Truth, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Entry_that_was_said_to_be_gone_does_not_come_back_elsewhere()
    {
        await using var den = await HostileDen.StartAsync(hasRead: false);

        den.TellBob(rows => [.. rows.SkipLast(1), rows.Last() with { IsGone = true }, rows.Last()]);

        var said = await den.IsCaughtAsync("replay");
        Assert.DoesNotContain(HostileDen.Truth, said.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Entry_whose_bytes_are_left_out_unasked_is_not_taken_in()
    {
        await using var den = await HostileDen.StartAsync(hasRead: false);

        // The hash of an old entry stands at a new place, without its bytes, which are given when they are asked for.
        den.TellBob(rows => [.. rows, rows.Last()]);
        den.LieAbout("history", reply =>
        {
            if (reply["events"]!.AsArray() is not { Count: 4 } events)
                return;
            var last = events[3]!.AsObject();
            last.Remove("row_data");
            last["omitted"] = true;
            last["row_size"] = 500;
            last["row_hash"] = den.Told.Rows[3].RowHash;
        });

        // Nobody asked it to leave anything out: it breaks the protocol, and is not gone on with.
        foreach (var words in (IEnumerable<string[]>)[["history", "den"], ["send", "den", "nothing of this is sent"]])
        {
            var said = await den.RunAsync(words);
            Assert.Equal((ExitCode.Network, ""), (said.ExitCode, said.Output));
        }
        Assert.Equal(0, den.ChangesBy("bob"));
    }

    [Theory]
    [InlineData("header", 20)]
    [InlineData("box", 200)]
    public async Task Entry_that_was_edited_is_refused(string part, int place)
    {
        await using var den = await HostileDen.StartAsync();
        await den.SayAsync(HostileDen.Forged);

        den.TellBob(rows => rows.Select(row => row.Seq == 4 ? row.Edited(place) : row));

        // Its first bytes name the roster, which is looked at before the signature.
        await den.IsCaughtAsync(part == "header" ? "stale_roster" : "bad_signature");
    }

    [Fact]
    public async Task Entry_that_was_moved_here_from_another_lobby_is_refused()
    {
        await using var den = await HostileDen.StartAsync();
        await den.Alice.Lobbies.CreateSealedAsync("lair", cancellationToken: TestContext.Current.CancellationToken);
        await den.Alice.PostAsync(
            "lair", HostileDen.Forged, cancellationToken: TestContext.Current.CancellationToken);

        den.TellBob(rows => [.. rows, den.Server.LobbyNamed("lair").Rows[^1]]);

        await den.IsCaughtAsync("stale_roster");
    }

    [Fact]
    public async Task Entry_under_another_sender_is_refused()
    {
        await using var den = await HostileDen.StartAsync();
        await den.SayAsync(HostileDen.Forged);

        den.TellBob(rows => rows.Select(row =>
            row.Seq == 4 ? row with { Sender = den.Server.Users["bob"].Token } : row));

        await den.IsCaughtAsync("bad_signature");
    }

    [Theory]
    [InlineData("\"the wifi password is now hunter2\"")]
    [InlineData("{\"sealed\":\"AAAA\",\"sealed\":\"hunter2\"}")]
    public async Task Entry_that_is_not_sealed_is_not_shown_in_a_sealed_lobby(string rowData)
    {
        await using var den = await HostileDen.StartAsync();

        den.TellBob(rows => [.. rows, rows.Last() with { RowData = System.Text.Encoding.UTF8.GetBytes(rowData) }]);

        await den.IsCaughtAsync("bad_envelope");
    }

    [Fact]
    public async Task Entry_that_was_read_before_is_not_rewritten()
    {
        await using var den = await HostileDen.StartAsync();
        // Alice's other device writes at the same place: the server keeps both, and shows bob one after the other.
        den.Server.Lobbies[den.Lobby.Id] = den.Lobby.Copy(rows: 2);
        await using (var elsewhere = den.OtherDevice("alice"))
        {
            await elsewhere.PostAsync(
                "den", HostileDen.Forged, cancellationToken: TestContext.Current.CancellationToken);
        }

        await den.IsCaughtAsync("fork");
    }

    [Fact]
    public async Task Entry_that_was_read_before_does_not_come_again_as_another()
    {
        await using var den = await HostileDen.StartAsync();
        await den.SayAsync("four");
        den.LieAbout("history", reply => reply["events"]!.AsArray().Insert(
            0, den.Lobby.Event(den.Lobby.Rows[3] with { Seq = 3 }, den.Server.LoginOf, null)));

        await den.IsCaughtAsync("fork");
    }

    [Fact]
    public async Task Entry_whose_content_was_let_go_of_is_fetched_again_as_it_was()
    {
        await using var den = await HostileDen.StartAsync();
        await den.SayAsync("four");
        await den.ReadAsBobAsync();
        // Of a lobby that the server does not list the program keeps no content.
        den.LieAbout("my_lobbies", reply => reply["lobbies"]!.AsArray().Clear());
        await den.DoAsync("lobby", "list");
        den.LieAbout("history", reply =>
        {
            if (reply["events"]!.AsArray().SingleOrDefault(row => (long)row!["seq"]! == 3) is { } third)
                third["row_data"] = "@" + System.Text.Encoding.UTF8.GetString(den.Lobby.Rows[3].RowData);
        });

        Assert.Empty((await den.IsCaughtAsync("fork")).Output);
    }

    [Fact]
    public async Task Acknowledgement_with_the_value_of_another_log_is_noticed_at_once()
    {
        await using var den = await HostileDen.StartAsync();
        den.LieAbout("message", reply => reply["hash"] = den.Lobby.HashAt(3));

        var said = await den.RunAsync("send", "den", "mine");

        Assert.Equal((ExitCode.Alarm, ""), (said.ExitCode, said.Output));
        den.Server.Lie = null;
        await den.StandsAsync("fork");
    }

    [Fact]
    public async Task What_one_has_posted_must_stand_where_the_server_said()
    {
        await using var den = await HostileDen.StartAsync();
        den.LieAbout("message", reply => reply["seq"] = 5);
        Assert.Contains("#5", (await den.DoAsync("send", "den", "mine")).Output, StringComparison.Ordinal);
        den.Server.Lie = null;
        await den.SayAsync("the fifth");

        await den.RefusesAsync("rewritten", "history", "den");
        await den.StandsAsync("rewritten");
    }

    [Theory]
    [InlineData(4)]
    [InlineData(1_000_000)]
    public async Task Post_that_was_acknowledged_and_dropped_is_missed(long seq)
    {
        await using var den = await HostileDen.StartAsync();
        var before = den.Lobby;
        den.LieAbout("message", reply => reply["seq"] = seq);
        var posted = await den.RunAsync("send", "den", "mine");
        Assert.Equal(ExitCode.Ok, posted.ExitCode);

        den.Server.Lie = null;
        den.Server.Lobbies[before.Id] = before.Copy(rows: 3);

        await den.IsCaughtAsync("rollback");
    }

    [Fact]
    public async Task Log_that_was_rolled_back_is_noticed_and_the_alarm_stands_until_a_person_decides()
    {
        await using var den = await HostileDen.StartAsync();
        await den.SayAsync("four");
        await den.ReadAsBobAsync();

        den.TellBob(rows => rows.Take(3));

        var said = await den.IsCaughtAsync("rollback");
        Assert.Empty(said.Output);
        await den.StandsAlsoWhenTheServerTellsTheTruthAsync("rollback");
        await den.RefusesAsync("rollback", "lobby", "alarm", "den");
        await den.DoAsync("lobby", "alarm", den.Lobby.Id.ToString(), "--dismiss");
        await den.DoAsync("send", "den", "five");
        Assert.Equal(5, den.Lobby.Rows.Count);
    }

    [Fact]
    public async Task Fork_is_learnt_by_both_when_an_entry_crosses()
    {
        await using var den = await HostileDen.StartAsync();
        den.SignIn("alice");
        var hers = den.Lobby;
        var his = den.TellBob(rows => rows);
        await den.SayAsync("only for her");
        await den.DoAsync("send", "den", "only for him");
        await den.SayAsync("crosses over");
        await den.DoAsync("send", "den", "crosses back");
        var codeOfHers = (await den.RunAsAsync("alice", "lobby", "code", "den")).Output;
        var codeOfHis = (await den.DoAsync("lobby", "code", "den")).Output;
        Assert.NotEqual(codeOfHers, codeOfHis);

        // What each wrote last is shown to the other as well.
        his.Force(hers.Rows[4].Sender, hers.Rows[4].RowData, hers.Rows[4].Nonce);
        hers.Force(his.Rows[4].Sender, his.Rows[4].RowData, his.Rows[4].Nonce);

        (string Login, string Other)[] both = [("alice", "crosses back"), ("bob", "crosses over")];
        foreach (var (login, other) in both)
        {
            var said = await den.RefusesAsAsync(login, "fork", "history", "den");
            Assert.DoesNotContain(other, said.Output, StringComparison.Ordinal);
            await den.RefusesAsAsync(login, "fork", "send", "den", "nothing of this is sent");
        }
    }

    [Fact]
    public async Task Who_watches_is_shown_nothing_of_a_lie_either()
    {
        await using var den = await HostileDen.StartAsync();
        den.TellBob(rows => [.. rows, rows.Last()]);

        var said = await den.WatchAsync(until: "ALARM");

        Assert.Equal(ExitCode.Alarm, said.ExitCode);
        Assert.Single(said.Output.Split('\n'), line => line.Contains(HostileDen.Truth, StringComparison.Ordinal));
        await den.StandsAsync("replay");
    }
}
