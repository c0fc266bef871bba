using System.Text.Json.Nodes;
using Conclave.Sdk;
using Conclave.Tests.Support;

namespace Conclave.Tests.Client.Menu;

/// <summary>One's own identity in the menu, and what is asked before a password is sent as it was typed.</summary>
public sealed class IdentityMenuTests(PostgresCluster postgres)
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Typed_password_is_sent_only_after_a_question_and_sealing_is_offered_to_plain_accounts_alone()
    {
        await using var server = await TestServer.StartAsync(postgres);
        using var transcript = new Transcript(server.Url);
        await using var plain = new ConclaveClient(ConclaveOptions.Default with { Server = server.Url });
        await plain.RegisterAsync("alice", "password of alice", Cancellation);
        await using var menu = await Tmux.StartAsync(transcript.EnvironmentOf("alice"));

        await SignInAsync(menu, "alice", "password of alice");
        await menu.ChooseAsync("Back");
        await menu.SeeAsync("nobody is signed in");
        await SignInAsync(menu, "alice", "password of alice");
        await menu.ChooseAsync("Yes, it is meant so");
        await menu.SeeAsync("Welcome, alice");

        await menu.ChooseAsync("Change the password");
        await TypePasswordsAsync(menu, "password of alice", "a second password");
        await menu.SeeAsync("Do you know that the account is plain?");
        await menu.ChooseAsync("Yes, it is meant so");
        await menu.SeeAsync("The password of alice is changed");

        await menu.ChooseAsync("Your identity");
        var before = await menu.SeeAsync("Take your identity back");
        Assert.DoesNotContain("Recovery code", before, StringComparison.Ordinal);
        await menu.ChooseAsync("Seal the account");
        await menu.SeeAsync("Do you know that the account is plain?");
        await menu.ChooseAsync("Yes, it is meant so");
        await TypePasswordsAsync(menu, "a second password", "a third password");
        var screen = await menu.SeeAsync("The account alice has an identity now");
        Assert.DoesNotContain("third", screen, StringComparison.Ordinal);

        await menu.ChooseAsync("Your identity");
        var offered = await menu.SeeAsync("Recovery code");
        Assert.DoesNotContain("Seal the account", offered, StringComparison.Ordinal);
        Assert.DoesNotContain("Take your identity back", offered, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Identity_is_taken_back_by_its_recovery_code()
    {
        await using var server = await TestServer.StartAsync(postgres);
        using var transcript = new Transcript(server.Url);
        await transcript.EnterAsync("alice");
        await transcript.DoAsync("alice", 0, "lobby", "create", "den");
        await transcript.DoAsync("alice", 0, "send", "den", "from before");
        var code = (await transcript.DoAsync("alice", 0, "account", "recovery-code", "--yes")).Trim();
        await RecoveryTests.ResetPasswordAsync(server, "alice");
        await using var phone = await Tmux.StartAsync(transcript.EnvironmentOf("phone"));

        await SignInAsync(phone, "alice", RecoveryTests.GivenPassword);
        await phone.ChooseAsync("Yes, it is meant so");
        await phone.SeeAsync("Welcome, alice");
        await phone.ChooseAsync("Your identity");
        await phone.ChooseAsync("Take your identity back");
        await phone.ChooseAsync("Yes, it is meant so");
        await phone.SeeAsync("Recovery code:");
        await phone.TypeAsync(code);
        await TypePasswordsAsync(phone, RecoveryTests.GivenPassword, "another password");
        var screen = await phone.SeeAsync("Alice has the identity of before again");
        Assert.DoesNotContain(code, screen, StringComparison.Ordinal);

        await phone.ChooseAsync("Read a lobby");
        await phone.ChooseAsync("den");
        await phone.SeeAsync("from before");
    }

    [Fact]
    public async Task Member_who_has_lost_their_keys_is_let_in_again()
    {
        await using var server = await TestServer.StartAsync(postgres);
        using var transcript = new Transcript(server.Url);
        await transcript.EnterAsync("alice");
        await transcript.EnterAsync("bob");
        await transcript.DoAsync("alice", 0, "lobby", "create", "den");
        await transcript.DoAsync("alice", 0, "invite", "den", "bob");
        await RecoveryTests.ResetPasswordAsync(server, "bob");
        var given = transcript.FileWith("given", RecoveryTests.GivenPassword);
        await transcript.DoAsync("phone", 0, "login", "bob", "--password-file", given, "--plain-account");
        await transcript.DoAsync(
            "phone", 0, "account", "seal", "--plain-account", "--password-file", given, "--new-password-file", given);
        var contact = await transcript.DoAsync("alice", 7, "verify", "bob", "--json");
        var fingerprint = JsonNode.Parse(contact[contact.IndexOf('{', StringComparison.Ordinal)..])!
            ["changed"]!["fingerprint"]!.GetValue<string>();
        await transcript.DoAsync("alice", 0, "accept-key", "bob", "--fingerprint", fingerprint);
        await using var menu = await Tmux.StartAsync(transcript.EnvironmentOf("alice"));

        await menu.ChooseAsync("Manage a lobby");
        await menu.ChooseAsync("den");
        await menu.ChooseAsync("Let a member in again");
        await menu.ChooseAsync("bob");
        await menu.SeeAsync("Bob is now in den and may: read, write");

        await transcript.DoAsync("phone", 0, "send", "den", "here again");
        await transcript.SeeAsync("alice", "den", "here again");
    }

    static async Task SignInAsync(Tmux menu, string login, string password)
    {
        await menu.ChooseAsync("Sign in");
        await menu.SeeLastAsync("Login:");
        await menu.TypeAsync(login);
        await menu.SeeLastAsync("Password:");
        await menu.TypeAsync(password);
        await menu.SeeAsync("Do you know that the account is plain?");
    }

    static async Task TypePasswordsAsync(Tmux menu, string old, string @new)
    {
        await menu.SeeLastAsync("Your password so far");
        await menu.TypeAsync(old);
        await menu.SeeLastAsync("Choose a password");
        await menu.TypeAsync(@new);
        await menu.SeeLastAsync("The same password again");
        await menu.TypeAsync(@new);
    }
}
