using System.Text.Json.Nodes;
using Conclave.Tests.Support;

namespace Conclave.Tests.Server.Actions;

/// <summary>Changing what a member may do, removing one, and leaving.</summary>
public sealed class MemberTests(SharedServer server) : IClassFixture<SharedServer>
{
    const string Unknown = "0198a000-0000-7000-8000-0000000000aa";

    [Fact]
    public async Task Form_is_checked_first()
    {
        await using var guest = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(guest);
        string SetRights(string fields) => $$"""{"action":"set_rights","lobby_name":"{{lobby}}"{{fields}}}""";
        string Remove(string fields) => $$"""{"action":"remove_member","lobby_name":"{{lobby}}"{{fields}}}""";
        const string Token = $",\"public_token\":\"{Unknown}\"";
        await Outcomes.HoldAsync(guest.Client,
        [
            ("""{"action":"set_rights"}""", "bad_request lobby_name"),
            (SetRights(""), "bad_request public_token"),
            (SetRights(",\"public_token\":7"), "bad_request public_token"),
            (SetRights(Token), "bad_request rights"),
            (SetRights(Token + ",\"rights\":null"), "bad_request rights"),
            (SetRights(Token + ",\"rights\":[\"rule\"]"), "bad_request rights"),
            (SetRights(Token + ",\"rights\":[\"write\",\"write\"]"), "bad_request rights"),
            (SetRights(Token + ",\"rights\":[],\"nonce\":\"once\""), "bad_request nonce"),
            (SetRights(Token + ",\"rights\":[],\"token\":\"x\""), "bad_token"),
            (SetRights(Token + ",\"rights\":[]"), "not_a_member"),
            ("""{"action":"remove_member"}""", "bad_request lobby_name"),
            (Remove(""), "bad_request public_token"),
            (Remove(Token + ",\"nonce\":1"), "bad_request nonce"),
            (Remove(Token + ",\"token\":\"x\""), "bad_token"),
            (Remove(Token), "not_a_member"),
            ($$"""{"action":"remove_member","lobby_name":"nowhere"{{Token}}}""", "no_such_lobby"),
            ($$"""{"action":"set_rights","lobby_name":"nowhere"{{Token}},"rights":[]}""", "no_such_lobby"),
        ]);
    }

    [Fact]
    public async Task Members_are_looked_after_by_admins_and_may_leave()
    {
        await using var owner = await server.SignUpAsync();
        await using var member = await server.SignUpAsync();
        await using var other = await server.SignUpAsync();
        await using var stranger = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(owner);
        await owner.InviteAsync(lobby, member, """["write","invite"]""");
        await owner.InviteAsync(lobby, other);
        string Remove(Guest whom) => Removal(lobby, whom);
        string SetRights(Guest whom, string rights) => Change(lobby, whom, rights);
        await Outcomes.HoldAsync(stranger.Client,
        [
            (Remove(member), "forbidden"),
            (Remove(stranger), "forbidden"),
            (SetRights(stranger, "[]"), "forbidden"),
        ]);
        await Outcomes.HoldAsync(member.Client,
        [
            (Remove(other), "forbidden"),
            (Remove(stranger), "forbidden"),
            (SetRights(other, "[]"), "forbidden"),
            (SetRights(member, """["admin"]"""), "forbidden"),
            (SetRights(member, "[]"), "forbidden"),
        ]);
        await Outcomes.HoldAsync(owner.Client,
        [
            (Remove(stranger), "not_a_member"),
            (SetRights(stranger, "[]"), "not_a_member"),
            (Remove(owner), "last_admin"),
            (SetRights(owner, """["write","invite"]"""), "last_admin"),
            (SetRights(owner, """["admin"]"""), "ok"),
            (SetRights(member, """["admin"]"""), "ok"),
            (SetRights(owner, "[]"), "ok"),
            (Remove(other), "forbidden"),
        ]);
        var post = $$"""{"action":"message","lobby_name":"{{lobby}}","row_data":1}""";
        await Outcomes.HoldAsync(member.Client,
        [
            (post, "forbidden"),
            (Remove(other), "ok"),
            (Remove(other), "not_a_member"),
            (Remove(member), "last_admin"),
            (SetRights(owner, """["admin","write"]"""), "ok"),
            (Remove(member), "ok"),
            (Remove(member), "forbidden"),
        ]);
        await Outcomes.HoldAsync(owner.Client, [(post, "ok"), (Remove(owner), "last_admin")]);
        var members = await owner.Client.DoAsync($$"""{"action":"members","lobby_name":"{{lobby}}"}""");
        var left = Assert.Single(members["members"]!.AsArray())!;
        Assert.Equal(owner.Login, left["login"]!.GetValue<string>());
        Assert.Equal("""["read","write","admin"]""", left["rights"]!.ToJsonString());
    }

    [Fact]
    public async Task Subscribers_see_who_changed_and_removed_whom()
    {
        await using var owner = await server.SignUpAsync();
        await using var member = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(owner);
        await owner.InviteAsync(lobby, member);
        await owner.Client.DoAsync($$"""{"action":"subscribe","lobby_name":"{{lobby}}"}""");
        Assert.Equal(3, await SeqAsync(owner, Change(lobby, member, """["admin","write"]""")));
        Assert.Equal(4, await SeqAsync(member, Removal(lobby, member)));
        await owner.InviteAsync(lobby, member);
        Assert.Equal(6, await SeqAsync(owner, Removal(lobby, member)));
        Assert.Equal(
            $"3 rights_changed {owner.Login} {member.Login} [\"read\",\"write\",\"admin\"]",
            Line(await owner.Client.EntryAsync()));
        Assert.Equal($"4 member_removed {member.Login} {member.Login} ", Line(await owner.Client.EntryAsync()));
        await owner.Client.EntryAsync();
        Assert.Equal($"6 member_removed {owner.Login} {member.Login} ", Line(await owner.Client.EntryAsync()));
    }

    [Fact]
    public async Task Repeated_change_is_done_once()
    {
        await using var owner = await server.SignUpAsync();
        await using var member = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(owner);
        await owner.InviteAsync(lobby, member);
        var (first, second) = (Guid.NewGuid(), Guid.NewGuid());
        (Guest Who, string Request, string Outcome)[] table =
        [
            (owner, Change(lobby, member, "[]", first), "3"),
            (owner, Change(lobby, member, """["read"]""", first), "3 duplicate"),
            (owner, Change(lobby, member, """["write"]""", first), "nonce_reused"),
            (owner, Removal(lobby, member, first), "nonce_reused"),
            (member, Removal(lobby, member, second), "4"),
            (member, Removal(lobby, member, second), "4 duplicate"),
            (member, Removal(lobby, owner, second), "nonce_reused"),
            (member, Removal(lobby, member), "forbidden"),
            (owner, Change(lobby, member, "[]", first), "3 duplicate"),
        ];
        foreach (var (who, request, outcome) in table)
        {
            var reply = await who.Client.AskAsync(request);
            var done = $"{reply["seq"]}{(reply["duplicate"] is null ? "" : " duplicate")}";
            Assert.Equal(outcome, reply["ok"]!.GetValue<bool>() ? done : Outcomes.Of(reply));
        }
    }

    [Fact]
    public async Task Every_connection_of_the_removed_user_is_told_once()
    {
        await using var owner = await server.SignUpAsync();
        await using var member = await server.SignUpAsync();
        await using var elsewhere = await server.ConnectAsync();
        await elsewhere.SignInAsync(member.Login);
        var lobby = await server.CreateLobbyAsync(owner);
        var nonce = Guid.NewGuid();
        foreach (var by in (Guest[])[owner, member])
        {
            await owner.InviteAsync(lobby, member);
            await by.Client.DoAsync(Removal(lobby, member, nonce));
            Assert.Equal("removed", (await RemovedAsync(elsewhere))["event"]!.GetValue<string>());
            var hint = await RemovedAsync(member.Client);
            Assert.Equal(lobby, hint["lobby_name"]!.GetValue<string>());
            await by.Client.DoAsync(Removal(lobby, member, nonce));
        }
        // Whatever a repetition had said would come before this.
        await elsewhere.DoAsync("""{"action":"logout"}""");
        Assert.Equal("session_ended", (await elsewhere.EventAsync())["event"]!.GetValue<string>());
    }

    static string Change(string lobby, Guest whom, string rights, Guid? nonce = null) =>
        $$"""
        {"action":"set_rights","lobby_name":"{{lobby}}","public_token":"{{whom.PublicToken}}","rights":{{rights}}
         {{Once(nonce)}}}
        """;

    static string Removal(string lobby, Guest whom, Guid? nonce = null) =>
        $$"""
        {"action":"remove_member","lobby_name":"{{lobby}}","public_token":"{{whom.PublicToken}}"{{Once(nonce)}}}
        """;

    static string Once(Guid? nonce) => nonce is null ? "" : $",\"nonce\":\"{nonce}\"";

    static async Task<int> SeqAsync(Guest by, string request) =>
        (await by.Client.DoAsync(request))["seq"]!.GetValue<int>();

    static async Task<JsonObject> RemovedAsync(WireClient client)
    {
        Assert.Equal("invited", (await client.EventAsync())["event"]!.GetValue<string>());
        return await client.EventAsync();
    }

    static string Line(JsonObject entry) =>
        $"{entry["seq"]} {entry["event"]} {entry["from"]!["login"]} {entry["member"]!["login"]} "
        + entry["rights"]?.ToJsonString();
}
