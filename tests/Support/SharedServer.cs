using System.Globalization;

namespace Conclave.Tests.Support;

/// <summary>One server for all tests of a class; each test brings users and lobbies of its own.</summary>
public sealed class SharedServer(PostgresCluster postgres) : IAsyncLifetime
{
    TestServer? _server;
    int _names;

    internal TestServer Server => _server!;

    public async ValueTask InitializeAsync() => _server = await TestServer.StartAsync(postgres);

    public ValueTask DisposeAsync() => Server.DisposeAsync();

    /// <summary>A name that no other test on this server has.</summary>
    public string Fresh(string start) =>
        start + Interlocked.Increment(ref _names).ToString(CultureInfo.InvariantCulture);

    internal Task<WireClient> ConnectAsync() => Server.ConnectAsync();

    /// <summary>A connection on which a new user is signed in.</summary>
    internal async Task<Guest> SignUpAsync()
    {
        var client = await ConnectAsync();
        var login = Fresh("user");
        var token = await client.SignUpAsync(login);
        var whoami = await client.DoAsync("""{"action":"whoami"}""");
        return new Guest(client, login, token, whoami["public_token"]!.GetValue<string>());
    }

    /// <summary>A new lobby of the guest's; returns its name.</summary>
    internal async Task<string> CreateLobbyAsync(Guest guest)
    {
        var name = Fresh("den");
        await guest.Client.DoAsync($$"""{"action":"create_lobby","lobby_name":"{{name}}"}""");
        return name;
    }
}

/// <summary>A user who is signed in on a connection.</summary>
sealed class Guest(WireClient client, string login, string token, string publicToken) : IAsyncDisposable
{
    public WireClient Client { get; } = client;

    public string Login { get; } = login;

    public string Token { get; } = token;

    public string PublicToken { get; } = publicToken;

    public Task InviteAsync(string lobby, Guest guest, string rights = """["read","write"]""") => Client.DoAsync(
        $$"""
        {"action":"invite_lobby","lobby_name":"{{lobby}}","public_token":"{{guest.PublicToken}}","rights":{{rights}}}
        """);

    public ValueTask DisposeAsync() => Client.DisposeAsync();
}
