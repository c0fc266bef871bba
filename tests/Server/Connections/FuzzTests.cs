using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Conclave.Tests.Support;
using CsCheck;

namespace Conclave.Tests.Server.Connections;

/// <summary>
/// Whatever text comes, each message gets exactly one reply, in order, none of them says that the server failed, and
/// the connection lives.
/// </summary>
public sealed class FuzzTests(SharedServer server) : IClassFixture<SharedServer>
{
    const int FramesAtOnce = 40;

    static readonly string[] Seeds =
    [
        // Too short a password: hashing those that are fit would take most of the time.
        """{"action":"register","login":"LOGIN","password":"pass"}""",
        """{"action":"auth","login":"LOGIN","password":"password"}""",
        """{"action":"create_lobby","token":"TOKEN","lobby_name":"NAME","nonce":"UUID"}""",
        """{"action":"get_public_token","login":"LOGIN"}""",
        """{"action":"lobby_id","lobby_name":"LOBBY","lobby_id":"UUID"}""",
        """{"action":"invite_lobby","token":"TOKEN","lobby_name":"LOBBY","public_token":"UUID","rights":["read"]}""",
        """{"action":"subscribe","token":"TOKEN","lobby_name":"LOBBY","after":1,"epoch":"x"}""",
        """{"action":"message","token":"TOKEN","lobby_name":"LOBBY","row_data":["\ud83d\ude00"],"nonce":"UUID"}""",
        """{"action":"message","token":"TOKEN","lobby_name":"LOBBY","row_data":"text"}""",
        """{"action":"whoami","token":"TOKEN","id":"abc"}""",
        """{"action":"my_lobbies","token":"TOKEN","after":"a"}""",
        """{"action":"members","token":"TOKEN","lobby_name":"LOBBY","after":"a"}""",
        """{"action":"history","token":"TOKEN","lobby_name":"LOBBY","before":3,"limit":5,"body_max":10}""",
        """{"action":"history","token":"TOKEN","lobby_name":"LOBBY","after":0,"limit":5}""",
        """{"action":"unsubscribe","token":"TOKEN","lobby_name":"LOBBY"}""",
        """{"action":"ping","id":12345678901234567890}""",
    ];

    static readonly string[] Splinters =
    [
        "\"", "\\", "{", "}", "[", "]", ",", ":", "\0", "\\u0000", "\\ud800", "\\udfff", "\\u", "\uFFFE", "\uFEFF",
        "\u202E", "\U0010FFFF", "null", "-1", "1e999", "9223372036854775807", "9223372036854775808", "-0.0", "true",
        " ", "\n", "'",
        "\"id\":1,", "\"token\":null,", "\"\":\"\",", "\"row_data\":", "[[[[", "%s%n", "../", "$1", "\u0130", "ẞ",
        "é", "e\u0301",
    ];

    static readonly Gen<string> Mutated = Gen.Select(
        Gen.Int[0, Seeds.Length - 1],
        Gen.Select(Gen.Int[0, 7], Gen.Int[0, 10_000], Gen.Int[0, 10_000]).Array[1, 4],
        (seed, changes) => changes.Aggregate(Seeds[seed], Mutate));

    static readonly Gen<string> Frames = Gen.Frequency(
        (8, Mutated),
        (1, Gen.String[0, 200].Select(Encode)),
        (1, Gen.Select(Gen.Int[0, Seeds.Length - 1], Gen.String[0, 40]).Select(
            (seed, text) => Fields().Aggregate(Seeds[seed], (frame, field) => frame.Replace(
                field, JsonSerializer.Serialize(Encode(text))[1..^1], StringComparison.Ordinal)))));

    [Fact]
    public async Task Any_text_gets_one_reply_in_order_and_never_internal()
    {
        await using var guest = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(guest);
        await Frames.Array[FramesAtOnce].SampleAsync(
            async frames => await AnswerAllAsync(guest, lobby, frames), iter: 100, threads: 1);
        await guest.Client.DoAsync($$"""{"action":"lobby_id","lobby_name":"{{lobby}}"}""");
    }

    async Task AnswerAllAsync(Guest guest, string lobby, string[] frames)
    {
        await using var client = await server.ConnectAsync();
        await client.DoAsync($$"""{"action":"whoami","token":"{{guest.Token}}"}""");
        for (var index = 0; index < frames.Length; index++)
        {
            frames[index] = Fields().Aggregate(frames[index], (frame, field) => frame.Replace(
                field, Value(field, guest, lobby), StringComparison.Ordinal));
            await client.SendAsync(frames[index]);
            await client.SendAsync($$"""{"action":"ping","id":"mark {{index}}"}""");
        }
        for (var index = 0; index < frames.Length; index++)
        {
            var reply = await client.ReplyAsync();
            Assert.True(IsReply(reply), $"{frames[index]}\n{reply.ToJsonString()}");
            Assert.Equal($"mark {index}", (await client.ReplyAsync())["id"]!.GetValue<string>());
        }
    }

    static bool IsReply(JsonObject reply) => reply["ok"]!.GetValue<bool>()
        || reply["error"]!["code"]!.GetValue<string>() is not ("internal" or "busy" or "unknown_outcome")
        && reply["error"]!["message"]!.GetValue<string>().Length > 0;

    static string[] Fields() => ["LOGIN", "TOKEN", "NAME", "UUID", "LOBBY"];

    string Value(string field, Guest guest, string lobby) => field switch
    {
        "LOGIN" => server.Fresh("fuzz"),
        "TOKEN" => guest.Token,
        "NAME" => server.Fresh("Fuzz "),
        "UUID" => guest.PublicToken,
        _ => lobby,
    };

    // What is no text cannot be sent as text.
    static string Encode(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));

    static string Mutate(string frame, (int How, int Where, int What) change)
    {
        var place = change.Where % (frame.Length + 1);
        var end = place + change.What % (frame.Length - place + 1);
        var splinter = Splinters[change.What % Splinters.Length];
        return Encode(change.How switch
        {
            0 => frame[..place],
            1 => frame.Remove(place, Math.Min(end - place, 3)),
            2 or 3 => frame.Insert(place, splinter),
            4 => frame.Insert(place, frame[place..end]),
            5 => frame.Insert(place, string.Concat(Enumerable.Repeat(splinter, 200))),
            6 => frame.Remove(place, Math.Min(1, frame.Length - place)).Insert(place, splinter),
            _ => ReplaceValue(frame, place, splinter),
        });
    }

    // The value behind the next colon becomes something else: the frame often stays an object.
    static string ReplaceValue(string frame, int place, string splinter)
    {
        var colon = frame.IndexOf(':', Math.Min(place, frame.Length));
        if (colon < 0)
            return frame;
        var end = frame.IndexOf(',', colon);
        var text = JsonSerializer.Serialize(Encode(splinter));
        return string.Concat(frame.AsSpan(0, colon + 1), text, end < 0 ? "}" : frame.AsSpan(end));
    }
}
