using System.Text;
using Conclave.Tests.Support;

namespace Conclave.Tests.Client;

/// <summary>Coming back to an account after its password was forgotten, and its operator has reset it.</summary>
public sealed class RecoveryTests(PostgresCluster postgres)
{
    public const string GivenPassword = "password of the operator";

    [Fact]
    public async Task Recovery_code_opens_everything_again_on_a_new_device()
    {
        await using var server = await TestServer.StartAsync(postgres);
        using var transcript = new Transcript(server.Url);
        var code = await PrepareAsync(transcript);
        await ResetPasswordAsync(server, "alice");
        var given = transcript.FileWith("given", GivenPassword);
        var @new = transcript.FileWith("new", "another password");

        // The server wants the password as it was typed, and only a person knows that this is right.
        await transcript.DoAsync("phone", 7, "login", "alice", "--password-file", given);
        await transcript.DoAsync("phone", 0, "login", "alice", "--password-file", given, "--plain-account");
        var stranger = transcript.FileWith("stranger", new string('A', 43));
        var refused = await RecoverAsync(3, stranger);
        Assert.Contains("not the recovery code of your account", refused, StringComparison.Ordinal);
        await RecoverAsync(3, transcript.FileWith("short", code[..42]));
        // As it stands on paper, in two lines.
        await RecoverAsync(0, transcript.FileWith("paper", code[..20] + "\n" + code[20..] + "\n"));
        await RecoverAsync(6, stranger);

        await transcript.SeeAsync("phone", "den", "from before");
        await transcript.DoAsync("phone", 0, "send", "den", "back again");
        await transcript.SeeAsync("bob", "den", "back again");
        var verified = await transcript.DoAsync("bob", 0, "verify", "alice", "--json");
        Assert.Contains("\"verified\":true", verified, StringComparison.Ordinal);
        Assert.DoesNotContain("changed", verified, StringComparison.Ordinal);
        // The vault opens with the new password, and the server no longer sees it.
        await transcript.DoAsync("laptop", 0, "login", "alice", "--password-file", @new);
        await transcript.SeeAsync("laptop", "den", "back again");

        Task<string> RecoverAsync(int exitCode, string paper) => transcript.DoAsync(
            "phone", exitCode, "account", "recover", "--plain-account", "--recovery-file", paper, "--password-file",
            given, "--new-password-file", @new);
    }

    [Fact]
    public async Task Device_that_still_has_the_keys_needs_no_recovery_code()
    {
        await using var server = await TestServer.StartAsync(postgres);
        using var transcript = new Transcript(server.Url);
        await PrepareAsync(transcript);
        await ResetPasswordAsync(server, "alice");
        var given = transcript.FileWith("given", GivenPassword);
        var @new = transcript.FileWith("new", "another password");

        await transcript.DoAsync("alice", 0, "login", "alice", "--password-file", given, "--plain-account");
        await transcript.DoAsync(
            "alice", 0, "account", "recover", "--plain-account", "--password-file", given, "--new-password-file", @new);

        await transcript.DoAsync("alice", 0, "send", "den", "back again");
        await transcript.SeeAsync("bob", "den", "back again");
        await transcript.DoAsync("laptop", 0, "login", "alice", "--password-file", @new);
        await transcript.SeeAsync("laptop", "den", "from before");
    }

    /// <returns>The recovery code of alice, who has a lobby with bob.</returns>
    static async Task<string> PrepareAsync(Transcript transcript)
    {
        await transcript.EnterAsync("alice");
        await transcript.EnterAsync("bob");
        await transcript.DoAsync("alice", 0, "lobby", "create", "den");
        await transcript.DoAsync("alice", 0, "send", "den", "from before");
        await transcript.DoAsync("alice", 0, "invite", "den", "bob");
        await transcript.VerifyAsync("bob", "alice");
        return (await transcript.DoAsync("alice", 0, "account", "recovery-code", "--yes")).Trim();
    }

    internal static async Task ResetPasswordAsync(TestServer server, string login)
    {
        var start = ServerProcess.Program(server.Folder, "user", "reset-password", login, "--password-file", "-");
        start.Environment["CONCLAVE_DATABASE"] = server.Database;
        var run = await OperatorProgram.RunAsync(start, Encoding.UTF8.GetBytes(GivenPassword));
        Assert.True(run.Code == 0, run.ToString());
    }
}
