using System.Text;
using Conclave.Tests.Support;

namespace Conclave.Tests.Server.Operator;

/// <summary>The commands on users, by the real program, beside a server that runs and without one.</summary>
public sealed class UserCommandTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("conclave-operator-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task User_is_listed_disabled_and_enabled_beside_a_running_server_and_without_one()
    {
        await using (var server = await ServerProcess.StartAsync(_folder))
        {
            await using var client = await WireClient.ConnectAsync(server.Url);
            var token = await client.SignUpAsync("ann");
            await client.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
            await AssertAnnAsync("active", lobbies: "1", sessions: "1");

            await OperatorProgram.DoAsync(_folder, "user", "disable", "Ann");
            Assert.Contains("already", (await OperatorProgram.DoAsync(_folder, "user", "disable", "ann")).Errors,
                StringComparison.Ordinal);
            // A token that was in use is trusted for a second at most; then whoever shows it is told.
            Assert.Equal("session_ended", (await client.EventAsync())["event"]!.GetValue<string>());
            await using var stranger = await WireClient.ConnectAsync(server.Url);
            Assert.Equal("bad_token", await stranger.RefusedAsync(
                $$"""{"action":"my_lobbies","token":"{{token}}"}"""));
            Assert.Equal("bad_credentials", await stranger.RefusedAsync(
                """{"action":"auth","login":"ann","password":"password of ann"}"""));
        }

        await AssertAnnAsync("disabled", lobbies: "1", sessions: "0");
        await OperatorProgram.DoAsync(_folder, "user", "enable", "ann");

        await using (var server = await ServerProcess.StartAsync(_folder))
        {
            await using var client = await WireClient.ConnectAsync(server.Url);
            await client.SignInAsync("ann");
        }
    }

    [Fact]
    public async Task Password_is_reset_from_a_pipe_or_a_file_or_drawn_and_shown_once()
    {
        await using var server = await ServerProcess.StartAsync(_folder);
        await using var client = await WireClient.ConnectAsync(server.Url);
        var token = await client.SignUpAsync("ann");

        var piped = await OperatorProgram.RunAsync(
            ServerProcess.Program(_folder, "user", "reset-password", "ann", "--password-file", "-"),
            Encoding.UTF8.GetBytes("пароль another one\r\n"));
        Assert.Equal((0, ""), (piped.Code, piped.Output));
        Assert.DoesNotContain("another", piped.Errors, StringComparison.Ordinal);
        await using var stranger = await WireClient.ConnectAsync(server.Url);
        Assert.Equal("bad_token", await stranger.RefusedAsync($$"""{"action":"my_lobbies","token":"{{token}}"}"""));
        Assert.Equal("bad_credentials", await SignInAsync("password of ann"));
        Assert.Equal("ok", await SignInAsync("пароль another one"));

        var file = Path.Combine(_folder, "password");
        await File.WriteAllTextAsync(file, "from a file\n", TestContext.Current.CancellationToken);
        await OperatorProgram.DoAsync(_folder, "user", "reset-password", "ann", "--password-file", file);
        Assert.Equal("ok", await SignInAsync("from a file"));

        var drawn = await OperatorProgram.DoAsync(_folder, "user", "reset-password", "ann", "--generate");
        Assert.Equal(20, Assert.Single(drawn.Lines).Length);
        Assert.DoesNotContain(drawn.Lines[0], drawn.Errors, StringComparison.Ordinal);
        Assert.Equal("ok", await SignInAsync(drawn.Lines[0]));

        Assert.Contains("--password-file", await OperatorProgram.RefusedAsync(_folder, "user", "reset-password", "ann"),
            StringComparison.Ordinal);
        await File.WriteAllTextAsync(file, "short", TestContext.Current.CancellationToken);
        Assert.Contains("8 to 1024", await OperatorProgram.RefusedAsync(
            _folder, "user", "reset-password", "ann", "--password-file", file), StringComparison.Ordinal);
        var typed = await OperatorProgram.RunAsync(_folder, "user", "reset-password", "ann", "in the open");
        Assert.Equal(2, typed.Code);
        Assert.DoesNotContain("in the open", typed.Errors, StringComparison.Ordinal);
        Assert.Equal("ok", await SignInAsync(drawn.Lines[0]));

        async Task<string> SignInAsync(string password) => Outcomes.Of(await stranger.AskAsync(
            $$"""{"action":"auth","login":"ann","password":"{{password}}"}"""));
    }

    [Fact]
    public async Task Deleted_user_leaves_every_lobby_by_the_log_and_nobody_takes_the_login()
    {
        await using var server = await ServerProcess.StartAsync(_folder);
        await using var ann = await WireClient.ConnectAsync(server.Url);
        await using var bob = await WireClient.ConnectAsync(server.Url);
        var token = await ann.SignUpAsync("ann");
        await bob.SignUpAsync("bob");
        var bobs = (await bob.DoAsync("""{"action":"whoami"}"""))["public_token"]!.GetValue<string>();
        var anns = (await ann.DoAsync("""{"action":"whoami"}"""))["public_token"]!.GetValue<string>();
        await ann.DoAsync("""{"action":"create_lobby","lobby_name":"shared"}""");
        await ann.DoAsync("""{"action":"create_lobby","lobby_name":"alone"}""");
        await ann.DoAsync($$"""{"action":"invite_lobby","lobby_name":"shared","public_token":"{{bobs}}"}""");
        await ann.DoAsync("""{"action":"message","lobby_name":"shared","row_data":"hers"}""");
        await bob.DoAsync("""{"action":"create_lobby","lobby_name":"his"}""");
        await bob.DoAsync($$"""{"action":"invite_lobby","lobby_name":"his","public_token":"{{anns}}"}""");
        await bob.DoAsync("""{"action":"subscribe","lobby_name":"shared","after":3}""");

        Assert.Contains("'shared'", await OperatorProgram.RefusedAsync(_folder, "user", "delete", "ann", "--yes"),
            StringComparison.Ordinal);
        Assert.Contains("--yes", await OperatorProgram.RefusedAsync(
            _folder, "user", "delete", "ann", "--hand-over", "bob"), StringComparison.Ordinal);
        await OperatorProgram.DoAsync(_folder, "user", "delete", "ann", "--hand-over", "bob", "--yes");

        // Bob goes on posting, and so learns what was written meanwhile.
        await bob.DoAsync("""{"action":"message","lobby_name":"shared","row_data":"his"}""");
        Assert.Equal("invited", await EventAsync());
        Assert.Equal("rights_changed", await EventAsync());
        Assert.Equal("member_removed", await EventAsync());
        Assert.Equal("message", await EventAsync());
        // A token that was in use is trusted for a second at most.
        string outcome;
        do
            outcome = await bob.RefusedAsync($$"""{"action":"whoami","token":"{{token}}"}""");
        while (outcome == "no_such_user");
        Assert.Equal("bad_token", outcome);
        Assert.Equal("login_taken", await bob.RefusedAsync(
            """{"action":"register","login":"ann","password":"password of ann"}"""));
        Assert.Equal("no_such_user", await bob.RefusedAsync("""{"action":"get_public_token","login":"ann"}"""));
        Assert.Equal("no_such_user", await bob.RefusedAsync(
            $$"""{"action":"invite_lobby","lobby_name":"shared","public_token":"{{anns}}"}"""));
        var history = await bob.DoAsync("""{"action":"history","lobby_name":"shared"}""");
        Assert.Equal("ann", history["events"]![2]!["from"]!["login"]!.GetValue<string>());
        Assert.Equal(["deleted", "active"], (await OperatorProgram.DoAsync(_folder, "user", "list")).Rows
            .Select(row => row[1]));
        Assert.Contains("already", await OperatorProgram.RefusedAsync(_folder, "user", "delete", "ann", "--yes"),
            StringComparison.Ordinal);
        Assert.Contains("deleted", await OperatorProgram.RefusedAsync(_folder, "user", "enable", "ann"),
            StringComparison.Ordinal);
        await OperatorProgram.DoAsync(_folder, "check");

        async Task<string> EventAsync() => (await bob.EventAsync())["event"]!.GetValue<string>();
    }

    async Task AssertAnnAsync(string state, string lobbies, string sessions)
    {
        var ann = Assert.Single((await OperatorProgram.DoAsync(_folder, "user", "list")).Rows);
        Assert.Equal(("ann", state, lobbies, sessions), (ann[0], ann[1], ann[4], ann[5]));
    }
}
