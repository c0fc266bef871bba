using System.Globalization;

namespace Conclave.Client.Probe;

/// <summary>Subscriptions and history: the log in order, without gaps, from any place.</summary>
static class ReadingRules
{
    public static IEnumerable<Rule> All =>
    [
        new("6", An_entry_says_what_happened_where_when_and_by_whom),
        new("6", No_entry_is_older_than_the_one_before_it),
        new("3", A_subscription_without_after_begins_behind_last_seq),
        new("7", A_subscription_gets_what_is_stored_and_then_what_is_live_without_a_seam),
        new("3", Events_of_a_subscription_follow_its_reply),
        new("3", After_beyond_the_end_is_refused_by_name),
        new("3", After_of_another_epoch_is_refused_as_log_changed),
        new("2", A_second_subscribe_moves_the_position),
        new("4", After_unsubscribe_nothing_comes),
        new("4", History_without_a_place_is_the_newest_page),
        new("4", History_goes_on_forward_and_backward),
        new("4", History_takes_after_or_before_and_not_both),
        new("4", A_limit_is_1_to_1000),
        new("4", Large_row_data_is_left_out_where_body_max_says_so),
        new("4", A_page_of_more_than_1_MiB_ends_early_and_says_that_there_is_more),
    ];

    static async Task An_entry_says_what_happened_where_when_and_by_whom(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        var lobbyId = (await alice.DoAsync(Ask.Subscribe(den))).TextOf("lobby_id");
        var posted = await alice.DoAsync(Ask.Post(den, "1"));
        var entry = await alice.EntryAsync();
        Expect.Equal(("message", den), (entry.Event, entry.TextOf("lobby_name")), "event and lobby_name");
        Expect.Equal((lobbyId, 2L), (entry.TextOf("lobby_id"), entry.NumberOf("seq")), "lobby_id and seq");
        Expect.Equal(posted.TextOf("sent_at"), entry.TextOf("sent_at"), "sent_at");
        Expect.Time(entry["sent_at"], "sent_at");
        Expect.Equal(
            $$"""{"login":"{{ground.Alice.Login}}","public_token":"{{ground.Alice.PublicToken}}"}""",
            string.Concat(entry.RawOf("from").Where(character => !char.IsWhiteSpace(character))), "from");
        Expect.True(!entry.Has("action") && !entry.Has("ok"), "an event looks like a reply");
    }

    static async Task No_entry_is_older_than_the_one_before_it(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        for (var number = 0; number < 20; number++)
            await alice.DoAsync(Ask.Post(den, "1"));
        var times = (await alice.DoAsync(Ask.History(den))).Events().ConvertAll(entry => entry.TextOf("sent_at"));
        Expect.Sequence(times.Order(StringComparer.Ordinal), times, "the times");
    }

    static async Task A_subscription_without_after_begins_behind_last_seq(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        await alice.DoAsync(Ask.Post(den, "1"));
        Expect.Equal(2, (await alice.DoAsync(Ask.Subscribe(den))).NumberOf("last_seq"), "last_seq");
        await alice.DoAsync(Ask.Post(den, "2"));
        Expect.Equal(3, (await alice.EntryAsync()).Seq, "the first entry that came");
    }

    static async Task A_subscription_gets_what_is_stored_and_then_what_is_live_without_a_seam(Ground ground)
    {
        const int Count = 60;
        await using var alice = await ground.OpenAsync(ground.Alice);
        await using var bob = await ground.OpenAsync(ground.Bob);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        await alice.DoAsync(Ask.Invite(den, ground.Bob));
        for (var number = 0; number < Count; number++)
        {
            await alice.SendAsync(Ask.Post(den, $"{number}"));
            if (number == Count / 2)
                await bob.SendAsync(Ask.Subscribe(den, ",\"after\":0"));
        }
        for (var number = 0; number < Count; number++)
            (await alice.ReplyAsync()).MustBeOk();
        for (var seq = 1; seq <= Count + 2; seq++)
            Expect.Equal(seq, (await bob.EntryAsync()).Seq, "the place in the log");
    }

    static async Task Events_of_a_subscription_follow_its_reply(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        await using var second = await ground.OpenAsync(ground.Alice);
        await second.SendAsync(Ask.Subscribe(den, ",\"after\":0"));
        while (await second.FrameAsync() is var (first, payload))
        {
            if (first != Wire.Text)
                continue;
            var said = Said.Read(payload);
            Expect.True(said.Seq is null, "an entry came before the reply");
            if (!said.IsEvent)
                break;
        }
        Expect.Equal(1, (await second.EntryAsync()).Seq, "the first entry");
    }

    static async Task After_beyond_the_end_is_refused_by_name(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        await alice.DoAsync(Ask.Subscribe(den, ",\"after\":1"));
        foreach (var after in (string[])["2", "-1", "0.5", "\"1\"", "9007199254740992"])
            Expect.Refused(await alice.AskAsync(Ask.Subscribe(den, $",\"after\":{after}")), "bad_request", "after");
    }

    static async Task After_of_another_epoch_is_refused_as_log_changed(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        var epoch = (await alice.DoAsync(Ask.Subscribe(den))).TextOf("epoch");
        await alice.DoAsync(Ask.Subscribe(den, $",\"after\":1,\"epoch\":\"{epoch}\""));
        Expect.Refused(await alice.AskAsync(Ask.Subscribe(den, ",\"after\":1,\"epoch\":\"another\"")), "log_changed");
    }

    static async Task A_second_subscribe_moves_the_position(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        await alice.DoAsync(Ask.Subscribe(den));
        await alice.DoAsync(Ask.Subscribe(den, ",\"after\":0"));
        await alice.DoAsync(Ask.Post(den, "1"));
        Expect.Equal(1, (await alice.EntryAsync()).Seq, "the first entry");
        Expect.Equal(2, (await alice.EntryAsync()).Seq, "the second entry");
        Expect.Equal(0, (await alice.EntriesUntilNowAsync()).Count, "the entries that came twice");
    }

    static async Task After_unsubscribe_nothing_comes(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        await alice.DoAsync(Ask.Subscribe(den));
        await alice.DoAsync($$"""{"action":"unsubscribe","lobby_name":"{{den}}"}""");
        await alice.DoAsync(Ask.Post(den, "1"));
        Expect.Equal(0, (await alice.EntriesUntilNowAsync()).Count, "the entries that came");
    }

    static async Task History_without_a_place_is_the_newest_page(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await FilledAsync(ground, alice);
        Page(await alice.DoAsync(Ask.History(den, ",\"limit\":3")), [8, 9, 10], more: true);
        Page(await alice.DoAsync(Ask.History(den)), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], more: false);
    }

    static async Task History_goes_on_forward_and_backward(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await FilledAsync(ground, alice);
        Page(await alice.DoAsync(Ask.History(den, ",\"after\":0,\"limit\":4")), [1, 2, 3, 4], more: true);
        Page(await alice.DoAsync(Ask.History(den, ",\"after\":8,\"limit\":4")), [9, 10], more: false);
        Page(await alice.DoAsync(Ask.History(den, ",\"before\":6,\"limit\":2")), [4, 5], more: true);
        Page(await alice.DoAsync(Ask.History(den, ",\"before\":3,\"limit\":4")), [1, 2], more: false);
        Page(await alice.DoAsync(Ask.History(den, ",\"after\":10")), [], more: false);
    }

    static async Task History_takes_after_or_before_and_not_both(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        Expect.Refused(await alice.AskAsync(Ask.History(den, ",\"after\":0,\"before\":2")), "bad_request");
    }

    static async Task A_limit_is_1_to_1000(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        foreach (var limit in (string[])["0", "1001", "-1", "\"10\"", "1.5"])
            Expect.Refused(await alice.AskAsync(Ask.History(den, $",\"limit\":{limit}")), "bad_request", "limit");
        foreach (var limit in (string[])["1", "1000"])
            await alice.DoAsync(Ask.History(den, $",\"limit\":{limit}"));
    }

    static async Task Large_row_data_is_left_out_where_body_max_says_so(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        await alice.DoAsync(Ask.Post(den, "\"12345678\""));
        await alice.DoAsync(Ask.Post(den, "\"123456789\""));
        var entries = (await alice.DoAsync(Ask.History(den, ",\"after\":1,\"body_max\":10"))).Events();
        Expect.Equal("\"12345678\"", entries[0].RawOf("row_data"), "what is as large as it may be");
        Expect.True(!entries[1].Has("row_data"), "what is larger is there");
        Expect.Equal(
            ("true", 11L), (entries[1].RawOf("omitted"), entries[1].NumberOf("row_size")), "omitted and row_size");
    }

    static async Task A_page_of_more_than_1_MiB_ends_early_and_says_that_there_is_more(Ground ground)
    {
        const int RowBytes = 400_000;
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        for (var number = 0; number < 4; number++)
            await alice.DoAsync(Ask.Post(den, $"\"{new string('x', RowBytes)}\""));
        var page = await alice.DoAsync(Ask.History(den, ",\"after\":0"));
        Expect.True(page.Text.Length <= (1 << 20) + RowBytes + 1000, $"the reply has {page.Text.Length} bytes");
        Expect.Equal("true", page.RawOf("more"), "more");
        var last = page.Events()[^1].Seq ?? 0;
        var rest = await alice.DoAsync(
            Ask.History(den, string.Create(CultureInfo.InvariantCulture, $",\"after\":{last}")));
        Expect.Equal(last + 1, rest.Events()[0].Seq, "where the next page begins");
    }

    static void Page(Said page, long[] seqs, bool more)
    {
        Expect.Sequence(seqs, page.Events().Select(entry => entry.Seq ?? 0), "the entries of the page");
        Expect.Equal(more ? "true" : "false", page.RawOf("more"), "more");
    }

    // A lobby whose log has ten entries.
    static async Task<string> FilledAsync(Ground ground, Wire alice)
    {
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        for (var number = 2; number <= 10; number++)
            await alice.DoAsync(Ask.Post(den, "1"));
        return den;
    }
}
