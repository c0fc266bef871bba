using System.Globalization;
using System.Security.Cryptography;

namespace Conclave.Client.Probe;

/// <summary>
/// What the rules stand on: a server, three users that only this probe knows, and as many lobbies as it takes. The
/// lobbies are deleted afterwards where the server can do that.
/// </summary>
sealed class Ground : IAsyncDisposable
{
    // The name of everything made here begins with the same word, and ends with what nobody else drew.
    readonly string _mark = "probe-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6));
    readonly List<(string Name, Visitor Owner)> _lobbies = [];
    readonly string? _code;
    int _names;

    Ground(Uri server, string? code, CancellationToken cancellation)
    {
        Server = new UriBuilder(server)
        {
            Scheme = server.Scheme switch { "ws" => "http", "wss" => "https", var scheme => scheme },
            Path = "/",
            Query = "",
            Fragment = "",
        }.Uri;
        _code = code;
        Cancellation = cancellation;
        Http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false })
        {
            BaseAddress = Server,
            Timeout = TimeSpan.FromSeconds(15),
        };
    }

    public Uri Server { get; }

    public HttpClient Http { get; }

    public CancellationToken Cancellation { get; }

    public Visitor Alice { get; private set; } = null!;

    public Visitor Bob { get; private set; } = null!;

    public Visitor Carol { get; private set; } = null!;

    /// <summary>Makes the accounts.</summary>
    /// <exception cref="BrokenRuleException">The server does not let one register and sign in.</exception>
    public static async Task<Ground> PrepareAsync(Uri server, string? code, CancellationToken cancellation)
    {
        var ground = new Ground(server, code, cancellation);
        try
        {
            ground.Alice = await ground.RegisterAsync();
            ground.Bob = await ground.RegisterAsync();
            ground.Carol = await ground.RegisterAsync();
            return ground;
        }
        catch
        {
            ground.Http.Dispose();
            throw;
        }
    }

    /// <summary>A name that nobody has.</summary>
    public string Fresh() => $"{_mark}-{(++_names).ToString(CultureInfo.InvariantCulture)}";

    /// <summary>The fields of a request that registers; with the operator's code, if there is one.</summary>
    public string Registration(string login, string password) => _code is null
        ? $"\"login\":\"{login}\",\"password\":\"{password}\""
        : $"\"login\":\"{login}\",\"password\":\"{password}\",\"registration_code\":{Json.Quote(_code)}";

    /// <summary>A new account, and a session of it.</summary>
    public async Task<Visitor> RegisterAsync()
    {
        await using var wire = await OpenAsync();
        var login = Fresh();
        var password = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        await wire.DoAsync($$"""{"action":"register",{{Registration(login, password)}}}""");
        var session = await wire.DoAsync($$"""{"action":"auth","login":"{{login}}","password":"{{password}}"}""");
        return new Visitor(login, password, session.TextOf("public_token"), session.TextOf("token"));
    }

    /// <summary>A connection on which nobody is signed in.</summary>
    public async Task<Wire> OpenAsync(string path = "/ws", string header = "")
    {
        var wire = await Wire.OpenAsync(Server, path, header, Cancellation);
        var status = wire.Handshake.Split("\r\n")[0];
        Expect.True(status.StartsWith("HTTP/1.1 101", StringComparison.Ordinal), $"the upgrade got {status}");
        return wire;
    }

    /// <summary>A connection that signs its requests as a visitor, and is known to be theirs.</summary>
    public async Task<Wire> OpenAsync(Visitor visitor)
    {
        var wire = await OpenAsync();
        wire.Token = visitor.Token;
        await wire.DoAsync("""{"action":"whoami"}""");
        return wire;
    }

    /// <summary>A new lobby of whoever is connected; its name.</summary>
    public async Task<string> CreateLobbyAsync(Wire wire, Visitor owner)
    {
        var name = Fresh();
        await wire.DoAsync($$"""{"action":"create_lobby","lobby_name":"{{name}}"}""");
        Keep(name, owner);
        return name;
    }

    /// <summary>Notes a lobby that is to be deleted afterwards.</summary>
    public void Keep(string name, Visitor owner) => _lobbies.Add((name, owner));

    public async ValueTask DisposeAsync()
    {
        try
        {
            await using var wire = await OpenAsync();
            foreach (var (name, owner) in _lobbies)
            {
                wire.Token = owner.Token;
                // A server that cannot do that says so; then they stay.
                await wire.AskAsync($$"""{"action":"delete_lobby","lobby_name":{{Json.Quote(name)}}}""");
            }
        }
        catch (Exception fault) when (fault is IOException or BrokenRuleException or OperationCanceledException
            or System.Net.Sockets.SocketException)
        {
            // What was found out is told all the same.
        }
        Http.Dispose();
    }
}

/// <summary>A user of the probe's own.</summary>
sealed class Visitor(string login, string password, string publicToken, string token)
{
    public string Login { get; } = login;

    public string Password { get; } = password;

    public string PublicToken { get; } = publicToken;

    public string Token { get; } = token;
}

/// <summary>The requests that many rules need.</summary>
static class Ask
{
    /// <summary>A login, an id or a token that nobody has.</summary>
    public const string Nobody = "0198a000-0000-4000-8000-0000000000aa";

    public static string Post(string lobby, string row, string more = "") =>
        $$"""{"action":"message","lobby_name":"{{lobby}}","row_data":{{row}}{{more}}}""";

    public static string Subscribe(string lobby, string more = "") =>
        $$"""{"action":"subscribe","lobby_name":"{{lobby}}"{{more}}}""";

    public static string History(string lobby, string more = "") =>
        $$"""{"action":"history","lobby_name":"{{lobby}}"{{more}}}""";

    public static string Invite(string lobby, Visitor guest, string more = "") =>
        About("invite_lobby", lobby, guest, more);

    /// <summary>An action about a member of a lobby.</summary>
    public static string About(string action, string lobby, Visitor member, string more = "") =>
        $$"""{"action":"{{action}}","lobby_name":"{{lobby}}","public_token":"{{member.PublicToken}}"{{more}}}""";
}

/// <summary>Text as JSON.</summary>
static class Json
{
    public static string Quote(string text) => Protocol.RawJson.OfString(text).ToJson();
}
