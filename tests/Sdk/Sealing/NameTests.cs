using Conclave.Protocol;
using Conclave.Sdk;

namespace Conclave.Tests.Sdk.Sealing;

/// <summary>The server says where a name leads, and decides nothing by that.</summary>
public sealed class NameTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Name_of_a_lobby_that_was_only_used_by_its_id_leads_nowhere_else()
    {
        await using var den = await PaperDen.EmptyAsync();
        var alice = den.Enrol("alice");
        await den.Elsewhere("alice").Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        _ = await alice.HistoryAsync(den.Lobby.Id, cancellationToken: Cancel);
        LeadTo(den.Server, DeclaredPlain(den));

        await alice.PostAsync("den", "for the den", cancellationToken: Cancel);

        Assert.Equal(2, den.Lobby.Rows.Count);
    }

    [Fact]
    public async Task Lobby_that_was_declared_plain_gets_nothing_by_a_name_that_it_was_not_declared_under()
    {
        await using var den = await PaperDen.EmptyAsync();
        var alice = den.Enrol("alice");
        await den.Elsewhere("alice").Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        var board = DeclaredPlain(den);
        LeadTo(den.Server, board);

        foreach (var lobby in (IEnumerable<LobbyRef>)["den", new LobbyRef(board, "den"), "den"])
        {
            var alarm = await Assert.ThrowsAsync<AlarmException>(
                () => alice.PostAsync(lobby, "never", cancellationToken: Cancel));
            Assert.Equal((AlarmCode.NotDeclaredPlain, board), (alarm.Code, alarm.LobbyId));
        }

        Assert.DoesNotContain(den.Server.Requests, request => (string?)request["action"] == "message");
    }

    [Fact]
    public async Task Name_that_the_user_gives_to_a_new_lobby_leads_to_it()
    {
        await using var den = await PaperDen.EmptyAsync();
        var alice = den.Enrol("alice");
        using (var session = den.Open("alice"))
            session.Pins.KeepName(LobbyName.Key("den"), Guid.NewGuid());

        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        await alice.PostAsync("den", "for the den", cancellationToken: Cancel);

        Assert.Equal(2, den.Lobby.Rows.Count);
    }

    [Fact]
    public async Task Name_and_id_that_do_not_go_together_are_an_alarm()
    {
        await using var den = await PaperDen.StartAsync();
        await den.Alice.Lobbies.CreateSealedAsync("lair", cancellationToken: Cancel);
        var both = new LobbyRef(den.Server.LobbyNamed("lair").Id, "den");

        var alarm = await Assert.ThrowsAsync<AlarmException>(
            () => den.Alice.PostAsync(both, "never", cancellationToken: Cancel));
        Assert.Equal(AlarmCode.NameMoved, alarm.Code);
        // Nor does the server lead a name elsewhere by letting the user make a plain lobby of that name.
        alarm = await Assert.ThrowsAsync<AlarmException>(
            () => den.Alice.CreateLobbyAsync("den", cancellationToken: Cancel));
        Assert.Equal(AlarmCode.NameMoved, alarm.Code);

        Assert.All(den.Server.Lobbies.Values, lobby => Assert.Single(lobby.Rows));
    }

    static void LeadTo(PaperServer server, Guid lobbyId) => server.Lie = (request, reply) =>
    {
        if ((string?)request["action"] == "lobby_id")
            (reply["lobby_id"], reply["sealed"]) = (lobbyId.ToString(), false);
        return null;
    };

    // As another run of alice's program has left it.
    static Guid DeclaredPlain(PaperDen den)
    {
        using var session = den.Open("alice");
        var board = Guid.NewGuid();
        session.Pins.DeclarePlain(board);
        session.Pins.KeepName(LobbyName.Key("board"), board);
        return board;
    }
}
