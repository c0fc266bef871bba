using System.Text.Json.Nodes;
using Conclave.Tests.Support;

namespace Conclave.Tests.Client;

/// <summary>A user with a new identity, and what the members of the lobbies they are in see of it.</summary>
public sealed class IdentityTests(PostgresCluster postgres)
{
    [Fact]
    public async Task New_identity_that_the_old_one_signed_takes_its_place_in_every_lobby()
    {
        await using var server = await TestServer.StartAsync(postgres);
        using var transcript = new Transcript(server.Url);
        await EnterAllAsync(transcript, "alice", "bob", "carol");
        await transcript.DoAsync("alice", 0, "invite", "den", "carol");
        await transcript.DoAsync("alice", 0, "lobby", "create", "diary", "--from-join");
        await transcript.DoAsync("alice", 0, "send", "diary", "dear diary");
        await transcript.VerifyAsync("bob", "alice");
        await transcript.DoAsync("carol", 0, "history", "den");

        await transcript.DoAsync("alice", 2, "account", "reset-identity");
        var told = await transcript.DoAsync("alice", 0, "account", "reset-identity", "--yes", "--json");
        var reset = JsonNode.Parse(told)!;
        Assert.All(reset["lobbies"]!.AsArray(), lobby => Assert.True(lobby!["succeeded"]!.GetValue<bool>()));
        Assert.Equal(2, reset["lobbies"]!.AsArray().Count);
        await transcript.DoAsync("alice", 0, "send", "den", "with a new key");
        Assert.Contains(
            "knows you by your present identity", await transcript.DoAsync("alice", 0, "lobby", "succeed", "den"),
            StringComparison.Ordinal);

        // Whoever had compared keys decides; whoever had not gets a notice.
        var said = await transcript.DoAsync("bob", 7, "send", "den", "nothing of this is sent");
        Assert.Contains("ALARM: the key of this user is not the one you know: alice", said, StringComparison.Ordinal);
        var shown = await transcript.DoAsync("bob", 0, "history", "den");
        Assert.Contains("has a new identity, signed by the old one: alice", shown, StringComparison.Ordinal);
        var change = await transcript.DoAsync("bob", 7, "verify", "alice");
        Assert.Contains("the old key has signed the new one", change, StringComparison.Ordinal);
        await transcript.DoAsync(
            "bob", 0, "accept-key", "alice", "--fingerprint", reset["fingerprint"]!.GetValue<string>());
        await transcript.DoAsync("bob", 0, "send", "den", "seen by bob");
        await transcript.DoAsync("carol", 0, "send", "den", "seen by carol");

        // All of it opens with the password alone, the history of what began at joining too.
        await transcript.DoAsync("phone", 0, "login", "alice", "--password-file", PasswordOf(transcript, "alice"));
        await transcript.SeeAsync("phone", "den", "seen by carol");
        await transcript.SeeAsync("phone", "diary", "dear diary");
    }

    [Fact]
    public async Task Device_with_the_old_identity_cannot_put_it_beside_the_new_one()
    {
        await using var server = await TestServer.StartAsync(postgres);
        using var transcript = new Transcript(server.Url);
        await transcript.EnterAsync("alice");
        var password = PasswordOf(transcript, "alice");
        var next = transcript.FileWith("next", "another password");
        await transcript.DoAsync("phone", 0, "login", "alice", "--password-file", password);
        await transcript.DoAsync("alice", 0, "account", "reset-identity", "--yes");

        var ended = await ChangeAsync(3);
        Assert.Contains("your session has ended", ended, StringComparison.Ordinal);
        await transcript.DoAsync("tablet", 0, "login", "alice", "--password-file", password);
        // Whoever signs in again gets the new one, and changes the password with that.
        await transcript.DoAsync("phone", 0, "login", "alice", "--password-file", password);
        await ChangeAsync(0);
        await transcript.DoAsync("laptop", 0, "login", "alice", "--password-file", next);

        Task<string> ChangeAsync(int exitCode) => transcript.DoAsync(
            "phone", exitCode, "password", "--password-file", password, "--new-password-file", next);
    }

    [Fact]
    public async Task Member_who_has_lost_all_keys_is_let_in_again_by_an_admin_who_accepts_the_new_one()
    {
        await using var server = await TestServer.StartAsync(postgres);
        using var transcript = new Transcript(server.Url);
        await EnterAllAsync(transcript, "alice", "bob");
        await transcript.DoAsync("alice", 0, "send", "den", "from before");
        await RecoveryTests.ResetPasswordAsync(server, "bob");
        var given = transcript.FileWith("given", RecoveryTests.GivenPassword);
        await transcript.DoAsync("phone", 0, "login", "bob", "--password-file", given, "--plain-account");
        await transcript.DoAsync(
            "phone", 0, "account", "seal", "--plain-account", "--password-file", given, "--new-password-file",
            PasswordOf(transcript, "bob"));

        var stranger = await transcript.DoAsync("phone", 4, "send", "den", "nothing of this is sent");
        Assert.Contains("knows you by another identity", stranger, StringComparison.Ordinal);
        var changed = await transcript.DoAsync("alice", 7, "readmit", "den", "bob");
        Assert.Contains("ALARM: the key of this user is not the one you know: bob", changed, StringComparison.Ordinal);
        var contact = await transcript.DoAsync("alice", 7, "verify", "bob", "--json");
        var fingerprint = JsonNode.Parse(contact[contact.IndexOf('{', StringComparison.Ordinal)..])!
            ["changed"]!["fingerprint"]!.GetValue<string>();
        await transcript.DoAsync("alice", 0, "accept-key", "bob", "--fingerprint", fingerprint);
        // The roster still names the old key: nothing is sealed for whoever has that.
        await transcript.DoAsync("alice", 7, "send", "den", "nothing of this is sent");
        var readmitted = await transcript.DoAsync("alice", 0, "readmit", "den", "bob");
        Assert.Contains("bob is now in den and may: read, write", readmitted, StringComparison.Ordinal);
        await transcript.DoAsync("alice", 6, "readmit", "den", "bob");
        await transcript.DoAsync("alice", 5, "readmit", "den", "nobody");

        await transcript.SeeAsync("phone", "den", "from before");
        await transcript.DoAsync("phone", 0, "send", "den", "here again");
        var seen = await transcript.DoAsync("alice", 0, "history", "den");
        Assert.Contains("here again", seen, StringComparison.Ordinal);
        Assert.Contains("made a new key for the lobby", seen, StringComparison.Ordinal);
        Assert.DoesNotContain("nothing of this is sent", seen, StringComparison.Ordinal);
    }

    // A lobby of the first, with the second in it.
    static async Task EnterAllAsync(Transcript transcript, params string[] logins)
    {
        foreach (var login in logins)
            await transcript.EnterAsync(login);
        await transcript.DoAsync(logins[0], 0, "lobby", "create", "den");
        await transcript.DoAsync(logins[0], 0, "invite", "den", logins[1]);
        var introduced = await transcript.DoAsync(logins[1], 0, "history", "den");
        Assert.Contains(
            $"it was made by {logins[0]} (not verified), and you were invited by {logins[0]} (not verified)",
            introduced, StringComparison.Ordinal);
        Assert.DoesNotContain(
            "for the first time", await transcript.DoAsync(logins[1], 0, "history", "den"), StringComparison.Ordinal);
    }

    static string PasswordOf(Transcript transcript, string login) =>
        transcript.FileWith("password of " + login, "password of " + login);
}
