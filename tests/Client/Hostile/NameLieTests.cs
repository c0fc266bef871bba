using System.Text.Json.Nodes;
using Conclave.Client;
using Conclave.Client.Texts;
using Conclave.Sdk;
using Conclave.Tests.Client.Menu;

namespace Conclave.Tests.Client.Hostile;

/// <summary>A server that leads names elsewhere, and one that says of a sealed lobby that it is plain.</summary>
public sealed class NameLieTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Name_that_is_led_to_another_sealed_lobby_is_not_followed(bool hasRead)
    {
        await using var den = await HostileDen.StartAsync(hasRead);
        await den.Alice.Lobbies.CreateSealedAsync("lair", cancellationToken: Cancel);
        await den.Alice.Lobbies.InviteAsync("lair", "bob", Conclave.Protocol.Rights.All, Cancel);
        await den.Alice.PostAsync("lair", HostileDen.Forged, cancellationToken: Cancel);
        var lair = den.Server.LobbyNamed("lair");
        den.LieAbout("lobby_id", reply => reply["lobby_id"] = lair.Id.ToString());

        if (hasRead)
        {
            // Where the name led once, it leads still, and nobody asks the server.
            await den.DoAsync("send", "den", "for the den");
            Assert.Equal(4, den.Lobby.Rows.Count);
            await den.RefusesAsync(AlarmCode.NameMoved, "lobby", "show", "den");
        }
        else
        {
            await den.RefusesAsync(AlarmCode.NameMoved, "send", "den", "nothing of this is sent");
            await den.RefusesAsync(AlarmCode.NameMoved, "history", "den");
            await den.RefusesAsync(AlarmCode.NameMoved, "rename", "den", "burrow");
            await den.RefusesAsync(AlarmCode.NameMoved, "delete", "den", "--yes");
        }
        Assert.Equal(3, lair.Rows.Count);
    }

    [Fact]
    public async Task Name_that_is_led_to_a_plain_lobby_gets_nothing()
    {
        await using var den = await HostileDen.StartAsync(hasRead: false);
        var trap = Guid.NewGuid();
        den.LieAbout("lobby_id", reply =>
        {
            reply["lobby_id"] = trap.ToString();
            reply["sealed"] = false;
        });

        await den.RefusesAsync(AlarmCode.NotDeclaredPlain, "send", "den", "nothing of this is sent");
        await den.RefusesAsync(AlarmCode.NotDeclaredPlain, "send", trap.ToString(), "nothing of this is sent");
        // A name alone declares nothing, and nobody is there to be asked.
        Assert.Equal(ExitCode.Usage, (await den.RunAsync("lobby", "plain", "den")).ExitCode);
        await den.RefusesAsync(AlarmCode.NotDeclaredPlain, "file", "put", "den", "-", "--name", "wifi");

        // Nothing of the lie is kept.
        den.Server.Lie = null;
        await den.DoAsync("send", "den", "for the den");
    }

    [Fact]
    public async Task Lobby_whose_id_says_sealed_is_sealed_whatever_the_server_says()
    {
        await using var den = await HostileDen.StartAsync(hasRead: false);
        den.Server.Lie = (_, reply) =>
        {
            if (reply.ContainsKey("sealed"))
                reply["sealed"] = false;
            foreach (var listed in reply["lobbies"]?.AsArray() ?? [])
                (listed!["sealed"], listed["lobby_name"]) = (false, HostileDen.Forged);
            return null;
        };

        await den.DoAsync("send", "den", "for members only");

        Assert.DoesNotContain(den.Server.Requests, request =>
            request.ToJsonString().Contains("for members only", StringComparison.Ordinal));
        Assert.Equal(4, den.Lobby.Rows.Count);
        var plain = await den.RunAsync("lobby", "plain", den.Lobby.Id.ToString());
        Assert.Equal(ExitCode.Usage, plain.ExitCode);
        Assert.Contains(English.Language.Seal.IsSealedAnyway, plain.Error, StringComparison.Ordinal);
        var shown = await den.DoAsync("lobby", "show", "den", "--json");
        Assert.True((bool)JsonNode.Parse(shown.Output)!["sealed"]!);
        var own = JsonNode.Parse((await den.DoAsync("lobby", "list", "--json")).Output)!;
        Assert.Equal((true, "den"), ((bool)own["sealed"]!, (string)own["lobby_name"]!));
    }

    [Fact]
    public async Task Name_in_the_list_of_the_menu_is_believed_no_more_than_any_other()
    {
        await using var den = await HostileDen.StartAsync(hasRead: false);
        await den.Alice.Lobbies.CreateSealedAsync("lair", cancellationToken: Cancel);
        await den.Alice.Lobbies.InviteAsync("lair", "bob", cancellationToken: Cancel);
        den.LieAbout("my_lobbies", reply => reply["lobbies"] = new JsonArray(
        [
            .. reply["lobbies"]!.AsArray().Where(lobby => (string?)lobby!["lobby_name"] == "lair").Select(lobby =>
            {
                var swapped = lobby!.DeepClone();
                swapped["lobby_name"] = "den";
                return swapped;
            }),
        ]));
        await using var menu = await Tmux.StartAsync(den.EnvironmentOf("bob"));

        await menu.ChooseAsync("Add data to a lobby");
        await menu.ChooseAsync("den");
        await menu.SeeAsync("ALARM: the server leads this name to another lobby");
        Assert.Equal(0, den.ChangesBy("bob"));
    }

    [Fact]
    public async Task Lobby_that_was_made_in_place_of_the_one_asked_for_is_refused()
    {
        await using var den = await HostileDen.StartAsync();
        den.LieAbout("create_lobby", reply => reply["lobby_id"] = den.Lobby.Id.ToString());

        var said = await den.RunAsync("lobby", "create", "lair");

        Assert.Equal(ExitCode.Alarm, said.ExitCode);
        Assert.Empty(said.Output);
        Assert.Contains(English.Language.Alarms.Of(AlarmCode.NameMoved).What, said.Error, StringComparison.Ordinal);

        // A plain lobby's id says nothing but that it is plain.
        var plain = await den.RunAsync("lobby", "create", "board", "--plain");
        Assert.Equal((ExitCode.Network, ""), (plain.ExitCode, plain.Output));
        Assert.NotEqual(ExitCode.Ok, (await den.RunAsync("send", "board", "nothing of this is sent")).ExitCode);
        Assert.Equal(3, den.Lobby.Rows.Count);
    }
}
