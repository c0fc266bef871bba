using System.Text.Json.Nodes;
using Conclave.Tests.Support;

namespace Conclave.Tests.Server.Actions;

/// <summary>Giving a lobby another name, and what becomes of the old ones.</summary>
public sealed class RenameTests(SharedServer server) : IClassFixture<SharedServer>
{
    const string Unknown = "0198a000-0000-7000-8000-0000000000aa";

    [Fact]
    public async Task Form_is_checked_first_and_then_the_rights()
    {
        await using var owner = await server.SignUpAsync();
        await using var member = await server.SignUpAsync();
        await using var stranger = await server.SignUpAsync();
        var lobby = await server.CreateLobbyAsync(owner);
        await owner.InviteAsync(lobby, member, """["write","invite"]""");
        var lobbyId = await IdAsync(owner, lobby);
        var name = server.Fresh("lair");
        string Rename(string fields) => $$"""{"action":"rename_lobby"{{fields}}}""";
        var id = $",\"lobby_id\":\"{lobbyId}\"";
        await Outcomes.HoldAsync(owner.Client,
        [
            (Rename(""), "bad_request lobby_id"),
            (Rename($",\"lobby_name\":\"{lobby}\""), "bad_request lobby_id"),
            (Rename(",\"lobby_id\":7"), "bad_request lobby_id"),
            (Rename(id), "bad_request lobby_name"),
            (Rename(id + ",\"lobby_name\":\" x\""), "bad_request lobby_name"),
            (Rename(id + $",\"lobby_name\":\"{new string('ю', 200)}\""), "too_large lobby_name"),
            (Rename(id + ",\"lobby_name\":\"x\",\"nonce\":1"), "bad_request nonce"),
            (Rename(id + ",\"lobby_name\":\"x\",\"token\":\"x\""), "bad_token"),
            (Rename($",\"lobby_id\":\"{Unknown}\",\"lobby_name\":\"x\""), "no_such_lobby"),
        ]);
        await Outcomes.HoldAsync(member.Client, [(Renaming(lobbyId, name), "forbidden")]);
        await Outcomes.HoldAsync(stranger.Client, [(Renaming(lobbyId, name), "forbidden")]);
        await Outcomes.HoldAsync(owner.Client, [(Renaming(lobbyId, name), "ok")]);
    }

    [Fact]
    public async Task Old_names_go_on_naming_the_lobby_and_nobody_takes_them()
    {
        await using var owner = await server.SignUpAsync();
        await using var other = await server.SignUpAsync();
        var first = await server.CreateLobbyAsync(owner);
        var lobbyId = await IdAsync(owner, first);
        var (second, third) = (server.Fresh("lair"), server.Fresh("nest"));
        await owner.Client.DoAsync(Renaming(lobbyId, second));
        await owner.Client.DoAsync(Renaming(lobbyId, third));
        foreach (var name in (string[])[first, second, third, third.ToUpperInvariant()])
        {
            var shown = await owner.Client.DoAsync($$"""{"action":"lobby_id","lobby_name":"{{name}}"}""");
            Assert.Equal(lobbyId, shown["lobby_id"]!.GetValue<string>());
            Assert.Equal(third, shown["lobby_name"]!.GetValue<string>());
            await owner.Client.DoAsync(
                $$"""{"action":"message","lobby_name":"{{name}}","lobby_id":"{{lobbyId}}","row_data":1}""");
        }
        var own = await owner.Client.DoAsync("""{"action":"my_lobbies"}""");
        Assert.Equal(third, Assert.Single(own["lobbies"]!.AsArray())!["lobby_name"]!.GetValue<string>());

        var others = await server.CreateLobbyAsync(other);
        var othersId = await IdAsync(other, others);
        foreach (var taken in (string[])[first, second, third.ToUpperInvariant()])
        {
            await Outcomes.HoldAsync(other.Client,
            [
                (Renaming(othersId, taken), "lobby_name_taken"),
                ($$"""{"action":"create_lobby","lobby_name":"{{taken}}"}""", "lobby_name_taken"),
            ]);
        }
        // One's own may come back, and be written otherwise.
        await Outcomes.HoldAsync(owner.Client,
        [
            (Renaming(lobbyId, others), "lobby_name_taken"),
            (Renaming(lobbyId, first), "ok"),
            (Renaming(lobbyId, first.ToUpperInvariant()), "ok"),
        ]);
        // What was refused has left nothing behind.
        var last = await other.Client.DoAsync($$"""{"action":"lobby_id","lobby_name":"{{others}}"}""");
        Assert.Equal(others, last["lobby_name"]!.GetValue<string>());
    }

    [Fact]
    public async Task Subscribers_see_the_new_name_from_the_entry_on()
    {
        await using var owner = await server.SignUpAsync();
        await using var late = await server.ConnectAsync();
        await late.SignInAsync(owner.Login);
        var old = await server.CreateLobbyAsync(owner);
        var lobbyId = await IdAsync(owner, old);
        var name = server.Fresh("lair");
        var post = $$"""{"action":"message","lobby_id":"{{lobbyId}}","row_data":1}""";
        await owner.Client.DoAsync($$"""{"action":"subscribe","lobby_id":"{{lobbyId}}"}""");
        await owner.Client.DoAsync(post);
        Assert.Equal(3, (await owner.Client.DoAsync(Renaming(lobbyId, name)))["seq"]!.GetValue<int>());
        await owner.Client.DoAsync(post);
        Assert.Equal($"2 message {old}", Line(await owner.Client.EntryAsync()));
        Assert.Equal($"3 lobby_renamed {name}", Line(await owner.Client.EntryAsync()));
        Assert.Equal($"4 message {name}", Line(await owner.Client.EntryAsync()));

        var subscribed = await late.DoAsync($$"""{"action":"subscribe","lobby_name":"{{old}}","after":0}""");
        Assert.Equal(name, subscribed["lobby_name"]!.GetValue<string>());
        Assert.Equal($"1 lobby_created {old}", Line(await late.EntryAsync()));
        Assert.Equal($"2 message {name}", Line(await late.EntryAsync()));
        Assert.Equal($"3 lobby_renamed {name}", Line(await late.EntryAsync()));
    }

    [Fact]
    public async Task Repeated_renaming_is_done_once()
    {
        await using var owner = await server.SignUpAsync();
        var lobbyId = await IdAsync(owner, await server.CreateLobbyAsync(owner));
        var (nonce, name) = (Guid.NewGuid(), server.Fresh("lair"));
        var first = await owner.Client.DoAsync(Renaming(lobbyId, name, nonce));
        var again = await owner.Client.DoAsync(Renaming(lobbyId, name, nonce));
        Assert.Equal(first["seq"]!.GetValue<int>(), again["seq"]!.GetValue<int>());
        Assert.True(again["duplicate"]!.GetValue<bool>());
        Assert.Equal("nonce_reused", await owner.Client.RefusedAsync(Renaming(lobbyId, name + "x", nonce)));
    }

    [Fact]
    public async Task Of_many_who_take_one_name_at_once_one_gets_it()
    {
        const int Count = 8;
        var name = server.Fresh("prize");
        var outcomes = await Task.WhenAll(Enumerable.Range(0, Count).Select(async number =>
        {
            await using var owner = await server.SignUpAsync();
            var lobbyId = await IdAsync(owner, await server.CreateLobbyAsync(owner));
            var request = number % 2 == 0
                ? Renaming(lobbyId, name)
                : $$"""{"action":"create_lobby","lobby_name":"{{name}}"}""";
            return Outcomes.Of(await owner.Client.AskAsync(request));
        }));
        Assert.Equal(["lobby_name_taken", "ok"], outcomes.Distinct().Order());
        Assert.Single(outcomes, "ok");
    }

    static string Renaming(string lobbyId, string name, Guid? nonce = null) =>
        $$"""{"action":"rename_lobby","lobby_id":"{{lobbyId}}","lobby_name":"{{name}}"{{Once(nonce)}}}""";

    static string Once(Guid? nonce) => nonce is null ? "" : $",\"nonce\":\"{nonce}\"";

    static async Task<string> IdAsync(Guest guest, string lobby) =>
        (await guest.Client.DoAsync($$"""{"action":"lobby_id","lobby_name":"{{lobby}}"}"""))["lobby_id"]!
            .GetValue<string>();

    static string Line(JsonObject entry) => $"{entry["seq"]} {entry["event"]} {entry["lobby_name"]}";
}
