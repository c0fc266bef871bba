namespace Conclave.Client.Probe;

/// <summary>What requests and replies look like, and in which order they come.</summary>
static class RequestRules
{
    public static IEnumerable<Rule> All =>
    [
        new("2", What_is_not_one_JSON_object_is_bad_json_without_id_and_action),
        new("2", A_key_twice_is_bad_json),
        new("2", An_id_is_echoed_byte_for_byte),
        new("2", A_request_without_an_id_is_answered_with_null),
        new("2", An_id_that_is_too_long_or_no_string_and_no_number_is_refused),
        new("2", Unknown_fields_are_ignored_and_the_order_of_fields_is_free),
        new("2", A_missing_action_is_refused_by_name),
        new("5", An_unknown_action_is_refused_and_echoed),
        new("5", A_refusal_has_a_code_and_a_sentence_and_nothing_that_is_not_documented),
        new("2", Replies_come_in_the_order_of_the_requests),
        new("2", Requests_that_are_sent_without_waiting_take_effect_in_their_order),
        new("2", Times_are_in_UTC_with_milliseconds),
    ];

    static async Task What_is_not_one_JSON_object_is_bad_json_without_id_and_action(Ground ground)
    {
        await using var wire = await ground.OpenAsync();
        string[] table =
        [
            "", "hello", "7", "null", "[]", "\"ping\"", """{"action":"ping"} {}""", """{"action":"ping","id":1,}""",
            """{'action':'ping'}""", """{"action":"ping"/**/}""", """{"action":"ping","x":01}""",
        ];
        foreach (var message in table)
        {
            await wire.SendAsItIsAsync(message);
            var reply = await wire.ReplyAsync();
            Expect.Refused(reply, "bad_json");
            Expect.Equal("null null", $"{reply.RawOf("id")} {reply.RawOf("action")}", "id and action");
        }
    }

    static async Task A_key_twice_is_bad_json(Ground ground)
    {
        await using var wire = await ground.OpenAsync();
        Expect.Refused(await wire.AskAsync("""{"action":"ping","x":1,"x":1}"""), "bad_json");
        Expect.Refused(await wire.AskAsync("""{"action":"ping","x":1,"\u0078":2}"""), "bad_json");
    }

    static async Task An_id_is_echoed_byte_for_byte(Ground ground)
    {
        await using var wire = await ground.OpenAsync();
        string[] table =
            ["7", "1.0", "-0", "1e2", "\"\"", "\"a\\u0062\\/\"", "\"ж😀\"", $"\"{new string('x', 64)}\"", "null"];
        foreach (var id in table)
            Expect.Equal(id, (await wire.DoAsync($$"""{"action":"ping","id": {{id}} }""")).RawOf("id"), "the id");
    }

    static async Task A_request_without_an_id_is_answered_with_null(Ground ground)
    {
        await using var wire = await ground.OpenAsync();
        Expect.Equal("null", (await wire.DoAsync("""{"action":"ping"}""")).RawOf("id"), "the id");
    }

    static async Task An_id_that_is_too_long_or_no_string_and_no_number_is_refused(Ground ground)
    {
        await using var wire = await ground.OpenAsync();
        foreach (var id in (string[])["[]", "{}", "true", $"\"{new string('x', 65)}\""])
            Expect.Refused(await wire.AskAsync($$"""{"action":"ping","id":{{id}}}"""), "bad_request", "id");
    }

    static async Task Unknown_fields_are_ignored_and_the_order_of_fields_is_free(Ground ground)
    {
        await using var wire = await ground.OpenAsync();
        var reply = await wire.DoAsync("""
             { "zzz" : [ { } , null ] , "id" : 5 , "ok" : false ,
             "action" : "ping" , "event" : "message" }
            """);
        Expect.Equal("5", reply.RawOf("id"), "the id");
    }

    static async Task A_missing_action_is_refused_by_name(Ground ground)
    {
        await using var wire = await ground.OpenAsync();
        Expect.Refused(await wire.AskAsync("""{"id":5}"""), "bad_request", "action");
        foreach (var action in (string[])["null", "7", """["ping"]"""])
            Expect.Refused(await wire.AskAsync($$"""{"id":5,"action":{{action}}}"""), "bad_request", "action");
    }

    static async Task An_unknown_action_is_refused_and_echoed(Ground ground)
    {
        await using var wire = await ground.OpenAsync();
        var reply = await wire.AskAsync("""{"action":"Ping","id":5}""");
        Expect.Refused(reply, "unknown_action");
        Expect.Equal("5 Ping", $"{reply.RawOf("id")} {reply.TextOf("action")}", "id and action");
    }

    static async Task A_refusal_has_a_code_and_a_sentence_and_nothing_that_is_not_documented(Ground ground)
    {
        await using var wire = await ground.OpenAsync();
        foreach (var bad in (string[])["nonsense", """{"action":"dance"}""", """{"action":"lobby_id"}"""])
        {
            var error = (await wire.AskAsync(bad))["error"];
            var names = error.EnumerateObject().Select(member => member.Name).ToList();
            Expect.True(
                names.Contains("code") && names.Contains("message")
                    && names.TrueForAll(name => name is "code" or "message" or "field" or "retry_after_ms" or "trace"),
                $"the error is {error}");
            Expect.True(error.GetProperty("message").GetString() is { Length: > 0 }, "the message is empty");
        }
    }

    static async Task Replies_come_in_the_order_of_the_requests(Ground ground)
    {
        await using var wire = await ground.OpenAsync();
        // What asks the database, what asks nobody, and what is refused at once.
        string[] requests =
        [
            $$"""{"action":"get_public_token","login":"{{ground.Alice.Login}}","id":0}""",
            """{"action":"ping","id":1}""", """{"action":"dance","id":2}""",
            $$"""{"action":"whoami","token":"{{ground.Alice.Token}}","id":3}""", """{"action":"ping","id":4}""",
        ];
        foreach (var request in requests)
            await wire.SendAsync(request);
        List<string> ids = [];
        while (ids.Count < requests.Length)
            ids.Add((await wire.ReplyAsync()).RawOf("id"));
        Expect.Sequence(["0", "1", "2", "3", "4"], ids, "the ids of the answers");
    }

    static async Task Requests_that_are_sent_without_waiting_take_effect_in_their_order(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = ground.Fresh();
        ground.Keep(den, ground.Alice);
        await alice.SendAsync($$"""{"action":"create_lobby","lobby_name":"{{den}}"}""");
        for (var number = 0; number < 5; number++)
            await alice.SendAsync(Ask.Post(den, $"{number}"));
        await alice.SendAsync(Ask.History(den));
        for (var seq = 1; seq <= 6; seq++)
            Expect.Equal(seq, (await alice.ReplyAsync()).MustBeOk().Seq, "the place in the log");
        Expect.Equal(6, (await alice.ReplyAsync()).MustBeOk().Events().Count, "the entries that history sees");
    }

    static async Task Times_are_in_UTC_with_milliseconds(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        Expect.Time((await alice.DoAsync("""{"action":"ping"}"""))["server_time"], "server_time");
        Expect.Time((await alice.DoAsync("""{"action":"whoami"}"""))["registered_at"], "registered_at");
    }
}
