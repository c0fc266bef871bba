using System.Text.Json.Nodes;
using Conclave.Tests.Support;
using Npgsql;

namespace Conclave.Tests.Server.Actions;

/// <summary>The lists: one's lobbies, and the members of one.</summary>
public sealed class ListTests(SharedServer server) : IClassFixture<SharedServer>
{
    [Fact]
    public async Task Members_come_by_login_with_their_rights_and_since_when()
    {
        await using var owner = await server.SignUpAsync();
        await using var zoe = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(owner);
        await owner.Client.DoAsync($$"""{"action":"subscribe","lobby_name":"{{lobby}}","after":0}""");
        await owner.InviteAsync(lobby, zoe, """["invite"]""");
        var created = await owner.Client.EventAsync();
        var invited = await owner.Client.EventAsync();
        var list = await zoe.Client.DoAsync($$"""{"action":"members","lobby_name":"{{lobby}}"}""");
        Assert.Equal(2, list["last_seq"]!.GetValue<int>());
        Assert.False(list["more"]!.GetValue<bool>());
        var members = list["members"]!.AsArray();
        Assert.Equal(
            [
                $"{owner.Login} {owner.PublicToken} [\"read\",\"write\",\"invite\",\"admin\"] {created["sent_at"]}",
                $"{zoe.Login} {zoe.PublicToken} [\"read\",\"invite\"] {invited["sent_at"]}",
            ],
            members.Select(member =>
                $"{member!["login"]} {member["public_token"]} {member["rights"]!.ToJsonString()} {member["since"]}"));
        var rest = await zoe.Client.DoAsync(
            $$"""{"action":"members","lobby_name":"{{lobby}}","after":"{{owner.Login.ToUpperInvariant()}}"}""");
        Assert.Equal(zoe.Login, Assert.Single(rest["members"]!.AsArray())!["login"]!.GetValue<string>());
    }

    [Fact]
    public async Task Own_lobbies_come_with_everything_one_needs_to_know()
    {
        await using var owner = await server.SignUpAsync();
        await using var guest = await server.SignUpAsync();
        Assert.Empty((await guest.Client.DoAsync("""{"action":"my_lobbies"}"""))["lobbies"]!.AsArray());
        var lobby = await server.CreateLobbyAsync(owner);
        await owner.InviteAsync(lobby, guest);
        var list = await guest.Client.DoAsync("""{"action":"my_lobbies"}""");
        var room = Assert.Single(list["lobbies"]!.AsArray())!;
        Assert.Equal(lobby, room["lobby_name"]!.GetValue<string>());
        Assert.Equal("""["read","write"]""", room["rights"]!.ToJsonString());
        Assert.Equal(owner.Login, room["created_by"]!["login"]!.GetValue<string>());
        Assert.Equal(2, room["last_seq"]!.GetValue<int>());
        Assert.False(room["sealed"]!.GetValue<bool>());
        Assert.NotNull(room["lobby_id"]);
        Assert.False(list["more"]!.GetValue<bool>());
    }

    [Fact]
    public async Task Long_lists_come_in_pages_of_at_most_1_MiB()
    {
        await using var owner = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(owner);
        await using (var database = NpgsqlDataSource.Create(server.Server.Database))
        {
            await using var fill = database.CreateCommand(
                $"""
                INSERT INTO users SELECT md5('u' || n)::uuid, rpad('x' || lpad(n::text, 5, '0'), 64, 'x'), '', now()
                FROM generate_series(1, 9000) n;
                INSERT INTO members SELECT lobby_id, public_token, 15, 1, now()
                FROM users, lobby_names WHERE login LIKE 'x%' AND name_key = '{lobby.ToUpperInvariant()}';
                INSERT INTO lobbies
                SELECT overlay(overlay(md5('l' || n) placing '4' from 13) placing '8' from 17)::uuid,
                    rpad(lpad(n::text, 5, '0'), 127, 'ж'), '{owner.PublicToken}', now(), false, '', 1, now()
                FROM generate_series(1, 2500) n;
                INSERT INTO members SELECT lobby_id, '{owner.PublicToken}', 15, 1, now()
                FROM lobbies WHERE name LIKE '%жж'
                """);
            await fill.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }
        var members = await AllAsync($$"""{"action":"members","lobby_name":"{{lobby}}"}""", "members", "login");
        Assert.Equal(9001, members.Count);
        Assert.Equal(members.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal), members);
        var lobbies = await AllAsync("""{"action":"my_lobbies"}""", "lobbies", "lobby_name");
        Assert.Equal(2501, lobbies.Count);
        Assert.Equal(lobbies.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal), lobbies);

        async Task<List<string>> AllAsync(string request, string list, string key)
        {
            List<string> all = [];
            for (var more = true; more;)
            {
                await owner.Client.SendAsync(all.Count == 0 ? request : $"{request[..^1]},\"after\":\"{all[^1]}\"}}");
                var frame = (await owner.Client.FrameAsync())!;
                Assert.InRange(frame.Length, 1, (1 << 20) + 1000);
                var page = JsonNode.Parse(frame)!;
                all.AddRange(page[list]!.AsArray().Select(element => element![key]!.GetValue<string>()));
                more = page["more"]!.GetValue<bool>();
            }
            return all;
        }
    }
}
