using System.Text;
using Conclave.Tests.Support;

namespace Conclave.Tests.Server.Actions;

/// <summary>What is posted is what arrives, byte for byte.</summary>
public sealed class RowDataTests(SharedServer server) : IClassFixture<SharedServer>
{
    static string Nested(int levels) => new string('[', levels) + new string(']', levels);

    static string NestedObjects(int levels) =>
        string.Concat(Enumerable.Repeat("{\"a\":", levels)) + "1" + new string('}', levels);

    [Fact]
    public async Task Row_data_is_any_JSON_value_and_arrives_as_the_bytes_it_was_posted_with()
    {
        await using var guest = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(guest);
        await guest.Client.DoAsync($$"""{"action":"subscribe","lobby_name":"{{lobby}}"}""");
        string[] values =
        [
            "null", "true", "false", "0", "-0", "1.0", "1.10", "1e400", "-1E-400", "123456789012345678901234567890.5",
            "\"\"", "\"a\"", "\"\\u0041\\/\\\"\\\\\"", "\"\\u0000\"", "\"\\ud83d\\ude00😀\"", "\"\u2028\u2029\u007F\"",
            "\"<script>&'+</script>\"", "[]", "{}", "[ 1 ,\t2\r\n,3 ]", "{ \"b\" : 1 , \"a\" : 2 }",
            "{\"a\":1,\"a\":2,\"\\u0061\":3}", "{\"action\":\"logout\",\"id\":1}", "{\"\":{\"\":[]}}",
            "\"Новый пароль\"",
            Nested(32), NestedObjects(32), $"[{Nested(31)},{Nested(31)}]", $"\"{new string('x', 100_000)}\"",
        ];
        foreach (var value in values)
        {
            await guest.Client.SendAsync(
                $$"""{"action":"message","row_data": {{value}}{{"\n"}},"lobby_name":"{{lobby}}"}""");
            var reply = Encoding.UTF8.GetString((await guest.Client.FrameAsync())!);
            Assert.Contains("\"ok\":true", reply, StringComparison.Ordinal);
            var live = Encoding.UTF8.GetString((await guest.Client.FrameAsync())!);
            Assert.Contains($"\"row_data\":{value},\"nonce\":", live, StringComparison.Ordinal);
        }
        await guest.Client.SendAsync($$"""{"action":"history","lobby_name":"{{lobby}}","after":1}""");
        var history = Encoding.UTF8.GetString((await guest.Client.FrameAsync())!);
        foreach (var value in values)
            Assert.Contains($"\"row_data\":{value},\"nonce\":", history, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Row_data_beyond_32_levels_or_with_half_a_surrogate_pair_is_refused()
    {
        await using var guest = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(guest);
        string[] unfit =
        [
            Nested(33), NestedObjects(33), $"[{NestedObjects(32)}]", Nested(10_000), """ "\ud800" """, """ "\udfff" """,
            """ "\ud83d\ud83d\ude00" """, """ "\ude00\ud83d" """, """ "\ud83dx\ude00" """, """ "\ud83d\n\ude00" """,
            """ ["a","\uDBFF"] """, """ {"\ud800":1} """, """ {"a":{"b":"\\\ud800"}} """,
        ];
        await Outcomes.HoldAsync(guest.Client,
        [
            .. unfit.Select(value => (Post(lobby, value), "bad_request row_data")),
            (Post(lobby, """ "\\ud800" """), "ok"),
            (Post(lobby, """ "\ud83d\uDE00\\\\" """), "ok"),
            (Post(lobby, "{\"a\""), "bad_json"),
            (Post(lobby, "[1,]"), "bad_json"),
            (Post(lobby, "\"a\nb\""), "bad_json"),
        ]);
    }

    [Fact]
    public async Task Entry_that_was_posted_without_a_nonce_gets_one_and_with_one_keeps_it()
    {
        await using var guest = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(guest);
        await guest.Client.DoAsync($$"""{"action":"subscribe","lobby_name":"{{lobby}}"}""");
        string[] nonces =
        [
            "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
            "ABCDEF01-2345-6789-ABCD-EF0123456789",
        ];
        foreach (var nonce in nonces)
        {
            await guest.Client.DoAsync(
                $$"""{"action":"message","lobby_name":"{{lobby}}","row_data":1,"nonce":"{{nonce}}"}""");
            var sent = await guest.Client.EventAsync();
            Assert.Equal(nonce.ToLowerInvariant(), sent["nonce"]!.GetValue<string>());
        }
        await guest.Client.DoAsync(Post(lobby, "1"));
        Assert.True(Guid.TryParseExact((await guest.Client.EventAsync())["nonce"]!.GetValue<string>(), "D", out _));
    }

    static string Post(string lobby, string value) =>
        $$"""{"action":"message","lobby_name":"{{lobby}}","row_data":{{value}}}""";
}
