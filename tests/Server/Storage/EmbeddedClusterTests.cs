using System.Diagnostics;
using System.Globalization;
using Conclave.Server.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Conclave.Tests.Server.Storage;

public sealed class EmbeddedClusterTests : IDisposable
{
    const int SigKill = 9;
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    readonly string _folder = Directory.CreateTempSubdirectory("conclave-cluster-").FullName;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task New_folder_gets_a_cluster_that_speaks_UTF8_and_sorts_by_bytes()
    {
        await using var cluster = await StartAsync(_folder);

        Assert.Equal("UTF8", await AskAsync(cluster, "SHOW server_encoding"));
        Assert.Equal(
            "C", await AskAsync(cluster, "SELECT datcollate FROM pg_database WHERE datname = current_database()"));
        Assert.Equal("conclave", await AskAsync(cluster, "SELECT current_user::text"));
        Assert.Equal("off", await AskAsync(cluster, "SHOW is_superuser"));
    }

    [Fact]
    public async Task Cluster_is_as_durable_as_any_other_and_listens_on_no_network()
    {
        await using var cluster = await EmbeddedCluster.StartAsync(
            Options(_folder) with { Throwaway = false }, TimeProvider.System, NullLogger.Instance, Cancellation);

        Assert.Equal("on", await AskAsync(cluster, "SHOW fsync"));
        Assert.Equal("on", await AskAsync(cluster, "SHOW synchronous_commit"));
        Assert.Equal("on", await AskAsync(cluster, "SHOW full_page_writes"));
        Assert.Equal("", await AskAsync(cluster, "SHOW listen_addresses"));
    }

    [Fact]
    public async Task Data_are_there_after_a_restart()
    {
        await using (var cluster = await StartAsync(_folder))
        {
            await KeepAsync(cluster);
        }

        await using var again = await StartAsync(_folder);
        Assert.Equal("kept", await AskAsync(again, "SELECT word FROM memory"));
    }

    [Fact]
    public async Task Killed_PostgreSQL_is_noticed_and_recovers_at_the_next_start()
    {
        await using (var cluster = await StartAsync(_folder))
        {
            await KeepAsync(cluster);
            PostgresProcesses.Signal(cluster.ProcessId, SigKill);
            await cluster.Exited.WaitAsync(Patience, Cancellation);
        }

        await using var again = await StartAsync(_folder);
        Assert.Equal("kept", await AskAsync(again, "SELECT word FROM memory"));
    }

    [Fact]
    public async Task PostgreSQL_that_a_killed_server_left_running_gives_way()
    {
        await using var left = await StartAsync(_folder);
        await KeepAsync(left);

        await using var next = await StartAsync(_folder);

        await left.Exited.WaitAsync(Patience, Cancellation);
        Assert.Equal("kept", await AskAsync(next, "SELECT word FROM memory"));
    }

    [Fact]
    public async Task Process_id_on_file_that_is_a_strangers_by_now_does_not_block()
    {
        string pidFile;
        string[] content;
        await using (await StartAsync(_folder))
        {
            pidFile = Path.Combine(_folder, "postgres", "data", "postmaster.pid");
            content = await File.ReadAllLinesAsync(pidFile, Cancellation);
        }

        content[0] = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        await File.WriteAllLinesAsync(pidFile, content, Cancellation);

        await using var again = await StartAsync(_folder);
        Assert.NotEqual(Environment.ProcessId, again.ProcessId);
    }

    [Fact]
    public async Task Start_that_was_cut_off_while_making_the_cluster_is_made_good()
    {
        var unfinished = Path.Combine(_folder, "postgres", "data.new", "base");
        Directory.CreateDirectory(unfinished);
        await File.WriteAllTextAsync(Path.Combine(unfinished, "PG_VERSION"), "15", Cancellation);

        await using var cluster = await StartAsync(_folder);
        Assert.Equal("1", await AskAsync(cluster, "SELECT '1'"));
    }

    [Fact]
    public async Task Data_folder_with_a_quote_in_its_name_is_served_all_the_same()
    {
        var quoted = Path.Combine(_folder, "the \"best\" data");
        Directory.CreateDirectory(quoted);
        LetPass(_folder);

        await using var cluster = await StartAsync(quoted);
        Assert.Equal("1", await AskAsync(cluster, "SELECT '1'"));
    }

    [Fact]
    public async Task Data_folder_too_deep_for_a_socket_is_served_all_the_same()
    {
        var parent = Path.Combine(_folder, new string('d', 100));
        var deep = Path.Combine(parent, "and a, very: \"odd\" name");
        Directory.CreateDirectory(deep);
        LetPass(_folder);
        LetPass(parent);

        string socket;
        await using (var cluster = await StartAsync(deep))
        {
            socket = new NpgsqlConnectionStringBuilder(cluster.ConnectionString).Host!;
            Assert.Equal("1", await AskAsync(cluster, "SELECT '1'"));
            Assert.Equal(
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
                File.GetUnixFileMode(socket));
        }

        Assert.False(Directory.Exists(socket));
    }

    [Fact]
    public async Task Parent_that_the_unprivileged_user_may_not_pass_is_named()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root runs PostgreSQL as another user.");
        var closed = Path.Combine(_folder, "closed");
        Directory.CreateDirectory(closed, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        LetPass(_folder);

        var refused = await Assert.ThrowsAsync<StartupException>(() => StartAsync(Path.Combine(closed, "data")));

        Assert.Contains($"may not pass {closed}:", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
    }

    [Fact]
    public async Task Ordinary_user_keeps_a_cluster_too()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "This run is an ordinary user's already.");
        var account = await PostgresAccount.FindAsync(Cancellation);
        var tests = Environment.ProcessPath!;
        var (exitCode, _) = await account.RunAsync("test", ["-x", tests], Cancellation);
        Assert.SkipUnless(exitCode == 0, $"An ordinary user may not run {tests}.");

        var method = $"{typeof(EmbeddedClusterTests)}.{nameof(Data_are_there_after_a_restart)}";
        var command = account.Command(tests, ["-noLogo", "-noColor", "-method", method]);
        using var run = Process.Start(command)!;
        run.StandardInput.Close();
        var output = await run.StandardOutput.ReadToEndAsync(Cancellation);
        await run.WaitForExitAsync(Cancellation);

        Assert.True(run.ExitCode == 0, output);
    }

    static void LetPass(string folder) =>
        File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | UnixFileMode.OtherExecute);

    static EmbeddedClusterOptions Options(string folder) => new()
    {
        DataPath = folder,
        ProgramsPath = Environment.GetEnvironmentVariable("CONCLAVE_POSTGRES_BIN"),
        Throwaway = true,
    };

    static Task<EmbeddedCluster> StartAsync(string folder) =>
        EmbeddedCluster.StartAsync(Options(folder), TimeProvider.System, NullLogger.Instance, Cancellation);

    static async Task KeepAsync(EmbeddedCluster cluster)
    {
        await using var database = NpgsqlDataSource.Create(cluster.ConnectionString);
        await using var command = database.CreateCommand("CREATE TABLE memory AS SELECT 'kept'::text AS word");
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    static async Task<string?> AskAsync(EmbeddedCluster cluster, string question)
    {
        await using var database = NpgsqlDataSource.Create(cluster.ConnectionString);
        await using var command = database.CreateCommand(question);
        return (string?)await command.ExecuteScalarAsync(Cancellation);
    }
}
