using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Conclave.Roster;
using Conclave.Sealing;

namespace Conclave.Tests.Support;

/// <summary>
/// A user whose client seals: an identity, and a password that is random bytes in place of a derived one, which a
/// server cannot tell apart and which costs nothing.
/// </summary>
sealed class SealingUser : IAsyncDisposable
{
    SealingUser(WireClient client, string login) => (Client, Login, Identity) = (client, login, Identity.Create(login));

    public WireClient Client { get; private set; }

    public string Login { get; }

    public Identity Identity { get; set; }

    public string Password { get; set; } = RandomText(32);

    public Guid Token { get; private set; }

    public string Record => Base64Text.Encode(Identity.Record.Bytes);

    public static string Kdf(int ops = 3, int mem = 131_072, int saltBytes = 16, int version = 1) =>
        $$"""{"v":{{version}},"salt":"{{RandomText(saltBytes)}}","ops":{{ops}},"mem":{{mem}}}""";

    /// <summary>What a server takes for a vault.</summary>
    public static string Vault() => Base64Text.Encode([1, .. RandomNumberGenerator.GetBytes(VaultForm.SizeBytes - 1)]);

    public static string RandomText(int bytes) => Base64Text.Encode(RandomNumberGenerator.GetBytes(bytes));

    /// <summary>A user who has not registered yet.</summary>
    public static SealingUser Stranger(WireClient client, string login) => new(client, login);

    /// <summary>A user who is signed in on a connection of their own.</summary>
    public static Task<SealingUser> SignUpAsync(TestServer server, string login) => SignUpAsync(server.Url, login);

    public static async Task<SealingUser> SignUpAsync(Uri server, string login)
    {
        var user = new SealingUser(await WireClient.ConnectAsync(server), login);
        await user.Client.DoAsync(user.Registration());
        await user.SignInAsync();
        return user;
    }

    public string Registration(string? kdf = null, string? record = null, string? vault = null) =>
        $$"""
        {"action":"register","login":"{{Login}}","password":"{{Password}}","kdf":{{kdf ?? Kdf()}},
        "identity":{"record":"{{record ?? Record}}"},"vault":"{{vault ?? Vault()}}"}
        """;

    public async Task<JsonObject> SignInAsync()
    {
        var reply = await Client.DoAsync(
            $$"""{"action":"auth","login":"{{Login}}","password":"{{Password}}"}""");
        Token = reply["public_token"]!.GetValue<Guid>();
        return reply;
    }

    /// <summary>Signs in on a new connection.</summary>
    public Task ReconnectAsync(TestServer server) => ReconnectAsync(server.Url);

    public async Task ReconnectAsync(Uri server)
    {
        await Client.DisposeAsync();
        Client = await WireClient.ConnectAsync(server);
        await SignInAsync();
    }

    public async ValueTask DisposeAsync()
    {
        Identity.Dispose();
        await Client.DisposeAsync();
    }
}
