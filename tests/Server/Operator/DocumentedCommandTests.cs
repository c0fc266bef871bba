using System.Diagnostics;
using System.Text;
using Conclave.Tests.Support;
using Conclave.Tests.Tidy;

namespace Conclave.Tests.Server.Operator;

/// <summary>The commands of docs/operations.md, run as they are written there.</summary>
public sealed class DocumentedCommandTests : IDisposable
{
    readonly string _data = Directory.CreateTempSubdirectory("conclave-operator-").FullName;
    readonly string _elsewhere = Directory.CreateTempSubdirectory("conclave-operator-").FullName;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        Directory.Delete(_data, recursive: true);
        Directory.Delete(_elsewhere, recursive: true);
    }

    [Fact]
    public async Task Every_command_does_what_the_page_says()
    {
        var blocks = Blocks("Users").Concat(Blocks("Lobbies and quotas")).Concat(Blocks("Check")).ToArray();
        var rekey = Assert.Single(Blocks("Another master key"));
        var (backup, restore) = Blocks("Backup and restore") is [var first, var second] ? (first, second) : default;
        await using (var server = await ServerProcess.StartAsync(_data))
        {
            await FillAsync(server);
            await File.WriteAllTextAsync(Path.Combine(_data, "new-password"), "a new password\n", Cancellation);
            foreach (var block in blocks)
                await RunAsync(_data, block);
            await RunAsync(_data, backup);
        }

        File.Copy(Path.Combine(_data, "master.key"), Path.Combine(_elsewhere, "master.key"));
        File.Copy(Path.Combine(_data, "conclave.backup"), Path.Combine(_elsewhere, "conclave.backup"));
        await RunAsync(_data, rekey);
        await RunAsync(_data, "conclave-server check");
        await RunAsync(_elsewhere, restore);
        Assert.Contains("bob\tactive", await RunAsync(_elsewhere, "conclave-server user list"),
            StringComparison.Ordinal);
    }

    // What stands between ```sh and ``` below a heading.
    static List<string> Blocks(string heading)
    {
        List<string> blocks = [];
        var page = SourceFile.All.Single(file => file.Path == "docs/operations.md");
        StringBuilder? block = null;
        foreach (var line in page.Lines
            .SkipWhile(line => line.TrimStart('#', ' ') != heading).Skip(1)
            .TakeWhile(line => !line.StartsWith("##", StringComparison.Ordinal)))
        {
            if (line == "```sh")
            {
                block = new StringBuilder();
            }
            else if (line == "```" && block is not null)
            {
                blocks.Add(block.ToString());
                block = null;
            }
            else
            {
                block?.AppendLine(line);
            }
        }
        return blocks;
    }

    static async Task FillAsync(ServerProcess server)
    {
        await using var alice = await WireClient.ConnectAsync(server.Url);
        await using var bob = await WireClient.ConnectAsync(server.Url);
        await alice.SignUpAsync("alice");
        await bob.SignUpAsync("bob");
        var bobs = (await bob.DoAsync("""{"action":"whoami"}"""))["public_token"];
        await alice.DoAsync("""{"action":"create_lobby","lobby_name":"keys"}""");
        await alice.DoAsync($$"""{"action":"invite_lobby","lobby_name":"keys","public_token":"{{bobs}}"}""");
        await alice.DoAsync("""{"action":"message","lobby_name":"keys","row_data":"hidden"}""");
    }

    static async Task<string> RunAsync(string data, string script)
    {
        var program = ServerProcess.Program(data);
        var start = new ProcessStartInfo("sh", ["-euc", script])
        {
            WorkingDirectory = data,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.Environment.Clear();
        foreach (var (name, value) in program.Environment)
            start.Environment[name] = value;
        start.Environment["PATH"] = AppContext.BaseDirectory + ":" + Environment.GetEnvironmentVariable("PATH");
        var run = await OperatorProgram.RunAsync(start, input: []);
        Assert.True(run.Code == 0, $"{script}: {run}");
        return run.Output;
    }
}
