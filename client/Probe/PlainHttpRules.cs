using System.Net.Http.Headers;
using System.Text;

namespace Conclave.Client.Probe;

/// <summary>The same requests as POST /api.</summary>
static class PlainHttpRules
{
    public static IEnumerable<Rule> All =>
    [
        new("1", A_request_by_POST_gets_its_reply_as_the_body),
        new("5", The_status_of_a_POST_follows_the_code),
        new("1", Only_a_POST_of_JSON_is_a_request),
        new("1", A_subscription_by_POST_streams_its_reply_and_then_events_a_line_each),
        new("1", Line_breaks_inside_row_data_come_as_spaces_in_a_stream),
    ];

    static async Task A_request_by_POST_gets_its_reply_as_the_body(Ground ground)
    {
        var (status, reply) = await PostAsync(
            ground, $$"""{"action":"whoami","token":"{{ground.Alice.Token}}","id":1.0}""");
        Expect.Equal(200, status, "the status");
        Expect.Equal("1.0", reply.MustBeOk().RawOf("id"), "the id");
        Expect.Equal(ground.Alice.Login, reply.TextOf("login"), "the login");
    }

    static async Task The_status_of_a_POST_follows_the_code(Ground ground)
    {
        var (_, lobby) = await PostAsync(ground, $$"""
            {"action":"create_lobby","token":"{{ground.Alice.Token}}","lobby_name":"{{ground.Fresh()}}"}
            """);
        var den = lobby.MustBeOk().TextOf("lobby_name");
        ground.Keep(den, ground.Alice);
        string By(Visitor visitor) => $"\"token\":\"{visitor.Token}\",\"lobby_name\":\"{den}\"";
        (string Request, int Status, string Code)[] table =
        [
            ("hello", 400, "bad_json"),
            ("""{"action":"dance"}""", 400, "unknown_action"),
            ($$"""{"action":"message",{{By(ground.Alice)}}}""", 400, "bad_request"),
            ("""{"action":"whoami"}""", 401, "bad_token"),
            ($$"""{"action":"message",{{By(ground.Carol)}},"row_data":1}""", 403, "forbidden"),
            ($$"""{"action":"lobby_id","lobby_name":"{{ground.Fresh()}}"}""", 404, "no_such_lobby"),
            ($$"""{"action":"create_lobby",{{By(ground.Carol)}}}""", 409, "lobby_name_taken"),
        ];
        foreach (var (request, expected, code) in table)
        {
            var (status, reply) = await PostAsync(ground, request);
            Expect.Refused(reply, code);
            Expect.Equal(expected, status, $"the status of {code}");
        }
    }

    static async Task Only_a_POST_of_JSON_is_a_request(Ground ground)
    {
        using var got = await ground.Http.GetAsync(new Uri("/api", UriKind.Relative), ground.Cancellation);
        Expect.Equal(405, (int)got.StatusCode, "the status of a GET");
        using var text = new StringContent("""{"action":"ping"}""", Encoding.UTF8, "text/plain");
        using var posted = await ground.Http.PostAsync(new Uri("/api", UriKind.Relative), text, ground.Cancellation);
        Expect.Equal(415, (int)posted.StatusCode, "the status of text/plain");
    }

    static async Task A_subscription_by_POST_streams_its_reply_and_then_events_a_line_each(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        using var response = await SubscribeAsync(ground, den);
        Expect.Equal("application/x-ndjson", response.Content.Headers.ContentType?.MediaType, "the type");
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(ground.Cancellation));
        Expect.Equal(1, (await LineAsync(lines, ground)).MustBeOk().NumberOf("last_seq"), "last_seq");
        Expect.Equal(1, (await LineAsync(lines, ground)).Seq, "the stored entry");
        await alice.DoAsync(Ask.Post(den, "\"live\""));
        Expect.Equal("\"live\"", (await LineAsync(lines, ground)).RawOf("row_data"), "the live entry");
    }

    static async Task Line_breaks_inside_row_data_come_as_spaces_in_a_stream(Ground ground)
    {
        await using var alice = await ground.OpenAsync(ground.Alice);
        var den = await ground.CreateLobbyAsync(alice, ground.Alice);
        await alice.DoAsync(Ask.Post(den, "[1.0,\r\n{\"event\":\"message\"}\n]"));
        using var response = await SubscribeAsync(ground, den);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(ground.Cancellation));
        await LineAsync(lines, ground);
        await LineAsync(lines, ground);
        var row = (await LineAsync(lines, ground)).RawOf("row_data");
        Expect.Equal("[1.0,  {\"event\":\"message\"} ]", row, "row_data");
    }

    static async Task<(int Status, Said Reply)> PostAsync(Ground ground, string request)
    {
        using var body = new StringContent(request, Encoding.UTF8, "application/json");
        using var response = await ground.Http.PostAsync(new Uri("/api", UriKind.Relative), body, ground.Cancellation);
        Expect.Equal("application/json", response.Content.Headers.ContentType?.MediaType, "the type");
        return ((int)response.StatusCode, Said.Read(await response.Content.ReadAsByteArrayAsync(ground.Cancellation)));
    }

    static async Task<HttpResponseMessage> SubscribeAsync(Ground ground, string den)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("/api", UriKind.Relative))
        {
            Content = new ByteArrayContent(Encoding.UTF8.GetBytes(
                $$"""{"action":"subscribe","token":"{{ground.Alice.Token}}","lobby_name":"{{den}}","after":0}""")),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return await ground.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ground.Cancellation);
    }

    static async Task<Said> LineAsync(StreamReader lines, Ground ground)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ground.Cancellation);
        patience.CancelAfter(TimeSpan.FromSeconds(15));
        try
        {
            var line = await lines.ReadLineAsync(patience.Token) ?? throw new BrokenRuleException("the stream ended");
            return Said.Read(Encoding.UTF8.GetBytes(line));
        }
        catch (OperationCanceledException) when (!ground.Cancellation.IsCancellationRequested)
        {
            throw new BrokenRuleException("the stream says nothing");
        }
    }
}
