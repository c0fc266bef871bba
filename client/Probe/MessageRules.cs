using System.Text;

namespace Conclave.Client.Probe;

/// <summary>What is posted, what comes back, and how often.</summary>
static class MessageRules
{
    public static IEnumerable<Rule> All =>
    [
        new("3", Row_data_comes_back_live_and_stored_as_the_bytes_it_was_sent_in),
        new("3", Row_data_may_be_any_JSON_value),
        new("3", Row_data_nests_32_levels_and_no_more),
        new("3", Row_data_with_half_a_surrogate_pair_is_refused),
        new("3", A_message_without_row_data_is_refused_by_name),
        new("7", A_repeated_nonce_is_answered_with_the_first_seq_and_stored_once),
        new("7", A_nonce_with_another_content_is_refused),
        new("7", A_nonce_belongs_to_its_sender),
        new("7", A_duplicate_is_known_also_when_its_sender_was_removed),
        new("6", A_message_comes_with_the_nonce_of_its_sender),
        new("7", Messages_of_one_connection_get_ascending_places_in_the_order_sent),
        new("4", To_send_takes_the_right_to_write),
    ];

    static async Task Row_data_comes_back_live_and_stored_as_the_bytes_it_was_sent_in(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        await alice.DoAsync(Ask.Subscribe(den));
        string[] rows =
        [
            """{"b" : 1.0,"a":[1e3,-0 ,1E+2],"a":2}""", "\"\\u0041\\/ж\\u0436😀\"", "[1,\n\t2 ]",
            "12345678901234567890.10", "1e999", "{ }", "\"</script>'&+\"",
        ];
        foreach (var row in rows)
        {
            var seq = (await alice.DoAsync(Ask.Post(den, row))).NumberOf("seq");
            Expect.Equal(row, (await alice.EntryAsync()).RawOf("row_data"), "what came live");
            var page = await alice.DoAsync(Ask.History(den, $",\"after\":{seq - 1}"));
            Expect.Equal(row, page.Events()[0].RawOf("row_data"), "what was stored");
        }
    }

    static async Task Row_data_may_be_any_JSON_value(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        foreach (var row in (string[])["null", "true", "0", "\"\"", "[]", "{}"])
            await alice.DoAsync(Ask.Post(den, row));
        var rows = (await alice.DoAsync(Ask.History(den, ",\"after\":1"))).Events().Select(e => e.RawOf("row_data"));
        Expect.Sequence(["null", "true", "0", "\"\"", "[]", "{}"], rows, "row_data");
    }

    static async Task Row_data_nests_32_levels_and_no_more(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        await alice.DoAsync(Ask.Post(den, Nested(32)));
        Expect.Refused(await alice.AskAsync(Ask.Post(den, Nested(33))), "bad_request", "row_data");
        Expect.Refused(await alice.AskAsync(Ask.Post(den, Nested(10_000))), "bad_request", "row_data");
    }

    static async Task Row_data_with_half_a_surrogate_pair_is_refused(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        foreach (var row in (string[])["\"\\ud83d\"", "\"\\ude00\\ud83d\"", """{"\udc00":1}"""])
            Expect.Refused(await alice.AskAsync(Ask.Post(den, row)), "bad_request", "row_data");
        await alice.DoAsync(Ask.Post(den, "\"\\ud83d\\ude00\""));
    }

    static async Task A_message_without_row_data_is_refused_by_name(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        Expect.Refused(
            await alice.AskAsync($$"""{"action":"message","lobby_name":"{{den}}"}"""), "bad_request", "row_data");
    }

    static async Task A_repeated_nonce_is_answered_with_the_first_seq_and_stored_once(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        var post = Ask.Post(den, "{\"a\":1}", Nonce(Guid.NewGuid()));
        var first = await alice.DoAsync(post);
        var second = await alice.DoAsync(post);
        Expect.Equal(first.NumberOf("seq"), second.NumberOf("seq"), "seq");
        Expect.Equal(first.TextOf("sent_at"), second.TextOf("sent_at"), "sent_at");
        Expect.True(!first.Has("duplicate"), "the first is called a duplicate");
        Expect.Equal("true", second.RawOf("duplicate"), "duplicate");
        Expect.Equal(2, (await alice.DoAsync(Ask.History(den))).NumberOf("last_seq"), "last_seq");
    }

    static async Task A_nonce_with_another_content_is_refused(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        var nonce = Nonce(Guid.NewGuid());
        await alice.DoAsync(Ask.Post(den, "1", nonce));
        Expect.Refused(await alice.AskAsync(Ask.Post(den, "1.0", nonce)), "nonce_reused");
        Expect.Refused(await alice.AskAsync(Ask.Invite(den, ground.Bob, nonce)), "nonce_reused");
    }

    static async Task A_nonce_belongs_to_its_sender(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        await using var bob = await ground.OpenAsync(ground.Bob);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        await alice.DoAsync(Ask.Invite(den, ground.Bob));
        var post = Ask.Post(den, "1", Nonce(Guid.NewGuid()));
        await alice.DoAsync(post);
        Expect.True(!(await bob.DoAsync(post)).Has("duplicate"), "another's message is called a duplicate");
    }

    static async Task A_duplicate_is_known_also_when_its_sender_was_removed(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        await using var bob = await ground.OpenAsync(ground.Bob);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        await alice.DoAsync(Ask.Invite(den, ground.Bob));
        var post = Ask.Post(den, "1", Nonce(Guid.NewGuid()));
        var first = await bob.DoAsync(post);
        await alice.DoAsync(Ask.About("remove_member", den, ground.Bob));
        var second = await bob.DoAsync(post);
        Expect.Equal(
            (first.NumberOf("seq"), "true"), (second.NumberOf("seq"), second.RawOf("duplicate")), "seq and duplicate");
        Expect.Refused(await bob.AskAsync(Ask.Post(den, "1", Nonce(Guid.NewGuid()))), "forbidden");
    }

    static async Task A_message_comes_with_the_nonce_of_its_sender(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        await alice.DoAsync(Ask.Subscribe(den));
        var nonce = Guid.NewGuid();
        await alice.DoAsync(Ask.Post(den, "1", Nonce(nonce)));
        Expect.Equal(nonce.ToString(), (await alice.EntryAsync()).TextOf("nonce"), "the nonce");
        await alice.DoAsync(Ask.Post(den, "1"));
        Expect.Uuid((await alice.EntryAsync())["nonce"], "0123456789abcdef", "the nonce that the server drew");
    }

    static async Task Messages_of_one_connection_get_ascending_places_in_the_order_sent(Ground ground)
    {
        const int Count = 100;
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        for (var number = 0; number < Count; number++)
            await alice.SendAsync(Ask.Post(den, $"{number}", $",\"id\":{number}"));
        for (var number = 0; number < Count; number++)
        {
            var reply = (await alice.ReplyAsync()).MustBeOk();
            Expect.Equal(($"{number}", number + 2L), (reply.RawOf("id"), reply.NumberOf("seq")), "id and seq");
        }
        var rows = (await alice.DoAsync(Ask.History(den, ",\"after\":1"))).Events().Select(e => e.RawOf("row_data"));
        Expect.Sequence(Enumerable.Range(0, Count).Select(number => $"{number}"), rows, "what was stored");
    }

    static async Task To_send_takes_the_right_to_write(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        await using var bob = await ground.OpenAsync(ground.Bob);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        await alice.DoAsync(Ask.Invite(den, ground.Bob, ",\"rights\":[]"));
        Expect.Refused(await bob.AskAsync(Ask.Post(den, "1")), "forbidden");
    }

    static string Nonce(Guid nonce) => $",\"nonce\":\"{nonce}\"";

    static string Nested(int levels) =>
        new StringBuilder().Append('[', levels).Append(']', levels).ToString();
}
