using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Reflection;
using System.Text;
using Conclave.Protocol;
using Conclave.Tests.Support;

namespace Conclave.Tests.Server.Connections;

/// <summary>Every action by plain HTTP: the same requests and replies, and a status that follows the code.</summary>
public sealed class PostTests(PostgresCluster postgres, SharedServer server) : IClassFixture<SharedServer>
{
    const string Unknown = "3f2c8f9e-31c5-4c6e-9d3b-0b1f7a5d2c11";

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_action_is_answered_as_on_a_socket()
    {
        using var client = new PostClient(server.Server.Url);
        await using var bob = await server.SignUpAsync();
        var login = server.Fresh("user");
        var lobby = server.Fresh("den");
        var secret = $"\"login\":\"{login}\",\"password\":\"password of {login}\"";
        await HoldAsync(client,
        [
            ($$"""{"action":"register",{{secret}}}""", "200 ok"),
            ($$"""{"action":"register",{{secret}}}""", "409 login_taken login"),
            ($$"""{"action":"auth","login":"{{login}}","password":"another one"}""", "401 bad_credentials"),
        ]);
        var (_, signedIn) = await client.AskAsync($$"""{"action":"auth",{{secret}}}""");
        var by = $"\"token\":\"{signedIn["token"]}\"";
        var where = $"{by},\"lobby_name\":\"{lobby}\"";
        await HoldAsync(client,
        [
            ($$"""{"action":"create_lobby",{{where}}}""", "200 ok"),
            ($$"""{"action":"create_lobby",{{where}}}""", "409 lobby_name_taken"),
            ($$"""{"action":"get_public_token","login":"{{login}}"}""", "200 ok"),
            ("""{"action":"get_public_token","login":"nobody"}""", "404 no_such_user"),
            ($$"""{"action":"lobby_id","lobby_name":"{{lobby}}"}""", "200 ok"),
            ("""{"action":"lobby_id","lobby_name":"nowhere"}""", "404 no_such_lobby"),
            ($$"""{"action":"invite_lobby",{{where}},"public_token":"{{bob.PublicToken}}"}""", "200 ok"),
            ($$"""{"action":"invite_lobby",{{where}},"public_token":"{{bob.PublicToken}}"}""", "409 already_member"),
            ($$"""{"action":"message",{{where}},"row_data":1,"nonce":"{{Unknown}}"}""", "200 ok"),
            ($$"""{"action":"message",{{where}},"row_data":2,"nonce":"{{Unknown}}"}""", "409 nonce_reused"),
            ($$"""{"action":"message","token":"{{Unknown}}","lobby_name":"{{lobby}}","row_data":1}""", "401 bad_token"),
            ($$"""{"action":"message",{{where}}}""", "400 bad_request row_data"),
            ($$"""{"action":"delete_message",{{where}},"seq":3}""", "200 ok"),
            ($$"""{"action":"delete_message",{{where}},"seq":1}""", "404 no_such_message"),
            ($$"""{"action":"rename_lobby",{{where}}}""", "400 bad_request lobby_id"),
            ($$"""{"action":"delete_lobby",{{by}},"lobby_name":"nowhere"}""", "404 no_such_lobby"),
            ($$"""{"action":"subscribe",{{where}},"after":99}""", "400 bad_request after"),
            ($$"""{"action":"subscribe",{{where}},"after":0,"epoch":"x"}""", "409 log_changed epoch"),
            ($$"""{"action":"whoami",{{by}}}""", "200 ok"),
            ($$"""{"action":"my_lobbies",{{by}}}""", "200 ok"),
            ($$"""{"action":"members",{{where}}}""", "200 ok"),
            ($$"""{"action":"history",{{where}}}""", "200 ok"),
            ($$"""{"action":"unsubscribe",{{where}}}""", "200 ok"),
            ($$"""{"action":"sessions",{{by}}}""", "200 ok"),
            ($$"""{"action":"revoke_session",{{by}},"session_id":"all_others"}""", "200 ok"),
            ($$"""
              {"action":"change_password",{{by}},"old_password":"password of {{login}}","new_password":"long enough"}
              """, "200 ok"),
            ("""{"action":"ping"}""", "200 ok"),
            ("""{"action":"dance"}""", "400 unknown_action"),
            ("""["action"]""", "400 bad_json"),
            ("", "400 bad_json"),
            ($$"""{"action":"logout",{{by}}}""", "200 ok"),
            ($$"""{"action":"logout",{{by}}}""", "401 bad_token"),
            ("""{"action":"whoami"}""", "401 bad_token"),
        ]);
        await HoldAsync(client,
        [
            ($$"""{"action":"message","token":"{{bob.Token}}","lobby_name":"{{lobby}}","row_data":1}""", "200 ok"),
            ($$"""
              {"action":"invite_lobby","token":"{{bob.Token}}","lobby_name":"{{lobby}}","public_token":"{{Unknown}}"}
              """, "403 forbidden"),
        ]);
    }

    [Fact]
    public async Task Every_action_of_sealing_is_answered_as_on_a_socket()
    {
        using var client = new PostClient(server.Server.Url);
        await using var guest = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(guest);
        var by = $"\"token\":\"{guest.Token}\"";
        var where = $"{by},\"lobby_name\":\"{lobby}\"";
        await HoldAsync(client,
        [
            ($$"""{"action":"kdf","login":"{{guest.Login}}"}""", "200 ok"),
            ("""{"action":"kdf","login":"nobody"}""", "404 no_such_user"),
            ($$"""{"action":"reset_identity",{{by}},"password":"x"}""", "400 bad_request identity"),
            ($$"""{"action":"roster",{{where}}}""", "400 bad_request lobby_name"),
            ($$"""{"action":"my_keys",{{where}}}""", "400 bad_request lobby_name"),
            ($$"""{"action":"rotate_key",{{where}}}""", "400 bad_request lobby_name"),
            ($$"""{"action":"succeed_member",{{where}}}""", "400 bad_request lobby_name"),
            ($$"""{"action":"need_key",{{where}},"generation":1}""", "400 bad_request lobby_name"),
            ($$"""{"action":"rewrap_key",{{where}},"generation":1}""", "400 bad_request public_token"),
        ]);
    }

    [Fact]
    public async Task Reply_echoes_the_request_and_keeps_row_data_as_it_was_sent()
    {
        using var client = new PostClient(server.Server.Url);
        await using var guest = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(guest);
        var where = $"\"token\":\"{guest.Token}\",\"lobby_name\":\"{lobby}\"";
        var (_, sent) = await client.AskAsync(
            $$"""{"id":1.0,"action":"message",{{where}},"row_data":[1.0,{{"\n"}}2]}""");
        Assert.Equal("1.0", sent["id"]!.ToJsonString());
        using var response = await client.SendAsync($$"""{"action":"history",{{where}},"limit":1}""");
        Assert.Contains("[1.0,\n2]", await response.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        Assert.True(response.Headers.CacheControl!.NoStore);
    }

    [Fact]
    public async Task Only_posts_of_json_are_requests()
    {
        using var client = new PostClient(server.Server.Url);
        Assert.Equal(405, await client.StatusAsync(HttpMethod.Get));
        Assert.Equal(405, await client.StatusAsync(HttpMethod.Put, "application/json"));
        Assert.Equal(405, await client.StatusAsync(HttpMethod.Options));
        Assert.Equal(415, await client.StatusAsync(HttpMethod.Post));
        Assert.Equal(415, await client.StatusAsync(HttpMethod.Post, "text/plain"));
        Assert.Equal(415, await client.StatusAsync(HttpMethod.Post, "application/x-www-form-urlencoded"));
        Assert.Equal(415, await client.StatusAsync(HttpMethod.Post, "application/json; charset=utf-16"));
        Assert.Equal(200, await client.StatusAsync(HttpMethod.Post, "application/json"));
        Assert.Equal(200, await client.StatusAsync(HttpMethod.Post, "Application/JSON; charset=UTF-8"));
    }

    [Fact]
    public async Task Large_request_shows_its_token_before_it_becomes_large()
    {
        using var client = new PostClient(server.Server.Url);
        await using var guest = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(guest);
        var head = $"{{\"action\":\"message\",\"lobby_name\":\"{lobby}\"";
        var token = $",\"token\":\"{guest.Token}\"";
        string Row(int bytes) => $",\"row_data\":\"{new string('x', bytes)}\"";
        var most = (1 << 20) - head.Length - token.Length - Row(0).Length - 1;
        await HoldAsync(client,
        [
            ($$"""{"action":"ping","x":"{{new string('x', (64 << 10) - 24)}}"}""", "200 ok"),
            ($$"""{"action":"ping","x":"{{new string('x', (64 << 10) - 23)}}"}""", "413 too_large"),
            (head + token + Row(most) + "}", "200 ok"),
            (head + token + Row(most + 1) + "}", "413 too_large"),
            (head + Row(60_000) + token + "}", "200 ok"),
            (head + Row(100_000) + token + "}", "413 too_large"),
            (head + $",\"token\":\"{Unknown}\"" + Row(100_000) + "}", "413 too_large"),
            (head + $",\"token\":7" + Row(100_000) + "}", "413 too_large"),
        ]);
        using var endless = new StreamContent(new MemoryStream(Encoding.UTF8.GetBytes(head + token + Row(2 * most))));
        endless.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        endless.Headers.ContentLength = null;
        using var response = await client.SendAsync(endless);
        Assert.Equal(413, (int)response.StatusCode);
    }

    [Fact]
    public async Task Whoever_asks_too_often_is_told_when_to_come_back()
    {
        await using var strict = await TestServer.StartAsync(postgres, new Limits { MessagesPerSecond = 1 });
        await using var alice = await strict.ConnectAsync();
        var token = await alice.SignUpAsync("alice");
        await alice.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
        using var client = new PostClient(strict.Url);
        for (var count = 0; count < 10; count++)
        {
            using var response = await client.SendAsync(
                $$"""{"action":"message","token":"{{token}}","lobby_name":"den","row_data":1}""");
            if ((int)response.StatusCode == 200)
                continue;
            var (status, reply) = await PostClient.ReadAsync(response);
            Assert.Equal((429, "rate_limited"), (status, Outcomes.Of(reply)));
            var wait = reply["error"]!["retry_after_ms"]!.GetValue<long>();
            Assert.Equal(TimeSpan.FromSeconds((wait + 999) / 1000), response.Headers.RetryAfter!.Delta);
            return;
        }
        Assert.Fail("ten messages at once were let through");
    }

    [Fact]
    public async Task Request_that_does_not_come_to_its_end_is_given_up()
    {
        await using var hasty = await TestServer.StartAsync(
            postgres, new Limits { RequestTimeMax = TimeSpan.FromMilliseconds(100) });
        using var socket = new TcpClient();
        await socket.ConnectAsync(hasty.Url.Host, hasty.Url.Port, Cancellation);
        var stream = socket.GetStream();
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes("POST /api HTTP/1.1\r\nHost: x\r\n"
                + "Content-Type: application/json\r\nContent-Length: 99\r\n\r\n{"),
            Cancellation);
        using var reader = new StreamReader(stream);
        Assert.Equal("HTTP/1.1 503 Service Unavailable", await reader.ReadLineAsync(Cancellation));
    }

    [Fact]
    public void Every_code_has_its_status()
    {
        Dictionary<int, string[]> table = new()
        {
            [400] = ["bad_json", "bad_request", "unknown_action", "bad_encoding", "bad_identity", "bad_vault",
                "weak_kdf", "bad_entry", "bad_signature", "bad_wraps", "bad_envelope", "wrong_lobby"],
            [401] = ["bad_credentials", "bad_token"],
            [403] = ["forbidden", "registration_closed"],
            [404] = ["no_such_user", "no_such_lobby", "no_such_message"],
            [409] = ["login_taken", "lobby_name_taken", "already_member", "not_a_member", "last_admin",
                "nonce_reused", "log_changed", "limit", "roster_conflict", "stale_roster", "stale_key",
                "stale_transcript", "fork", "replay"],
            [413] = ["too_large"],
            [429] = ["rate_limited"],
            [500] = ["internal"],
            [503] = ["busy", "unknown_outcome"],
        };
        var codes = typeof(ErrorCode).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(field => (string)field.GetRawConstantValue()!);
        Assert.Equal(
            table.SelectMany(line => line.Value.Select(code => (code, line.Key))).Order(),
            codes.Select(code => (code, ErrorCode.HttpStatus(code))).Order());
    }

    static async Task HoldAsync(PostClient client, IEnumerable<(string Request, string Outcome)> table)
    {
        StringBuilder wrong = new();
        foreach (var (request, expected) in table)
        {
            var outcome = await client.OutcomeAsync(request);
            if (!string.Equals(outcome, expected, StringComparison.Ordinal))
            {
                wrong.AppendLine(
                    null, $"{request[..Math.Min(200, request.Length)]}\n  gives {outcome}, not {expected}");
            }
        }
        Assert.True(wrong.Length == 0, wrong.ToString());
    }
}
