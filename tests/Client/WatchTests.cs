using System.Diagnostics;
using Conclave.Sdk;
using Conclave.Tests.Support;

namespace Conclave.Tests.Client;

/// <summary>What lives longer than a command: watching, interrupting, pipes that close.</summary>
public sealed class WatchTests(PostgresCluster postgres)
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Watch_shows_stored_and_live_entries_and_ends_well_with_ctrl_c()
    {
        await using var server = await TestServer.StartAsync(postgres);
        using var transcript = new Transcript(server.Url);
        await using var alice = await EnterAsync(transcript);
        await alice.PostAsync("first_lobby", "stored", null, Cancellation);
        using var watch = transcript.Start("alice", Transcript.Program, ["watch", "first_lobby", "--from", "1"]);
        using var timeout = new CancellationTokenSource(Patience);

        Assert.StartsWith("#1 ", await watch.StandardOutput.ReadLineAsync(timeout.Token), StringComparison.Ordinal);
        Assert.EndsWith("  stored", await watch.StandardOutput.ReadLineAsync(timeout.Token), StringComparison.Ordinal);
        await alice.PostAsync("first_lobby", "live", null, Cancellation);
        Assert.EndsWith("  live", await watch.StandardOutput.ReadLineAsync(timeout.Token), StringComparison.Ordinal);

        await InterruptAsync(watch);
        await watch.WaitForExitAsync(timeout.Token);
        Assert.Equal(0, watch.ExitCode);
        var said = await watch.StandardError.ReadToEndAsync(timeout.Token);
        Assert.Equal("conclave: watching first_lobby; Ctrl-C ends it\n", said);
    }

    [Fact]
    public async Task Watch_without_a_position_begins_with_what_comes_next()
    {
        await using var server = await TestServer.StartAsync(postgres);
        using var transcript = new Transcript(server.Url);
        await using var alice = await EnterAsync(transcript);
        using var watch = transcript.Start("alice", Transcript.Program, ["watch", "first_lobby"]);
        using var timeout = new CancellationTokenSource(Patience);

        await watch.StandardError.ReadLineAsync(timeout.Token);
        await alice.PostAsync("first_lobby", "live", null, Cancellation);
        Assert.StartsWith("#2 ", await watch.StandardOutput.ReadLineAsync(timeout.Token), StringComparison.Ordinal);

        await InterruptAsync(watch);
        await watch.WaitForExitAsync(timeout.Token);
    }

    [Fact]
    public async Task Watch_ends_quietly_when_its_reader_is_gone()
    {
        await using var server = await TestServer.StartAsync(postgres);
        using var transcript = new Transcript(server.Url);
        await using var alice = await EnterAsync(transcript);
        using var shell = transcript.Start(
            "alice", "/bin/sh",
            ["-c", $"{{ {Transcript.Program} watch first_lobby --json; echo \"ended with $?\" >&2; }} | head -n 1"]);
        using var timeout = new CancellationTokenSource(Patience);

        var ended = shell.WaitForExitAsync(timeout.Token);
        // Only a write tells the watch that nobody reads, so there must be something to write until it has noticed.
        while (!ended.IsCompleted)
            await alice.PostAsync("first_lobby", "more", cancellationToken: timeout.Token);
        await ended;
        Assert.Equal("ended with 0\n", await shell.StandardError.ReadToEndAsync(timeout.Token));
        Assert.Single((await shell.StandardOutput.ReadToEndAsync(timeout.Token)).TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public async Task Programs_that_write_to_one_file_do_not_write_over_each_other()
    {
        using var transcript = new Transcript(new Uri("http://127.0.0.1:1"));
        var script = $"{{ echo before; {Transcript.Program} logout; {Transcript.Program} logout; echo after; }} > file";
        using var shell = transcript.Start("alice", "/bin/sh", ["-c", script + "; cat file"]);
        var written = await shell.StandardOutput.ReadToEndAsync(Cancellation);
        Assert.Equal("before\nnobody was signed in\nnobody was signed in\nafter\n", written);
    }

    [Fact]
    public async Task Program_refuses_to_start_where_two_spellings_would_be_two_names()
    {
        using var transcript = new Transcript(new Uri("http://127.0.0.1:1"));
        using var shell = transcript.Start(
            "alice", "/bin/sh", ["-c", $"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 {Transcript.Program} logout"]);
        Assert.StartsWith(
            "conclave: the Unicode library ICU is missing", await shell.StandardError.ReadToEndAsync(Cancellation),
            StringComparison.Ordinal);
        await shell.WaitForExitAsync(Cancellation);
        Assert.Equal(1, shell.ExitCode);
    }

    [Fact]
    public async Task Command_that_waits_for_input_ends_with_ctrl_c()
    {
        await using var server = await TestServer.StartAsync(postgres);
        using var transcript = new Transcript(server.Url);
        await using var alice = await EnterAsync(transcript);
        using var send = transcript.Start("alice", Transcript.Program, ["send", "first_lobby"]);
        using var timeout = new CancellationTokenSource(Patience);

        // It reads once the first bytes are gone from the pipe, which nobody can see; a second signal does no harm.
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        while (!send.HasExited && await timer.WaitForNextTickAsync(timeout.Token))
            await InterruptAsync(send);
        Assert.Equal(130, send.ExitCode);
        Assert.Equal(1, (await alice.HistoryAsync("first_lobby", cancellationToken: Cancellation)).LastSeq);
    }

    [Fact]
    public async Task Whoever_guesses_passwords_is_told_to_wait()
    {
        await using var server = await TestServer.StartAsync(postgres);
        using var transcript = new Transcript(server.Url);
        await using var alice = await EnterAsync(transcript);
        var exitCode = 0;
        for (var guess = 0; guess < 50 && exitCode != 9; guess++)
        {
            using var login = transcript.Start("mallory", Transcript.Program, ["login", "alice"]);
            await login.WaitForExitAsync(Cancellation);
            exitCode = login.ExitCode;
            Assert.True(exitCode is 3 or 9, $"exit code {exitCode}");
        }
        Assert.Equal(9, exitCode);
    }

    // Alice has a lobby, is signed in here and in the program.
    static async Task<ConclaveClient> EnterAsync(Transcript transcript)
    {
        var alice = await transcript.EnterElsewhereAsync("alice");
        await alice.Lobbies.CreateSealedAsync("first_lobby", cancellationToken: Cancellation);
        await transcript.DoAsync("alice", 0, "login", "alice");
        return alice;
    }

    static async Task InterruptAsync(Process process)
    {
        // It may have ended a moment ago, which is nothing to complain about.
        using var kill = Process.Start("/bin/sh", ["-c", $"kill -INT {process.Id} 2>/dev/null"]);
        await kill.WaitForExitAsync(Cancellation);
    }
}
