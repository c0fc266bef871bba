using System.Text.RegularExpressions;
using Conclave.Protocol;
using Conclave.Sdk;

namespace Conclave.Tests.Sdk;

/// <summary>What the client writes, byte for byte: one line for each action.</summary>
public sealed partial class WireTests
{
    const string Lobby = LobbyModel.LobbyId;
    const string Nonce = "11111111-2222-4333-8444-555555555555";

    const string Head = "\"token\":\"T\",\"lobby_name\":\"first_lobby\"";
    const string End = $"\"nonce\":\"{Nonce}\"";

    // Everything that a serialiser would put in order.
    const string Odd = """{"b" : 1.0,"a":[ 1e2, "\u0041" ],"b":null}""";

    [Fact(Timeout = 30_000)]
    public async Task Requests_stand_on_the_wire_as_the_protocol_says()
    {
        var cancel = TestContext.Current.CancellationToken;
        List<string> requests = [];
        await using var server = await ScriptedServer.StartAsync(async talk =>
        {
            while (true)
            {
                var request = await talk.ReadAsync();
                requests.Add(request.GetRawText());
                await talk.RefuseAsync(request, "internal");
            }
        });
        await using var client = new ConclaveClient(ConclaveOptions.Default with { Server = server.Address });
        client.UseToken("T");
        var nonce = Guid.Parse(Nonce);
        var lobby = Guid.Parse(Lobby);
        Func<Task>[] calls =
        [
            () => client.RegisterAsync("алиса", "пароль\"", cancel),
            () => client.SignInAsync("alice", "password"u8.ToArray(), cancel),
            () => client.CreateLobbyAsync("first_lobby", nonce, cancel),
            () => client.FindUserAsync("bob", cancel),
            () => client.FindLobbyAsync("first_lobby", cancel),
            () => client.InviteAsync("first_lobby", lobby, Rights.Read | Rights.Admin, nonce, cancel),
            () => client.PostAsync(new LobbyRef(lobby, "first_lobby"), "Новый 'test123'", nonce, cancel),
            () => client.PostAsync(lobby, Content.OfJson("  " + Odd + " "), nonce, cancel),
            () => client.WhoamiAsync(cancel),
            () => client.MyLobbiesAsync(cancel),
            () => client.MembersAsync("first_lobby", cancel),
            () => client.HistoryAsync("first_lobby", after: 5, limit: 10, bodyMax: 0, cancellationToken: cancel),
            () => client.HistoryAsync("first_lobby", before: 5, cancellationToken: cancel),
            () => client.PingAsync(cancel),
            () => client.SignOutAsync(cancel),
        ];
        foreach (var call in calls)
        {
            await Assert.ThrowsAsync<RefusedException>(call);
        }

        Assert.Equal(
            [
                """{"action":"register","login":"алиса","password":"пароль\""}""",
                """{"action":"auth","login":"alice","password":"password"}""",
                $$"""{"action":"create_lobby","token":"T","lobby_name":"first_lobby","nonce":"{{Nonce}}"}""",
                """{"action":"get_public_token","login":"bob"}""",
                """{"action":"lobby_id","lobby_name":"first_lobby"}""",
                $$"""{"action":"invite_lobby",{{Head}},"public_token":"{{Lobby}}","rights":["read","admin"],{{End}}}""",
                $$"""{"action":"message",{{Head}},"lobby_id":"{{Lobby}}","row_data":"Новый 'test123'",{{End}}}""",
                $$"""{"action":"message","token":"T","lobby_id":"{{Lobby}}","row_data":{{Odd}},{{End}}}""",
                """{"action":"whoami","token":"T"}""",
                """{"action":"my_lobbies","token":"T"}""",
                """{"action":"members","token":"T","lobby_name":"first_lobby"}""",
                """{"action":"history","token":"T","lobby_name":"first_lobby","limit":10,"after":5,"body_max":0}""",
                """{"action":"history","token":"T","lobby_name":"first_lobby","limit":100,"before":5}""",
                """{"action":"ping"}""",
                """{"action":"logout","token":"T"}""",
            ], requests.Select(request => IdField().Replace(request, "")));
        var ids = requests.Select(request => int.Parse(IdField().Match(request).Groups["id"].Value, null));
        Assert.Equal(Enumerable.Range(1, requests.Count), ids);
    }

    [Theory]
    [InlineData("http://example.org:7720", "ws://example.org:7720/ws")]
    [InlineData("http://example.org", "ws://example.org/ws")]
    [InlineData("https://example.org/", "wss://example.org/ws")]
    [InlineData("wss://example.org/conclave/ws", "wss://example.org/conclave/ws")]
    [InlineData("https://example.org/#part", "wss://example.org/ws")]
    [InlineData("ws://[::1]:9", "ws://[::1]:9/ws")]
    public void Address_of_a_site_means_its_socket(string server, string socket) =>
        Assert.Equal(new Uri(socket), Link.AddressOf(new Uri(server)));

    [Theory]
    [InlineData("ftp://example.org")]
    [InlineData("file:///tmp")]
    [InlineData("http://alice:password@example.org")]
    public void Address_of_something_else_is_refused(string server) =>
        Assert.Throws<ArgumentException>(() => new ConclaveClient(new ConclaveOptions { Server = new Uri(server) }));

    [Theory]
    [InlineData("")]
    [InlineData("1 2")]
    [InlineData("{")]
    [InlineData("{\"a\":1,}")]
    [InlineData("// comment\n1")]
    [InlineData("\"\\ud800\"")]
    public void Content_that_is_no_JSON_value_is_refused(string json) =>
        Assert.Throws<ArgumentException>(() => Content.OfJson(json));

    [Fact]
    public void Content_nests_at_most_32_levels()
    {
        Content.OfJson(new string('[', 32) + new string(']', 32));
        Assert.Throws<ArgumentException>(() => Content.OfJson(new string('[', 33) + new string(']', 33)));
    }

    [Fact]
    public void Text_with_half_a_character_is_refused() =>
        Assert.ThrowsAny<ArgumentException>(() => Content.OfText("a\ud800b"));

    [Fact]
    public void Content_cannot_be_printed_by_accident() =>
        Assert.Equal("Content(13 bytes)", Content.OfText("the secret!").ToString());

    [GeneratedRegex("\"id\":(?<id>[0-9]+),", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex IdField();
}
