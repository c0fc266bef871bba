namespace Conclave.Client.Probe;

/// <summary>What is deleted or expires: content goes, places and names stay.</summary>
static class ErasureRules
{
    public static IEnumerable<Rule> All =>
    [
        new("6", A_deleted_message_keeps_its_place_and_is_gone),
        new("6", Subscribers_are_told_which_message_was_deleted),
        new("4", To_delete_what_others_sent_takes_the_right_admin),
        new("5", What_is_no_message_cannot_be_deleted),
        new("6", A_message_says_when_it_expires_and_is_gone_from_that_moment),
        new("3", An_expiry_is_1_second_to_10_years_away),
        new("4", To_delete_a_lobby_takes_the_right_admin),
        new("3", A_deleted_lobby_is_gone_for_everybody_and_its_name_stays_taken),
    ];

    static async Task A_deleted_message_keeps_its_place_and_is_gone(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        await alice.DoAsync(Ask.Post(den, "\"first\""));
        await alice.DoAsync(Ask.Post(den, "\"second\""));
        await alice.DoAsync(Delete(den, 2));
        var entries = (await alice.DoAsync(Ask.History(den))).Events();
        Expect.Sequence([1, 2, 3], entries.Select(entry => entry.Seq ?? 0), "the places");
        Expect.Equal("null true", $"{entries[1].RawOf("row_data")} {entries[1].RawOf("gone")}", "row_data and gone");
        Expect.Equal("\"second\"", entries[2].RawOf("row_data"), "the other message");
        await alice.DoAsync(Ask.Subscribe(den, ",\"after\":1"));
        Expect.Equal("true", (await alice.EntryAsync()).RawOf("gone"), "gone, as a subscriber sees it");
    }

    static async Task Subscribers_are_told_which_message_was_deleted(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        await alice.DoAsync(Ask.Subscribe(den));
        await alice.DoAsync(Ask.Post(den, "1"));
        await alice.EntryAsync();
        await alice.DoAsync(Delete(den, 2));
        var hint = await alice.HintAsync("message_deleted");
        Expect.Equal((2L, "deleted"), (hint.NumberOf("deleted_seq"), hint.TextOf("reason")), "deleted_seq and reason");
        Expect.True(!hint.Has("seq"), "a hint is no entry, and has no seq");
    }

    static async Task To_delete_what_others_sent_takes_the_right_admin(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        await using var bob = await ground.OpenAsync(ground.Bob);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        await alice.DoAsync(Ask.Invite(den, ground.Bob));
        await alice.DoAsync(Ask.Post(den, "1"));
        await bob.DoAsync(Ask.Post(den, "2"));
        await bob.DoAsync(Ask.Post(den, "3"));
        Expect.Refused(await bob.AskAsync(Delete(den, 3)), "forbidden");
        await bob.DoAsync(Delete(den, 4));
        await alice.DoAsync(Delete(den, 5));
    }

    static async Task What_is_no_message_cannot_be_deleted(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        foreach (var seq in (long[])[1, 2, 99])
            Expect.Refused(await alice.AskAsync(Delete(den, seq)), "no_such_message");
    }

    static async Task A_message_says_when_it_expires_and_is_gone_from_that_moment(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        await alice.DoAsync(Ask.Subscribe(den));
        await alice.DoAsync(Ask.Post(den, "1", ",\"expires_in\":1"));
        Expect.Time((await alice.EntryAsync())["expires_at"], "expires_at");
        await Task.Delay(TimeSpan.FromSeconds(1.1), TimeProvider.System, ground.Cancellation);
        var entry = (await alice.DoAsync(Ask.History(den))).Events()[1];
        Expect.Equal("null true", $"{entry.RawOf("row_data")} {entry.RawOf("gone")}", "row_data and gone");
    }

    static async Task An_expiry_is_1_second_to_10_years_away(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        foreach (var seconds in (string[])["0", "-1", "315360001", "1.5", "\"60\""])
        {
            Expect.Refused(
                await alice.AskAsync(Ask.Post(den, "1", $",\"expires_in\":{seconds}")), "bad_request", "expires_in");
        }
        await alice.DoAsync(Ask.Post(den, "1", ",\"expires_in\":315360000"));
    }

    static async Task To_delete_a_lobby_takes_the_right_admin(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        await using var bob = await ground.OpenAsync(ground.Bob);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        await alice.DoAsync(Ask.Invite(den, ground.Bob, ",\"rights\":[\"write\",\"invite\"]"));
        Expect.Refused(await bob.AskAsync(Delete(den)), "forbidden");
    }

    static async Task A_deleted_lobby_is_gone_for_everybody_and_its_name_stays_taken(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        await using var bob = await ground.OpenAsync(ground.Bob);
        var den = ground.Fresh();
        await alice.DoAsync($$"""{"action":"create_lobby","lobby_name":"{{den}}"}""");
        await alice.DoAsync(Ask.Invite(den, ground.Bob));
        await bob.DoAsync(Ask.Subscribe(den));
        await alice.DoAsync(Delete(den));
        await bob.HintAsync("lobby_deleted");
        Expect.Refused(await bob.AskAsync(Ask.History(den)), "no_such_lobby");
        Expect.Refused(await alice.AskAsync(Ask.Post(den, "1")), "no_such_lobby");
        Expect.Refused(
            await bob.AskAsync($$"""{"action":"create_lobby","lobby_name":"{{den}}"}"""), "lobby_name_taken");
    }

    static string Delete(string den, long seq) =>
        $$"""{"action":"delete_message","lobby_name":"{{den}}","seq":{{seq}}}""";

    static string Delete(string den) => $$"""{"action":"delete_lobby","lobby_name":"{{den}}"}""";
}
