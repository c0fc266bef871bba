using Conclave.Tests.Support;

namespace Conclave.Tests.Server.Actions;

/// <summary>Who may do what, and what is said to those who may not.</summary>
public sealed class RefusalTests(SharedServer server) : IClassFixture<SharedServer>
{
    const string Unknown = "0198a000-0000-7000-8000-0000000000aa";

    [Fact]
    public async Task Lobby_is_named_by_name_or_id_and_both_must_agree()
    {
        await using var guest = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(guest);
        var other = await server.CreateLobbyAsync(guest);
        var id = (await guest.Client.DoAsync($$"""{"action":"lobby_id","lobby_name":"{{lobby}}"}"""))["lobby_id"];
        (string Fields, string Outcome)[] ways =
        [
            ($"\"lobby_name\":\"{lobby}\"", "ok"),
            ($"\"lobby_name\":\"{lobby.ToUpperInvariant()}\"", "ok"),
            ($"\"lobby_id\":\"{id}\"", "ok"),
            ($"\"lobby_id\":\"{id}\",\"lobby_name\":\"{lobby}\"", "ok"),
            ($"\"lobby_id\":\"{id}\",\"lobby_name\":\"{other}\"", "bad_request lobby_id"),
            ($"\"lobby_id\":\"{Unknown}\",\"lobby_name\":\"{lobby}\"", "bad_request lobby_id"),
            ($"\"lobby_id\":\"{id}\",\"lobby_name\":\"nowhere\"", "bad_request lobby_id"),
            ($"\"lobby_id\":\"{Unknown}\",\"lobby_name\":\"nowhere\"", "no_such_lobby"),
            ($"\"lobby_id\":\"{id}\",\"lobby_name\":5", "bad_request lobby_name"),
            ("\"lobby_name\":\"nowhere\"", "no_such_lobby"),
            ($"\"lobby_id\":\"{Unknown}\"", "no_such_lobby"),
            ("\"lobby\":\"x\"", "bad_request lobby_name"),
        ];
        string[] actions =
            ["lobby_id", "subscribe", "history", "members", "unsubscribe", "message\",\"row_data\":1,\"x\":\""];
        await Outcomes.HoldAsync(guest.Client,
            from action in actions
            from way in ways
            select ($"{{\"action\":\"{action}\",{way.Fields}}}", way.Outcome));
    }

    [Fact]
    public async Task Stranger_is_forbidden_everything_in_a_lobby_but_its_public_information()
    {
        await using var guest = await server.SignUpAsync();
        await using var stranger = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(guest);
        var where = $"\"lobby_name\":\"{lobby}\"";
        await Outcomes.HoldAsync(stranger.Client,
        [
            ($$"""{"action":"lobby_id",{{where}}}""", "ok"),
            ($$"""{"action":"subscribe",{{where}}}""", "forbidden"),
            ($$"""{"action":"subscribe",{{where}},"after":99}""", "forbidden"),
            ($$"""{"action":"subscribe",{{where}},"after":0,"epoch":"another"}""", "forbidden"),
            ($$"""{"action":"message",{{where}},"row_data":1}""", "forbidden"),
            ($$"""{"action":"history",{{where}}}""", "forbidden"),
            ($$"""{"action":"history",{{where}},"after":99}""", "forbidden"),
            ($$"""{"action":"members",{{where}}}""", "forbidden"),
            ($$"""{"action":"invite_lobby",{{where}},"public_token":"{{stranger.PublicToken}}"}""", "forbidden"),
            ($$"""{"action":"invite_lobby",{{where}},"public_token":"{{Unknown}}"}""", "forbidden"),
            ($$"""{"action":"invite_lobby",{{where}},"public_token":"{{guest.PublicToken}}"}""", "forbidden"),
        ]);
    }

    [Fact]
    public async Task Member_may_do_what_the_rights_say_and_grant_no_more()
    {
        await using var owner = await server.SignUpAsync();
        await using var reader = await server.SignUpAsync();
        await using var host = await server.SignUpAsync();
        await using var other = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(owner);
        await owner.InviteAsync(lobby, reader, "[]");
        await owner.InviteAsync(lobby, host, """["invite"]""");
        var where = $"\"lobby_name\":\"{lobby}\"";
        string Invite(string whom, string rights = "[]") =>
            $$"""{"action":"invite_lobby",{{where}},"public_token":"{{whom}}","rights":{{rights}}}""";
        await Outcomes.HoldAsync(reader.Client,
        [
            ($$"""{"action":"message",{{where}},"row_data":1}""", "forbidden"),
            ($$"""{"action":"history",{{where}}}""", "ok"),
            ($$"""{"action":"members",{{where}}}""", "ok"),
            (Invite(other.PublicToken), "forbidden"),
            ($$"""{"action":"subscribe",{{where}},"after":0}""", "ok"),
        ]);
        await Outcomes.HoldAsync(host.Client,
        [
            ($$"""{"action":"message",{{where}},"row_data":1}""", "forbidden"),
            (Invite(other.PublicToken, """["write"]"""), "forbidden"),
            (Invite(other.PublicToken, """["admin"]"""), "forbidden"),
            (Invite(Unknown), "no_such_user"),
            (Invite(reader.PublicToken), "already_member"),
            (Invite(host.PublicToken), "already_member"),
            (Invite(other.PublicToken, """["invite"]"""), "ok"),
            (Invite(other.PublicToken, """["invite"]"""), "already_member"),
        ]);
        var subscribed = await host.Client.DoAsync($$"""{"action":"subscribe",{{where}}}""");
        Assert.Equal("""["read","invite"]""", subscribed["rights"]!.ToJsonString());
        Assert.Equal(4, subscribed["last_seq"]!.GetValue<int>());
    }

    [Fact]
    public async Task Public_information_is_complete_and_needs_no_token()
    {
        await using var guest = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(guest);
        await using var anybody = await server.ConnectAsync();
        var user = await anybody.DoAsync(
            $$"""{"action":"get_public_token","login":"{{guest.Login.ToUpperInvariant()}}"}""");
        Assert.Equal(guest.Login, user["login"]!.GetValue<string>());
        Assert.Equal(guest.PublicToken, user["public_token"]!.GetValue<string>());
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", user["registered_at"]!.GetValue<string>());
        var room = await anybody.DoAsync($$"""{"action":"lobby_id","lobby_name":"{{lobby}}"}""");
        Assert.Equal(lobby, room["lobby_name"]!.GetValue<string>());
        Assert.Equal(guest.Login, room["created_by"]!["login"]!.GetValue<string>());
        Assert.Equal(guest.PublicToken, room["created_by"]!["public_token"]!.GetValue<string>());
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", room["created_at"]!.GetValue<string>());
        Assert.False(room["sealed"]!.GetValue<bool>());
        Assert.Equal("no_such_user", await anybody.RefusedAsync("""{"action":"get_public_token","login":"nobody"}"""));
        var whoami = await guest.Client.DoAsync("""{"action":"whoami"}""");
        Assert.Equal(user["registered_at"]!.GetValue<string>(), whoami["registered_at"]!.GetValue<string>());
    }
}
