using System.Text.Json.Nodes;
using Conclave.Sdk;

namespace Conclave.Tests.Sdk.Sealing;

/// <summary>A server that puts somebody else, or no login at all, in the place of whom it was asked about.</summary>
public sealed class OtherUserTests : IDisposable
{
    const string Password = "password of alice";

    readonly string _home = Directory.CreateTempSubdirectory("conclave-state-").FullName;

    public static TheoryData<string> Others => ["mallory", "alice\u001b[2J", "Alice", ""];

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_home, recursive: true);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Somebody_else_is_not_taken_for_whoever_was_looked_up(bool isSealing)
    {
        await using var server = await PaperServer.StartAsync();
        server.Enrol("alice", _home);
        server.Enrol("bob", _home);
        server.Enrol("mallory", _home);
        await using var client = isSealing
            ? server.Client("alice", _home)
            : new ConclaveClient(server.OptionsFor(_home) with { StateFolder = null });
        LieAbout(server, "get_public_token", reply =>
        {
            (reply["login"], reply["public_token"]) = ("mallory", server.Users["mallory"].Token.ToString());
            reply["identity"] = server.Users["mallory"].Identity!.DeepClone();
        });

        await Assert.ThrowsAsync<BrokenServerException>(() => client.FindUserAsync("bob", Cancel));

        server.Lie = null;
        Assert.Equal("bob", (await client.FindUserAsync("bob", Cancel)).Login);
    }

    [Theory, MemberData(nameof(Others))]
    public async Task Registering_and_signing_in_make_nobody_else_of_the_user(string other)
    {
        await using var server = await PaperServer.StartAsync();
        await using var sealing = new ConclaveClient(server.OptionsFor(_home));
        await using var plain = new ConclaveClient(server.OptionsFor(_home) with { StateFolder = null });
        await sealing.RegisterAsync("alice", Password, Cancel);
        server.Users["carol"] = new PaperUser("carol", Guid.NewGuid()) { Auth = Password };
        server.Lie = (_, reply) =>
        {
            if (reply.ContainsKey("login"))
                reply["login"] = other;
            return null;
        };

        await RefusesAsync(() => sealing.SignInAsync("alice", Password, Cancel));
        await RefusesAsync(() => sealing.SignInToPlainAccountAsync("carol", "password of alice"u8.ToArray(), Cancel));
        await RefusesAsync(() => plain.SignInAsync("carol", Password, Cancel));
        await RefusesAsync(() => plain.RegisterAsync("dave", Password, Cancel));
        await RefusesAsync(() => sealing.RegisterAsync("erin", Password, Cancel));

        Assert.Null(sealing.User);
        Assert.Null(plain.User);
        Assert.DoesNotContain(
            Directory.GetFiles(_home), file => !file.Contains("alice", StringComparison.Ordinal));
    }

    [Theory, MemberData(nameof(Others))]
    public async Task Session_is_nobody_elses_than_its_owners(string other)
    {
        await using var server = await PaperServer.StartAsync();
        server.Enrol("alice", _home);
        await using var client = server.Client("alice", _home);
        await using var plain = new ConclaveClient(server.OptionsFor(_home) with { StateFolder = null });
        plain.UseToken("token of alice", "alice");
        LieAbout(server, "whoami", reply => reply["login"] = other);

        await RefusesAsync(() => client.WhoamiAsync(Cancel));
        await RefusesAsync(() => plain.WhoamiAsync(Cancel));

        // Where nobody has said whose the token is, it is at least somebody's.
        plain.UseToken("token of alice");
        if (other == "mallory")
            Assert.Equal(other, (await plain.WhoamiAsync(Cancel)).Login);
        else
            await RefusesAsync(() => plain.WhoamiAsync(Cancel));
    }

    [Fact]
    public async Task Two_users_with_one_public_token_are_an_alarm()
    {
        await using var server = await PaperServer.StartAsync();
        foreach (var login in (IEnumerable<string>)["alice", "bob", "mallory"])
            server.Enrol(login, _home);
        await using var alice = server.Client("alice", _home);
        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        var token = server.Users["bob"].Token;
        LieAbout(server, "get_public_token", reply => reply["public_token"] = token.ToString());
        _ = await alice.FindUserAsync("mallory", Cancel);
        _ = await alice.FindUserAsync("bob", Cancel);

        var alarm = await Assert.ThrowsAsync<AlarmException>(
            () => alice.InviteAsync("den", token, cancellationToken: Cancel));

        Assert.Equal(AlarmCode.BadIdentity, alarm.Code);
        Assert.Single(server.LobbyNamed("den").Rows);
    }

    static Task<BrokenServerException> RefusesAsync(Func<Task> ask) =>
        Assert.ThrowsAsync<BrokenServerException>(ask);

    static void LieAbout(PaperServer server, string action, Action<JsonObject> lie) => server.Lie = (request, reply) =>
    {
        if ((string?)request["action"] == action)
            lie(reply);
        return null;
    };
}
