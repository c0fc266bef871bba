using System.Diagnostics;
using Conclave.Sdk;

namespace Conclave.Tests.Sdk.Sealing;

/// <summary>Several programs of one user share a state file: at once, and one after another has crashed.</summary>
public sealed class TwoProcessTests : IDisposable
{
    const string Child = "CONCLAVE_TEST_CHILD";
    const int Posts = 15;

    readonly string _folder = Directory.CreateTempSubdirectory("conclave-state-").FullName;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Two_processes_at_once_post_and_read_one_lobby_with_one_state()
    {
        await using var server = await PaperServer.StartAsync();
        await using var alice = Enrol(server, "alice");
        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        using var child = Start(server, "post");

        for (var number = 1; number <= Posts; number++)
            await alice.PostAsync("den", $"parent {number}", cancellationToken: Cancel);
        await child.WaitForExitAsync(Cancel);

        Assert.Equal(0, child.ExitCode);
        var entries = (await alice.HistoryAsync("den", limit: 1000, cancellationToken: Cancel)).Entries;
        Assert.Equal(1 + (2 * Posts), entries.Count);
        Assert.All(entries, entry => Assert.Equal(Verdict.Verified, entry.Verdict));
        foreach (var file in Directory.GetFiles(_folder))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }

    [Fact]
    public async Task Process_killed_in_the_midst_of_its_posts_leaves_a_state_that_goes_on()
    {
        await using var server = await PaperServer.StartAsync();
        await using var alice = Enrol(server, "alice");
        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancel);
        using var child = Start(server, "post for ever");
        while (server.LobbyNamed("den").Rows.Count < 10)
            await alice.PingAsync(Cancel);
        child.Kill();
        await child.WaitForExitAsync(Cancel);

        await using var again = server.Client("alice", _folder);
        await again.PostAsync("den", "still here", cancellationToken: Cancel);
        var entries = (await again.HistoryAsync("den", limit: 1000, cancellationToken: Cancel)).Entries;

        Assert.Equal(server.LobbyNamed("den").Rows.Count, entries.Count);
        Assert.All(entries, entry => Assert.Equal(Verdict.Verified, entry.Verdict));
        Assert.Equal("still here", entries[^1].Content?.Text);
    }

    /// <summary>What a child process does; nobody else asks for it.</summary>
    [Fact(Explicit = true)]
    public async Task Child_posts()
    {
        var (task, address, folder) = Environment.GetEnvironmentVariable(Child)!.Split('|') switch
        {
            [var first, var second, var third] => (first, new Uri(second), third),
            _ => throw new InvalidOperationException("The child was not told what to do."),
        };
        await using var client = new ConclaveClient(
            ConclaveOptions.Default with { Server = address, StateFolder = folder });
        client.UseToken("token of alice", "alice");
        for (var number = 1; number <= Posts || task != "post"; number++)
            await client.PostAsync("den", $"child {number}", cancellationToken: Cancel);
    }

    Process Start(PaperServer server, string task)
    {
        var start = new ProcessStartInfo(
            Environment.ProcessPath!, ["-explicit", "only", "-method", "*TwoProcessTests.Child_posts"]);
        start.Environment[Child] = $"{task}|{server.Address}|{_folder}";
        return Process.Start(start)!;
    }

    ConclaveClient Enrol(PaperServer server, string login)
    {
        server.Enrol(login, _folder);
        return server.Client(login, _folder);
    }
}
