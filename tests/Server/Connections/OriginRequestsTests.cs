using System.Text.Json.Nodes;
using Conclave.Tests.Support;

namespace Conclave.Tests.Server.Connections;

/// <summary>The requests of the origin document, to the letter.</summary>
public sealed class OriginRequestsTests(PostgresCluster postgres)
{
    const string Secret = "Новый пароль для учетки админа 'test123'";

    [Fact]
    public async Task The_eight_requests_of_the_origin_document_work_as_they_are_written()
    {
        await using var server = await TestServer.StartAsync(postgres);
        await using var client = await server.ConnectAsync();
        await client.DoAsync("""{"action" : "register", "login" : "other", "password" : "password"}""");
        var registered = await client.DoAsync(
            """{"action" : "register", "login" : "login", "password" : "password"}""");
        var signedIn = await client.DoAsync("""{"action" : "auth", "login" : "login", "password" : "password"}""");
        Assert.Equal(Text(registered, "public_token"), Text(signedIn, "public_token"));
        var token = Text(signedIn, "token");
        var created = await client.DoAsync(
            $$"""{"action" : "create_lobby", "token" : "{{token}}", "lobby_name" : "first_lobby"}""");
        var lobbyId = Text(created, "lobby_id");
        var other = await client.DoAsync("""{"action" : "get_public_token", "login" : "other"}""");
        var lobby = await client.DoAsync("""{"action" : "lobby_id", "lobby_name" : "first_lobby"}""");
        Assert.Equal(lobbyId, Text(lobby, "lobby_id"));
        var guest = Text(other, "public_token");
        var head = $"\"lobby_name\" : \"first_lobby\", \"token\" : \"{token}\"";
        await client.DoAsync($$"""{"action" : "invite_lobby", {{head}}, "public_token" : "{{guest}}"}""");
        var subscribed = await client.DoAsync(
            $$"""{"action" : "subscribe", "lobby_name" : "first_lobby", "token" : "{{token}}"}""");
        Assert.Equal(2, subscribed["last_seq"]!.GetValue<long>());
        await client.DoAsync(
            $$"""{"action" : "message", {{head}}, "lobby_id" : "{{lobbyId}}", "row_data" : "{{Secret}}"}""");
        var received = await client.EventAsync();
        Assert.Equal(3, received["seq"]!.GetValue<long>());
        Assert.Equal(Secret, Text(received, "row_data"));
    }

    [Fact]
    public async Task What_was_posted_is_there_after_a_restart()
    {
        var server = await TestServer.StartAsync(postgres);
        await using (var client = await server.ConnectAsync())
        {
            await client.SignUpAsync("alice");
            await client.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
            await client.DoAsync($$"""{"action":"message","lobby_name":"den","row_data":"{{Secret}}"}""");
        }
        await using var restarted = await server.RestartAsync();
        await using var again = await restarted.ConnectAsync();
        await again.SignInAsync("alice");
        await again.DoAsync("""{"action":"subscribe","lobby_name":"den","after":1}""");
        Assert.Equal(Secret, Text(await again.EventAsync(), "row_data"));
    }

    static string Text(JsonObject frame, string field) => frame[field]!.GetValue<string>();
}
