using Conclave.Protocol;
using Conclave.Sdk;
using Conclave.Sdk.Sealing;
using Conclave.Sealing;

namespace Conclave.Tests.Sdk.Sealing;

/// <summary>The server says where a name leads, and decides nothing by that.</summary>
public sealed class NameTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("conclave-state-").FullName;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Name_of_a_lobby_that_was_only_used_by_its_id_leads_nowhere_else()
    {
        await using var server = await PaperServer.StartAsync();
        await using var alice = Enrol(server, "alice", "desk");
        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        await using var phone = Enrol(server, "alice", "phone");
        var den = server.LobbyNamed("den");
        _ = await phone.HistoryAsync(den.Id, cancellationToken: Cancel);
        LeadTo(server, DeclaredPlain(server));

        await phone.PostAsync("den", "for the den", cancellationToken: Cancel);

        Assert.Equal(2, den.Rows.Count);
    }

    [Fact]
    public async Task Lobby_that_was_declared_plain_gets_nothing_by_a_name_that_it_was_not_declared_under()
    {
        await using var server = await PaperServer.StartAsync();
        await using var alice = Enrol(server, "alice", "desk");
        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        await using var phone = Enrol(server, "alice", "phone");
        var board = DeclaredPlain(server);
        LeadTo(server, board);

        foreach (var lobby in (IEnumerable<LobbyRef>)["den", new LobbyRef(board, "den"), "den"])
        {
            var alarm = await Assert.ThrowsAsync<AlarmException>(
                () => phone.PostAsync(lobby, "never", cancellationToken: Cancel));
            Assert.Equal((AlarmCode.NotDeclaredPlain, board), (alarm.Code, alarm.LobbyId));
        }

        Assert.DoesNotContain(server.Requests, request => (string?)request["action"] == "message");
    }

    [Fact]
    public async Task Name_that_the_user_gives_to_a_new_lobby_leads_to_it()
    {
        await using var server = await PaperServer.StartAsync();
        await using var alice = Enrol(server, "alice", "phone");
        using (var session = Phone(server))
            session.Pins.KeepName(LobbyName.Key("den"), Guid.NewGuid());

        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        await alice.PostAsync("den", "for the den", cancellationToken: Cancel);

        Assert.Equal(2, server.LobbyNamed("den").Rows.Count);
    }

    static void LeadTo(PaperServer server, Guid lobbyId) => server.Lie = (request, reply) =>
    {
        if ((string?)request["action"] == "lobby_id")
            (reply["lobby_id"], reply["sealed"]) = (lobbyId.ToString(), false);
        return null;
    };

    // As another run of alice's program has left it.
    Guid DeclaredPlain(PaperServer server)
    {
        using var session = Phone(server);
        var board = Guid.NewGuid();
        session.Pins.DeclarePlain(board);
        session.Pins.KeepName(LobbyName.Key("board"), board);
        return board;
    }

    SealedSession Phone(PaperServer server)
    {
        var options = server.OptionsFor(Path.Combine(_folder, "phone"));
        return SealedSession.Open(new Link(options), options, "alice");
    }

    ConclaveClient Enrol(PaperServer server, string login, string device)
    {
        var folder = Path.Combine(_folder, device);
        server.Enrol(login, folder, server.SeedOf(login) is { } seed ? Identity.FromSeed(login, seed) : null);
        return server.Client(login, folder);
    }
}
