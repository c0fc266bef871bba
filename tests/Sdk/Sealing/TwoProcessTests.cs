using System.Diagnostics;
using Conclave.Sdk;

namespace Conclave.Tests.Sdk.Sealing;

/// <summary>Several programs of one user share a state file: at once, and one after another has crashed.</summary>
public sealed class TwoProcessTests
{
    const string Child = "CONCLAVE_TEST_CHILD";
    const int Posts = 15;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Two_processes_at_once_post_and_read_one_lobby_with_one_state()
    {
        await using var den = await PaperDen.StartAsync();
        using var child = Start(den, "post");

        for (var number = 1; number <= Posts; number++)
            await den.Alice.PostAsync("den", $"parent {number}", cancellationToken: Cancel);
        await child.WaitForExitAsync(Cancel);

        Assert.Equal(0, child.ExitCode);
        var entries = (await den.Alice.HistoryAsync("den", limit: 1000, cancellationToken: Cancel)).Entries;
        Assert.Equal(1 + (2 * Posts), entries.Count);
        Assert.All(entries, entry => Assert.Equal(Verdict.Verified, entry.Verdict));
        foreach (var file in Directory.GetFiles(den.Folder))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }

    [Fact]
    public async Task Process_killed_in_the_midst_of_its_posts_leaves_a_state_that_goes_on()
    {
        await using var den = await PaperDen.StartAsync();
        using var child = Start(den, "post for ever");
        while (den.Lobby.Rows.Count < 10)
            await den.Alice.PingAsync(Cancel);
        child.Kill();
        await child.WaitForExitAsync(Cancel);

        var again = den.Again("alice");
        await again.PostAsync("den", "still here", cancellationToken: Cancel);
        var entries = (await again.HistoryAsync("den", limit: 1000, cancellationToken: Cancel)).Entries;

        Assert.Equal(den.Lobby.Rows.Count, entries.Count);
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

    static Process Start(PaperDen den, string task)
    {
        var start = new ProcessStartInfo(
            Environment.ProcessPath!, ["-explicit", "only", "-method", "*TwoProcessTests.Child_posts"]);
        start.Environment[Child] = $"{task}|{den.Server.Address}|{den.Folder}";
        return Process.Start(start)!;
    }
}
