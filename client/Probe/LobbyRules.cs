namespace Conclave.Client.Probe;

/// <summary>Lobbies and their names.</summary>
static class LobbyRules
{
    public static IEnumerable<Rule> All =>
    [
        new("3", The_creation_of_a_lobby_is_entry_1_of_its_log),
        new("2", The_id_of_a_plain_lobby_is_a_UUID_of_version_4_or_7),
        new("3", A_creator_has_all_four_rights),
        new("3", The_public_information_of_a_lobby_needs_no_token),
        new("3", A_lobby_name_is_unique_without_regard_to_case),
        new("3", A_lobby_name_is_brought_to_NFC_and_found_in_any_form),
        new("3", A_lobby_name_keeps_to_its_characters),
        new("3", A_lobby_name_has_at_most_255_bytes),
        new("2", A_lobby_is_named_by_name_or_id_or_both),
        new("2", Name_and_id_of_two_lobbies_are_refused_by_lobby_id),
        new("5", A_lobby_that_is_not_there_is_no_such_lobby),
        new("7", A_creation_with_the_same_nonce_is_the_duplicate),
        new("4", A_renamed_lobby_is_found_by_both_names_and_nobody_else_gets_the_old_one),
        new("4", To_rename_takes_the_right_admin),
        new("4", The_lobbies_of_a_user_are_listed_page_by_page),
    ];

    static async Task The_creation_of_a_lobby_is_entry_1_of_its_log(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = ground.Fresh();
        ground.Keep(den, ground.Alice);
        var made = await alice.DoAsync($$"""{"action":"create_lobby","lobby_name":"{{den}}"}""");
        Expect.Equal((den, 1L), (made.TextOf("lobby_name"), made.NumberOf("seq")), "name and seq");
        var entry = (await alice.DoAsync(Ask.History(den))).Events()[0];
        Expect.Equal(("lobby_created", 1L), (entry.Event, entry.NumberOf("seq")), "the first entry");
        Expect.Equal("false", entry.RawOf("sealed"), "sealed");
        Expect.Equal(ground.Alice.Login, entry["from"].GetProperty("login").GetString(), "the creator");
    }

    static async Task The_id_of_a_plain_lobby_is_a_UUID_of_version_4_or_7(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        Expect.Uuid(
            (await alice.DoAsync($$"""{"action":"lobby_id","lobby_name":"{{den}}"}"""))["lobby_id"], "47", "lobby_id");
    }

    static async Task A_creator_has_all_four_rights(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        var rights = (await alice.DoAsync(Ask.Subscribe(den))).RawOf("rights");
        Expect.Equal("""["read","write","invite","admin"]""", rights, "rights");
    }

    static async Task The_public_information_of_a_lobby_needs_no_token(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        await using var wire = await ground.OpenAsync();
        var lobby = await wire.DoAsync($$"""{"action":"lobby_id","lobby_name":"{{den}}"}""");
        Expect.Equal(den, lobby.TextOf("lobby_name"), "lobby_name");
        Expect.Equal(ground.Alice.Login, lobby["created_by"].GetProperty("login").GetString(), "created_by");
        Expect.Equal("false", lobby.RawOf("sealed"), "sealed");
        Expect.Time(lobby["created_at"], "created_at");
    }

    static async Task A_lobby_name_is_unique_without_regard_to_case(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        await using var bob = await ground.OpenAsync(ground.Bob);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        var upper = den.ToUpperInvariant();
        Expect.Refused(
            await bob.AskAsync($$"""{"action":"create_lobby","lobby_name":"{{upper}}"}"""), "lobby_name_taken");
        var found = await bob.DoAsync($$"""{"action":"lobby_id","lobby_name":"{{upper}}"}""");
        Expect.Equal(den, found.TextOf("lobby_name"), "the name that is found");
    }

    static async Task A_lobby_name_is_brought_to_NFC_and_found_in_any_form(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var (apart, composed) = (ground.Fresh() + "e\\u0301", "\\u00e9");
        var made = await alice.DoAsync($$"""{"action":"create_lobby","lobby_name":"{{apart}}"}""");
        ground.Keep(made.TextOf("lobby_name"), ground.Alice);
        Expect.True(made.TextOf("lobby_name").EndsWith('é'), $"the name is {made.RawOf("lobby_name")}, not in NFC");
        foreach (var form in (string[])[apart, apart.Replace("e\\u0301", composed, StringComparison.Ordinal)])
            await alice.DoAsync($$"""{"action":"lobby_id","lobby_name":"{{form}}"}""");
    }

    static async Task A_lobby_name_keeps_to_its_characters(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        string[] table =
            ["", " ", " a", "a ", "a\\u0000", "a\\nb", "a\\u200db", "a\\u2028b", "\\ud800", new string('a', 129)];
        foreach (var name in table)
        {
            Expect.Refused(
                await alice.AskAsync($$"""{"action":"create_lobby","lobby_name":"{{name}}"}"""),
                "bad_request", "lobby_name");
        }
        var longest = ground.Fresh().PadRight(128, 'x');
        await alice.DoAsync($$"""{"action":"create_lobby","lobby_name":"{{longest}}"}""");
        ground.Keep(longest, ground.Alice);
    }

    static async Task A_lobby_name_has_at_most_255_bytes(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var name = new string('ж', 128);
        Expect.Refused(
            await alice.AskAsync($$"""{"action":"create_lobby","lobby_name":"{{name}}"}"""), "too_large", "lobby_name");
    }

    static async Task A_lobby_is_named_by_name_or_id_or_both(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        var id = (await alice.DoAsync($$"""{"action":"lobby_id","lobby_name":"{{den}}"}""")).TextOf("lobby_id");
        string[] ways =
        [
            $"\"lobby_name\":\"{den}\"", $"\"lobby_id\":\"{id}\"", $"\"lobby_id\":\"{id.ToUpperInvariant()}\"",
            $"\"lobby_id\":\"{id}\",\"lobby_name\":\"{den}\"",
        ];
        foreach (var way in ways)
        {
            var posted = await alice.DoAsync($$"""{"action":"message",{{way}},"row_data":1}""");
            Expect.Equal(id, posted.TextOf("lobby_id"), "lobby_id");
        }
        Expect.True(!(await alice.AskAsync("""{"action":"message","row_data":1}""")).IsOk, "no lobby was named");
    }

    static async Task Name_and_id_of_two_lobbies_are_refused_by_lobby_id(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        var other = await ground.CreateLobbyAsync(alice, ground.Alice);
        var id = (await alice.DoAsync($$"""{"action":"lobby_id","lobby_name":"{{other}}"}""")).TextOf("lobby_id");
        Expect.Refused(
            await alice.AskAsync(Ask.Post(den, "1", $",\"lobby_id\":\"{id}\"")), "bad_request", "lobby_id");
    }

    static async Task A_lobby_that_is_not_there_is_no_such_lobby(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var nowhere = ground.Fresh();
        Expect.Refused(await alice.AskAsync(Ask.Post(nowhere, "1")), "no_such_lobby");
        Expect.Refused(await alice.AskAsync(Ask.Subscribe(nowhere)), "no_such_lobby");
        Expect.Refused(await alice.AskAsync(Ask.History(nowhere)), "no_such_lobby");
        Expect.Refused(
            await alice.AskAsync($$"""{"action":"lobby_id","lobby_id":"{{Ask.Nobody}}"}"""), "no_such_lobby");
    }

    static async Task A_creation_with_the_same_nonce_is_the_duplicate(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = ground.Fresh();
        ground.Keep(den, ground.Alice);
        var create = $$"""{"action":"create_lobby","lobby_name":"{{den}}","nonce":"{{Guid.NewGuid()}}"}""";
        var first = await alice.DoAsync(create);
        var second = await alice.DoAsync(create);
        Expect.Equal(first.TextOf("lobby_id"), second.TextOf("lobby_id"), "lobby_id");
        Expect.True(!first.Has("duplicate"), "the first is called a duplicate");
        Expect.Equal("true", second.RawOf("duplicate"), "duplicate");
        var other = create.Replace("nonce\":\"", "nonce\":\"0", StringComparison.Ordinal);
        Expect.Refused(await alice.AskAsync(other), "bad_request", "nonce");
    }

    static async Task A_renamed_lobby_is_found_by_both_names_and_nobody_else_gets_the_old_one(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        await using var bob = await ground.OpenAsync(ground.Bob);
        var old = await ground.CreateLobbyAsync(alice, ground.Alice);
        var id = (await alice.DoAsync(Ask.Subscribe(old))).TextOf("lobby_id");
        var name = ground.Fresh();
        var renamed = await alice.DoAsync(Rename(id, name));
        Expect.Equal(2, renamed.NumberOf("seq"), "seq");
        var entry = await alice.EntryAsync();
        Expect.Equal(("lobby_renamed", name), (entry.Event, entry.TextOf("lobby_name")), "event and lobby_name");
        foreach (var way in (string[])[old, name])
            Expect.Equal(id, (await alice.DoAsync(Ask.Post(way, "1"))).TextOf("lobby_id"), $"what {way} leads to");
        Expect.Refused(
            await bob.AskAsync($$"""{"action":"create_lobby","lobby_name":"{{old}}"}"""), "lobby_name_taken");
    }

    static async Task To_rename_takes_the_right_admin(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        await using var bob = await ground.OpenAsync(ground.Bob);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        await alice.DoAsync(Ask.Invite(den, ground.Bob, ",\"rights\":[\"write\",\"invite\"]"));
        var id = (await bob.DoAsync(Ask.Subscribe(den))).TextOf("lobby_id");
        Expect.Refused(await bob.AskAsync(Rename(id, ground.Fresh())), "forbidden");
    }

    static async Task The_lobbies_of_a_user_are_listed_page_by_page(Ground ground)
    {
        await using var carol = await ground.OpenAsync(ground.Carol);
        var (first, second) = (ground.Fresh(), ground.Fresh());
        foreach (var name in (string[])[second, first])
        {
            await carol.DoAsync($$"""{"action":"create_lobby","lobby_name":"{{name}}"}""");
            ground.Keep(name, ground.Carol);
        }
        var page = await carol.DoAsync($$"""{"action":"my_lobbies","after":"{{first}}"}""");
        var names = page["lobbies"].EnumerateArray().Select(lobby => lobby.GetProperty("lobby_name").GetString()!);
        Expect.True(names.First() == second, $"the first lobby after {first} is not {second}");
        Expect.Equal("false", page.RawOf("more"), "more");
    }

    static string Rename(string id, string name) =>
        $$"""{"action":"rename_lobby","lobby_id":"{{id}}","lobby_name":"{{name}}"}""";
}
