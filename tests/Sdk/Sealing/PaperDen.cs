using Conclave.Protocol;
using Conclave.Sdk;
using Conclave.Sdk.Sealing;
using Conclave.Sealing;

namespace Conclave.Tests.Sdk.Sealing;

/// <summary>
/// A lobby at a <see cref="PaperServer"/>, and those who use it through the library: alice, who has made it, and
/// whoever is let in. All of it, with what they keep in their folder, goes with it.
/// </summary>
sealed class PaperDen : IAsyncDisposable
{
    readonly List<ConclaveClient> _clients = [];

    PaperDen(PaperServer server) => Server = server;

    public PaperServer Server { get; }

    /// <summary>Where everybody's first device keeps what it knows.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("conclave-state-").FullName;

    public ConclaveClient Alice { get; private set; } = null!;

    public PaperLobby Lobby => Server.LobbyNamed("den");

    /// <summary>All that was ever said to the server.</summary>
    public string Heard => string.Join('\n', Server.Requests.Select(request => request.ToJsonString()));

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>With only alice in it, and nothing said.</summary>
    public static async Task<PaperDen> StartAsync()
    {
        var den = await EmptyAsync();
        den.Alice = den.Enrol("alice");
        await den.Alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        return den;
    }

    /// <summary>Only the server: there is nobody, and no lobby.</summary>
    public static async Task<PaperDen> EmptyAsync() => new(await PaperServer.StartAsync());

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
            await client.DisposeAsync();
        await Server.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>Somebody with an account and an identity.</summary>
    public ConclaveClient Enrol(string login)
    {
        Server.Enrol(login, Folder);
        return Again(login);
    }

    /// <summary>The same, and alice lets them in.</summary>
    public async Task<ConclaveClient> LetInAsync(string login, Rights rights = Rights.Default)
    {
        var client = Enrol(login);
        await Alice.Lobbies.InviteAsync("den", login, rights, Cancel);
        return client;
    }

    /// <summary>Alice says something.</summary>
    public Task SayAsync(string text) => Alice.PostAsync("den", text, cancellationToken: Cancel);

    /// <summary>Another run of somebody's program, on the same device.</summary>
    public ConclaveClient Again(string login) => Client(login, Folder);

    /// <summary>Somebody on a device that knows their identity and nothing else.</summary>
    public ConclaveClient Elsewhere(string login)
    {
        var folder = Path.Combine(Folder, login + " elsewhere");
        Server.Enrol(login, folder, Identity.FromSeed(login, Server.SeedOf(login)!));
        return Client(login, folder);
    }

    /// <summary>What somebody's first device keeps, as another program of theirs opens it.</summary>
    public SealedSession Open(string login) =>
        SealedSession.Open(new Link(Server.OptionsFor(Folder)), Server.OptionsFor(Folder), login);

    ConclaveClient Client(string login, string folder)
    {
        var client = Server.Client(login, folder);
        _clients.Add(client);
        return client;
    }
}
