using Conclave.Tests.Support;

namespace Conclave.Tests.Server.Actions;

/// <summary>The form of every field of every action: missing, of another type, at its edges and beyond them.</summary>
public sealed class FormTests(SharedServer server) : IClassFixture<SharedServer>
{
    const string Uuid = "0198a000-0000-7000-8000-0000000000aa";
    const string Number53 = "9007199254740991";

    static readonly string[] NoText = ["5", "true", "null", "[]", "{}", "[\"a\"]", """ "\ud800" """];

    static readonly string[] NoUuid =
    [
        .. NoText, "\"\"",
        "\"x\"", $"\" {Uuid}\"", $"\"{Uuid} \"", $"\"{{{Uuid}}}\"", $"\"{Uuid}0\"", $"\"{Uuid[1..]}\"",
        $"\"{Uuid.Replace("-", "", StringComparison.Ordinal)}\"", "\"0x98a000-0000-7000-8000-0000000000aa\"",
        "\"+198a000-0000-7000-8000-0000000000aa\"", "\"0198a000-0x00-7000-8000-0000000000aa\"",
    ];

    static readonly string[] NoInteger =
        ["\"5\"", "true", "null", "[]", "{}", "-1", "1.5", "9007199254740992", "1e400", "99999999999999999999"];

    static readonly string[] NoRights =
    [
        """["\ud800"]""",
        "\"read\"", "null", "5", "{}", "[5]", "[null]", """["read","read"]""", """["write","read","write"]""",
        """["Read"]""", """["delete"]""", """[["read"]]""", """[""]""", """["read",{}]""",
    ];

    // What each action needs, and in each of its fields what cannot be.
    static readonly (string Action, string Required, (string Field, string[] Wrong)[] Fields)[] Actions =
    [
        ("register", "login password", [("login", NoText), ("password", NoText), ("registration_code", ["5", "null"])]),
        ("auth", "login password", [("login", NoText), ("password", NoText)]),
        ("create_lobby", "lobby_name",
            [("lobby_name", NoText), ("nonce", NoUuid), ("sealed", ["true", "false", "null", "{}"])]),
        ("get_public_token", "login", [("login", NoText)]),
        ("kdf", "login", [("login", NoText)]),
        ("lobby_id", "lobby_name", [("lobby_name", NoText), ("lobby_id", NoUuid)]),
        ("invite_lobby", "lobby_name public_token",
        [
            ("lobby_name", NoText), ("lobby_id", NoUuid), ("public_token", NoUuid), ("rights", NoRights),
            ("nonce", NoUuid),
        ]),
        ("subscribe", "lobby_name",
            [("lobby_name", NoText), ("lobby_id", NoUuid), ("after", NoInteger), ("epoch", NoText)]),
        ("message", "lobby_name row_data",
        [
            ("lobby_name", NoText), ("lobby_id", NoUuid), ("nonce", NoUuid),
            ("expires_in", ["null", "\"1\"", "0"]), ("row_data", [""" "\ud800" """, """{"\udc00":1}"""]),
        ]),
        ("my_lobbies", "", [("after", NoText)]),
        ("members", "lobby_name", [("lobby_name", NoText), ("lobby_id", NoUuid), ("after", NoText)]),
        ("history", "lobby_name",
        [
            ("lobby_name", NoText), ("lobby_id", NoUuid), ("after", NoInteger), ("before", NoInteger),
            ("limit", [.. NoInteger, "0", "1001"]), ("body_max", [.. NoInteger, "2147483648"]),
        ]),
        ("unsubscribe", "lobby_name", [("lobby_name", NoText), ("lobby_id", NoUuid)]),
    ];

    static readonly Dictionary<string, string> Right = new(StringComparer.Ordinal)
    {
        ["login"] = "\"somebody\"",
        ["password"] = "\"some password\"",
        ["lobby_name"] = "\"nowhere\"",
        ["public_token"] = $"\"{Uuid}\"",
        ["row_data"] = "1",
    };

    [Fact]
    public async Task Field_that_is_missing_or_of_another_type_is_named()
    {
        await using var guest = await server.SignUpAsync();
        List<(string, string)> table = [];
        foreach (var (action, required, fields) in Actions)
        {
            var needs = required.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            foreach (var name in needs)
                table.Add((Request(action, needs.Where(need => need != name)), "bad_request " + name));
            foreach (var (field, values) in fields)
            {
                var others = needs.Where(need => need != field).ToArray();
                foreach (var value in values)
                    table.Add((Request(action, others, $",\"{field}\":{value}"), "bad_request " + field));
            }
        }
        await Outcomes.HoldAsync(guest.Client, table);
    }

    [Fact]
    public async Task Field_at_its_edge_is_fine()
    {
        await using var guest = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(guest);
        string History(string fields) => $$"""{"action":"history","lobby_name":"{{lobby}}"{{fields}}}""";
        await Outcomes.HoldAsync(guest.Client,
        [
            (History(""","after":0,"limit":1"""), "ok"),
            (History(""","after":1,"limit":1000"""), "ok"),
            (History(""","after":2"""), "bad_request after"),
            (History($""","after":{Number53}"""), "bad_request after"),
            (History(""","before":0"""), "ok"),
            (History($""","before":{Number53}"""), "ok"),
            (History(""","after":0,"before":1"""), "bad_request before"),
            (History(""","body_max":0"""), "ok"),
            (History(""","body_max":2147483647"""), "ok"),
            ($$"""{"action":"subscribe","lobby_name":"{{lobby}}","after":1}""", "ok"),
            ($$"""{"action":"subscribe","lobby_name":"{{lobby}}","after":2}""", "bad_request after"),
            ($$"""{"action":"message","lobby_name":"{{lobby}}"}""", "bad_request row_data"),
            ($$"""{"action":"members","lobby_name":"{{lobby}}","after":"\u0000"}""", "bad_request after"),
            ("""{"action":"my_lobbies","after":"a\u0000"}""", "bad_request after"),
            ("""{"action":"my_lobbies","after":"a\uFFFE"}""", "bad_request after"),
        ]);
    }

    [Fact]
    public async Task Login_is_1_to_64_characters_in_any_case_and_the_password_8_to_1024_bytes()
    {
        await using var client = await server.ConnectAsync();
        string Register(string login, string password = "12345678") =>
            $$"""{"action":"register","login":"{{login}}","password":"{{password}}"}""";
        var longest = new string('x', 64);
        await Outcomes.HoldAsync(client,
        [
            (Register("a"), "ok"),
            (Register(longest), "ok"),
            (Register(longest + "x"), "bad_request login"),
            (Register(""), "bad_request login"),
            (Register("AZaz09._-"), "ok"),
            (Register("azAZ09._-"), "login_taken login"),
            (Register("a b"), "bad_request login"),
            (Register("жук"), "bad_request login"),
            (Register("\u212A"), "bad_request login"),
            (Register("""a\u0000"""), "bad_request login"),
            (Register("""\u0062"""), "ok"),
            (Register("b"), "login_taken login"),
            (Register("p1", "1234567"), "bad_request password"),
            (Register("p2", "жжжж"), "ok"),
            (Register("p3", "жжж1"), "bad_request password"),
            (Register("p4", new string('p', 1024)), "ok"),
            (Register("p5", new string('p', 1025)), "too_large password"),
            (Register("p6", new string('ж', 513)), "too_large password"),
            (Register("p7", """\u0000\u0001234567"""), "ok"),
            ("""{"action":"auth","login":"P7","password":"\u0000\u0001234567"}""", "ok"),
            ("""{"action":"auth","login":"p7","password":"\u0000\u0001234568"}""", "bad_credentials"),
            ("""{"action":"auth","login":"p7","password":""}""", "bad_credentials"),
            ($$"""{"action":"auth","login":"p7","password":"{{new string('p', 2000)}}"}""", "bad_credentials"),
            ("""{"action":"auth","login":"nobody","password":"password"}""", "bad_credentials"),
            ("""{"action":"auth","login":"no body","password":"password"}""", "bad_request login"),
        ]);
        var registered = await client.DoAsync(Register("MixedCase"));
        Assert.Equal("mixedcase", registered["login"]!.GetValue<string>());
    }

    [Fact]
    public async Task Lobby_name_is_NFC_of_at_most_128_characters_and_255_bytes_and_unique_in_any_case()
    {
        await using var guest = await server.SignUpAsync();
        static string Create(string name) => $$"""{"action":"create_lobby","lobby_name":"{{name}}"}""";
        var most = new string('n', 128);
        await Outcomes.HoldAsync(guest.Client,
        [
            (Create("n"), "ok"),
            (Create("N"), "lobby_name_taken"),
            (Create(""), "bad_request lobby_name"),
            (Create(most), "ok"),
            (Create(most + "n"), "bad_request lobby_name"),
            (Create(new string('ж', 127)), "ok"),
            (Create(new string('ж', 128)), "too_large lobby_name"),
            (Create(string.Concat(Enumerable.Repeat("e\u0301", 120))), "ok"),
            (Create(new string('é', 120)), "lobby_name_taken"),
            (Create(new string('É', 120)), "lobby_name_taken"),
            (Create(new string('n', 5000)), "too_large lobby_name"),
            (Create("Жук"), "ok"),
            (Create("жУК"), "lobby_name_taken"),
            (Create("ΑΣ"), "ok"),
            (Create("ας"), "lobby_name_taken"),
            (Create(" a"), "bad_request lobby_name"),
            (Create("a\u00A0"), "bad_request lobby_name"),
            (Create("\u3000a"), "bad_request lobby_name"),
            (Create("a b"), "ok"),
            (Create("""a\tb"""), "bad_request lobby_name"),
            (Create("""a\u0000b"""), "bad_request lobby_name"),
            (Create("a\u0085b"), "bad_request lobby_name"),
            (Create("a\u200Db"), "bad_request lobby_name"),
            (Create("a\u202Eb"), "bad_request lobby_name"),
            (Create("a\uFEFFb"), "bad_request lobby_name"),
            (Create("a\u2028b"), "bad_request lobby_name"),
            (Create("a\u2029b"), "bad_request lobby_name"),
            (Create("a\U000E0001b"), "bad_request lobby_name"),
            (Create("a\uFFFEb"), "bad_request lobby_name"),
            (Create("""a\uFFFEb"""), "bad_request lobby_name"),
            (Create("a\uFFFFb"), "ok"),
            (Create("\U0001F600"), "ok"),
            (Create("""\ud83d\ude00"""), "lobby_name_taken"),
            (Create("\u0301"), "ok"),
            (Create("'; DROP TABLE lobbies; --"), "ok"),
            ("""{"action":"lobby_id","lobby_name":"жУк"}""", "ok"),
            ($$"""{"action":"lobby_id","lobby_name":"{{"e\u0301"}}"}""", "no_such_lobby"),
        ]);
        var created = await guest.Client.DoAsync(Create("Cafe\u0301"));
        Assert.Equal("Café", created["lobby_name"]!.GetValue<string>());
    }

    [Fact]
    public async Task Rights_come_in_any_order_and_read_goes_without_saying()
    {
        await using var guest = await server.SignUpAsync();
        (string? Asked, string Granted)[] table =
        [
            (null, """["read","write"]"""),
            ("[]", """["read"]"""),
            ("""["read"]""", """["read"]"""),
            ("""["write"]""", """["read","write"]"""),
            ("""["admin","invite","write","read"]""", """["read","write","invite","admin"]"""),
            (""" [ "invite" , "read" ] """, """["read","invite"]"""),
            ("""["\u0072ead","adm\u0069n"]""", """["read","admin"]"""),
        ];
        foreach (var (asked, granted) in table)
        {
            var lobby = await server.CreateLobbyAsync(guest);
            await using var other = await server.SignUpAsync();
            var rights = asked is null ? "" : $",\"rights\":{asked}";
            var invited = await guest.Client.DoAsync(
                $$"""
                {"action":"invite_lobby","lobby_name":"{{lobby}}","public_token":"{{other.PublicToken}}"{{rights}}}
                """);
            Assert.Equal(granted, invited["rights"]!.ToJsonString());
            Assert.Equal(other.Login, invited["login"]!.GetValue<string>());
            Assert.Equal(2, invited["seq"]!.GetValue<int>());
        }
    }

    static string Request(string action, IEnumerable<string> needs, string more = "") =>
        $"{{\"action\":\"{action}\"{string.Concat(needs.Select(need => $",\"{need}\":{Right[need]}"))}{more}}}";
}
