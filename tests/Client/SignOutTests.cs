using System.Text.Json.Nodes;
using Conclave.Client;
using Conclave.Client.Texts;
using Conclave.Sdk;
using Conclave.Sdk.Sealing;
using Conclave.Tests.Sdk.Sealing;

namespace Conclave.Tests.Client;

/// <summary>What stays on a computer when somebody signs out there, whatever the server does.</summary>
public sealed class SignOutTests
{
    static readonly SealSayTexts _seal = English.Language.Seal;

    [Fact]
    public async Task Keys_are_wiped_also_when_the_server_does_not_end_the_session()
    {
        await using var server = await PaperServer.StartAsync();
        using var people = new Transcript(server.Address);
        Enter(server, people);
        server.Lie = (request, reply) =>
        {
            if ((string?)request["action"] == "logout")
                (reply["ok"], reply["error"]) = (false, new JsonObject { ["code"] = "internal", ["message"] = "No." });
            return null;
        };

        var said = await people.DoAsync("bob", ExitCode.Error, "logout");

        Assert.Contains($"conclave: {_seal.OnlyKeysWiped}\n", said, StringComparison.Ordinal);
        Assert.False(HasKeys(server, people));
        // What is left of the session is there to be ended.
        server.Lie = null;
        await people.DoAsync("bob", ExitCode.Ok, "logout");
        Assert.Contains(
            English.Language.Say.WasNotSignedIn, await people.DoAsync("bob", ExitCode.Ok, "logout"),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keys_of_a_session_that_is_gone_are_wiped_by_their_owners_login()
    {
        await using var server = await PaperServer.StartAsync();
        using var people = new Transcript(server.Address);
        server.Enrol("bob", people.StateOf("bob"));

        var hint = await people.DoAsync("bob", ExitCode.Ok, "logout");
        Assert.Contains(_seal.KeysMayBeLeft, hint, StringComparison.Ordinal);
        Assert.True(HasKeys(server, people));
        Assert.Equal(_seal.KeysWiped("bob") + "\n", await people.DoAsync("bob", ExitCode.Ok, "logout", "Bob"));

        Assert.False(HasKeys(server, people));
        Assert.Equal(_seal.NoKeysToWipe("bob") + "\n", await people.DoAsync("bob", ExitCode.Ok, "logout", "bob"));
        Assert.Equal(_seal.NoKeysToWipe("carol") + "\n", await people.DoAsync("bob", ExitCode.Ok, "logout", "carol"));
        Assert.DoesNotContain(
            Directory.GetFiles(people.StateOf("bob")), file => file.Contains("carol", StringComparison.Ordinal));
        // Nobody was asked about it.
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task Typed_password_is_not_sent_where_only_the_session_is_left()
    {
        await using var server = await PaperServer.StartAsync();
        using var people = new Transcript(server.Address);
        Enter(server, people);
        Directory.Delete(people.StateOf("bob"), recursive: true);
        var @new = people.FileWith("new", "another password");

        await people.DoAsync("bob", ExitCode.NotSignedIn, "password", "--new-password-file", @new);
        await people.DoAsync(
            "bob", ExitCode.NotSignedIn, "password", "--new-password-file", @new, "--plain-account");
        server.Users["bob"].Identity = null;
        await people.DoAsync("bob", ExitCode.Alarm, "password", "--new-password-file", @new);

        Assert.DoesNotContain(server.Requests, request => (string?)request["action"] == "change_password");
    }

    static void Enter(PaperServer server, Transcript people)
    {
        server.Enrol("bob", people.StateOf("bob"));
        new SessionStore(people.EnvironmentOf("bob")["CONCLAVE_CONFIG"], English.Language).Keep(new Session
        {
            Server = server.Address.AbsoluteUri,
            Login = "bob",
            Token = "token of bob",
        });
    }

    static bool HasKeys(PaperServer server, Transcript people)
    {
        var options = server.OptionsFor(people.StateOf("bob"));
        using var session = SealedSession.Open(new Link(options), options, "bob");
        return session.HasIdentity;
    }
}
