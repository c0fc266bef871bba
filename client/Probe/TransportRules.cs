using System.Text;

namespace Conclave.Client.Probe;

/// <summary>Frames, closes and paths.</summary>
static class TransportRules
{
    static readonly byte[] PingRequest = """{"action":"ping"}"""u8.ToArray();

    public static IEnumerable<Rule> All =>
    [
        new("1", An_upgrade_is_accepted_at_ws_and_at_the_root),
        new("1", Compression_is_not_agreed_to),
        new("1", A_message_in_fragments_is_joined_also_within_a_character_and_around_a_ping),
        new("1", A_ping_is_answered_with_its_own_bytes),
        new("1", A_binary_message_closes_with_1003),
        new("1", Text_that_is_not_UTF8_closes_with_1007),
        new("1", A_message_over_the_size_limit_closes_with_1009),
        new("8", A_request_of_64_KiB_is_taken_before_a_token),
        new("1", What_came_before_a_breach_is_answered_before_the_close),
        new("8", A_goodbye_is_answered_with_1000),
        new("5", A_bad_request_does_not_close_the_connection),
        new("1", A_page_of_another_origin_is_turned_away_with_403),
        new("1", The_own_origin_is_let_in),
        new("1", The_server_says_that_it_lives_and_is_ready),
    ];

    static async Task An_upgrade_is_accepted_at_ws_and_at_the_root(Ground ground)
    {
        foreach (var path in (string[])["/ws", "/"])
        {
            await using var wire = await ground.OpenAsync(path);
            await wire.DoAsync("""{"action":"ping"}""");
        }
    }

    static async Task Compression_is_not_agreed_to(Ground ground)
    {
        const string Extension = "Sec-WebSocket-Extensions";
        await using var wire = await ground.OpenAsync(header: Extension + ": permessage-deflate");
        Expect.True(
            !wire.Handshake.Contains(Extension, StringComparison.OrdinalIgnoreCase), "the server agreed to compress");
    }

    static async Task A_message_in_fragments_is_joined_also_within_a_character_and_around_a_ping(Ground ground)
    {
        await using var wire = await ground.OpenAsync();
        var message = Encoding.UTF8.GetBytes("""{"action":"ping","id":"ж"}""");
        // Between the two bytes of ж.
        var middle = message.Length - 3;
        await wire.SendFrameAsync(Wire.FirstPart, message.AsMemory(0, 5));
        await wire.SendFrameAsync(Wire.Ping, "between"u8.ToArray());
        await wire.SendFrameAsync(Wire.NextPart, message.AsMemory(5, middle - 5));
        await wire.SendFrameAsync(Wire.LastPart, message.AsMemory(middle));
        while (await wire.FrameAsync() is var (first, payload))
        {
            if (first == Wire.Pong)
                continue;
            Expect.Equal("\"ж\"", Said.Read(payload).MustBeOk().RawOf("id"), "the id");
            return;
        }
        throw new BrokenRuleException("the server ended the connection");
    }

    static async Task A_ping_is_answered_with_its_own_bytes(Ground ground)
    {
        await using var wire = await ground.OpenAsync();
        await wire.SendFrameAsync(Wire.Ping, "still there?"u8.ToArray());
        var (first, payload) = await wire.FrameAsync() ?? default;
        Expect.Equal(Wire.Pong, first, "the kind of the answer");
        Expect.Equal("still there?", Encoding.UTF8.GetString(payload), "the payload");
    }

    static Task A_binary_message_closes_with_1003(Ground ground) =>
        ClosesAsync(ground, 1003, wire => wire.SendFrameAsync(Wire.Binary, PingRequest));

    static Task Text_that_is_not_UTF8_closes_with_1007(Ground ground) =>
        ClosesAsync(ground, 1007, wire => wire.SendFrameAsync(Wire.Text, new byte[] { 0x7B, 0xC0, 0xAF, 0x7D }));

    static Task A_message_over_the_size_limit_closes_with_1009(Ground ground) =>
        ClosesAsync(ground, 1009, wire => wire.SendFrameAsync(Wire.Text, Padded((1 << 20) + 1)));

    static async Task A_request_of_64_KiB_is_taken_before_a_token(Ground ground)
    {
        await using var wire = await ground.OpenAsync();
        await wire.SendFrameAsync(Wire.Text, Padded(64 << 10));
        (await wire.ReplyAsync()).MustBeOk();
    }

    static async Task What_came_before_a_breach_is_answered_before_the_close(Ground ground)
    {
        await using var wire = await ground.OpenAsync();
        await wire.SendAsync("""{"action":"ping","id":1}""");
        await wire.SendFrameAsync(Wire.Binary, PingRequest);
        Expect.Equal("1", (await wire.ReplyAsync()).RawOf("id"), "the id of the answer");
        Expect.Equal(1003, await wire.ClosedAsync(), "the close code");
    }

    static Task A_goodbye_is_answered_with_1000(Ground ground) =>
        ClosesAsync(ground, 1000, wire => wire.SendFrameAsync(Wire.Close, new byte[] { 0x03, 0xE8 }));

    static async Task A_bad_request_does_not_close_the_connection(Ground ground)
    {
        await using var wire = await ground.OpenAsync();
        foreach (var bad in (string[])["nonsense", "", "[]", """{"action":7}""", """{"action":"dance"}"""])
            Expect.True(!(await wire.AskAsync(bad)).IsOk, $"{bad} was answered ok");
        await wire.DoAsync("""{"action":"ping"}""");
    }

    static async Task A_page_of_another_origin_is_turned_away_with_403(Ground ground)
    {
        await using var wire = await Wire.OpenAsync(
            ground.Server, "/ws", "Origin: https://elsewhere.invalid", ground.Cancellation);
        Expect.True(
            wire.Handshake.StartsWith("HTTP/1.1 403", StringComparison.Ordinal),
            $"the upgrade got {wire.Handshake.Split("\r\n")[0]}");
    }

    static async Task The_own_origin_is_let_in(Ground ground)
    {
        await using var wire = await ground.OpenAsync(
            header: $"Origin: {ground.Server.GetLeftPart(UriPartial.Authority)}");
        await wire.DoAsync("""{"action":"ping"}""");
    }

    static async Task The_server_says_that_it_lives_and_is_ready(Ground ground)
    {
        foreach (var path in (string[])["/healthz", "/readyz"])
        {
            using var response = await ground.Http.GetAsync(new Uri(path, UriKind.Relative), ground.Cancellation);
            Expect.Equal(200, (int)response.StatusCode, path);
        }
    }

    static async Task ClosesAsync(Ground ground, int code, Func<Wire, Task> breach)
    {
        await using var wire = await ground.OpenAsync();
        await breach(wire);
        Expect.Equal(code, await wire.ClosedAsync(), "the close code");
    }

    static byte[] Padded(int bytes)
    {
        var message = new byte[bytes];
        message.AsSpan().Fill((byte)' ');
        PingRequest.CopyTo(message, 0);
        return message;
    }
}
