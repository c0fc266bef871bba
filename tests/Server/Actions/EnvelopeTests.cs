using System.Text;
using Conclave.Tests.Support;

namespace Conclave.Tests.Server.Actions;

/// <summary>What every request has in common: one JSON object, an id that comes back, an action, a token.</summary>
public sealed class EnvelopeTests(SharedServer server) : IClassFixture<SharedServer>
{
    [Fact]
    public async Task Only_one_JSON_object_without_a_key_twice_is_a_request()
    {
        await using var client = await server.ConnectAsync();
        var seventeen = string.Concat(Enumerable.Range(0, 17).Select(number => $",\"k{number}\":{number}"));
        await Outcomes.HoldAsync(client,
        [
            ("", "bad_json"),
            (" ", "bad_json"),
            ("5", "bad_json"),
            ("null", "bad_json"),
            ("[]", "bad_json"),
            ("""[{"action":"ping"}]""", "bad_json"),
            ("""{"action":"ping"}{}""", "bad_json"),
            ("""{"action":"ping"} x""", "bad_json"),
            ("""{"action":"ping",}""", "bad_json"),
            ("""{"action":"ping" /* now */}""", "bad_json"),
            ("""{'action':'ping'}""", "bad_json"),
            ("""{action:"ping"}""", "bad_json"),
            ("""{"action":"ping","x":01}""", "bad_json"),
            ("""{"action":"ping","x":NaN}""", "bad_json"),
            ("""{"action":"ping","x":"\x"}""", "bad_json"),
            ("{\"action\":\"ping\",\"x\":\"\t\"}", "bad_json"),
            ("{\"action\":\"ping\"", "bad_json"),
            ("\uFEFF{\"action\":\"ping\"}", "bad_json"),
            ("""{"action":"ping","\ud800":1}""", "bad_json"),
            ("""{"action":"ping","action":"ping"}""", "bad_json"),
            ("""{"action":"ping","\u0061ction":"ping"}""", "bad_json"),
            ("""{"action":"ping","x":1,"\u0078":2}""", "bad_json"),
            ("""{"action":"ping","\ud83d\ude00":1,"😀":2}""", "bad_json"),
            ($$"""{"action":"ping"{{seventeen}}}""", "ok"),
            ($$"""{"action":"ping"{{seventeen}},"k16":0}""", "bad_json"),
            ($$"""{"action":"ping"{{seventeen}},"k\u0030":0}""", "bad_json"),
            ($$"""{"action":"ping"{{seventeen}},"acti\u006fn":0}""", "bad_json"),
            ("""{"action":"ping","x":{"a":1,"a":2},"y":[[],{}]}""", "ok"),
            ("""{"action":"ping","x":"\ud800"}""", "ok"),
            (" \t\r\n{ \"x\" : 1 , \"action\" : \"ping\" } \n", "ok"),
            ("""{"\u0061ction":"p\u0069ng"}""", "ok"),
            ("{}", "bad_request action"),
            ("""{"action":5}""", "bad_request action"),
            ("""{"action":null}""", "bad_request action"),
            ("""{"action":"\ud800"}""", "bad_request action"),
            ("""{"action":""}""", "unknown_action"),
            ("""{"action":"Ping"}""", "unknown_action"),
            ("""{"action":"set_right"}""", "unknown_action"),
            ("""{"action":"pi\u0000ng"}""", "unknown_action"),
            ($$"""{"action":"ping","x":{{new string('[', 20_000)}}{{new string(']', 20_000)}}}""", "ok"),
        ]);
    }

    [Fact]
    public async Task Id_comes_back_byte_for_byte()
    {
        await using var client = await server.ConnectAsync();
        var longest = new string('i', 64);
        string[] ids =
        [
            "1", "0", "-0", "1.0", "1e5", "1E+05", "123456789012345678901234567890", "0.10", "\"\"", "\"a\"",
            "\"\\u0041\\/\\n\\\"\"", "\"\\u0000\"", "\"жук\"", "\"<&>\u2028\"", "\"\\ud83d\\ude00\"", $"\"{longest}\"",
            $"\"{string.Concat(Enumerable.Repeat("\\u0041", 64))}\"",
            $"\"{string.Concat(Enumerable.Repeat("😀", 64))}\"", "null",
        ];
        foreach (var id in ids)
        {
            await client.SendAsync($$"""{"action":"ping","id": {{id}} }""");
            var frame = Encoding.UTF8.GetString((await client.FrameAsync())!);
            Assert.StartsWith($$"""{"id":{{id}},"action":"ping","ok":true,""", frame, StringComparison.Ordinal);
        }
        string[] unfit = [$"\"{longest}i\"", "true", "[]", "{}", "\"\\ud800\""];
        foreach (var id in unfit)
        {
            await client.SendAsync($$"""{"action":"ping","id":{{id}}}""");
            var frame = Encoding.UTF8.GetString((await client.FrameAsync())!);
            Assert.StartsWith("""{"id":null,"action":"ping","ok":false,""", frame, StringComparison.Ordinal);
            Assert.Contains("""
                "code":"bad_request"
                """, frame, StringComparison.Ordinal);
        }
        await client.SendAsync("""{"id":1,"id":1}""");
        var unread = Encoding.UTF8.GetString((await client.FrameAsync())!);
        Assert.StartsWith("""{"id":null,"action":null,"ok":false,"error":{"code":"bad_json",""", unread,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Form_comes_before_the_token_and_the_token_before_everything_else()
    {
        await using var client = await server.ConnectAsync();
        const string Uuid = "0198a000-0000-4000-8000-0000000000aa";
        string[] tokens = ["", ",\"token\":null", ",\"token\":5", ",\"token\":\"x\"", $",\"token\":\"{Uuid}\""];
        List<(string, string)> table = [];
        foreach (var token in tokens)
        {
            table.AddRange(
            [
                ($$"""{"action":"whoami"{{token}}}""", "bad_token"),
                ($$"""{"action":"logout"{{token}}}""", "bad_token"),
                ($$"""{"action":"my_lobbies"{{token}}}""", "bad_token"),
                ($$"""{"action":"my_lobbies","after":5{{token}}}""", "bad_request after"),
                ($$"""{"action":"create_lobby","lobby_name":"a"{{token}}}""", "bad_token"),
                ($$"""{"action":"create_lobby","lobby_name":" a"{{token}}}""", "bad_request lobby_name"),
                ($$"""{"action":"message","lobby_name":"a","row_data":1{{token}}}""", "bad_token"),
                ($$"""{"action":"message","lobby_name":"a"{{token}}}""", "bad_request row_data"),
                ($$"""{"action":"message","lobby_id":"{{Uuid}}","row_data":1{{token}}}""", "bad_token"),
                ($$"""{"action":"subscribe","lobby_name":"a"{{token}}}""", "bad_token"),
                ($$"""{"action":"unsubscribe","lobby_name":"a"{{token}}}""", "bad_token"),
                ($$"""{"action":"history","lobby_name":"a"{{token}}}""", "bad_token"),
                ($$"""{"action":"members","lobby_name":"a"{{token}}}""", "bad_token"),
                ($$"""{"action":"invite_lobby","lobby_name":"a","public_token":"{{Uuid}}"{{token}}}""", "bad_token"),
                ($$"""{"action":"ping"{{token}}}""", "ok"),
                ($$"""{"action":"get_public_token","login":"nobody"{{token}}}""", "no_such_user"),
                ($$"""{"action":"lobby_id","lobby_name":"nowhere"{{token}}}""", "no_such_lobby"),
                ($$"""{"action":"nothing"{{token}}}""", "unknown_action"),
            ]);
        }
        await Outcomes.HoldAsync(client, table);
    }
}
