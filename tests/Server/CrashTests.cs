using Conclave.Server.Storage;
using Conclave.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Conclave.Tests.Server;

/// <summary>The real program and its real database, killed under load: nothing that was acknowledged is lost.</summary>
public sealed class CrashTests : IDisposable
{
    const int SigKill = 9;
    const int Connections = 8;

    readonly string _folder = Directory.CreateTempSubdirectory("conclave-crash-").FullName;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Killed_server_and_killed_database_lose_nothing_acknowledged()
    {
        Load load;
        await using (var server = await ServerProcess.StartAsync(_folder))
        {
            load = await Load.PrepareAsync(server.Url);
            var posting = load.RunAsync(server.Url, Connections);
            await load.WaitAsync(200);
            await server.KillAsync();
            Assert.Equal(Connections, await posting);
        }

        await using (var server = await ServerProcess.StartAsync(_folder))
        {
            await load.CheckAsync(server.Url);
            var posting = load.RunAsync(server.Url, Connections);
            await load.WaitAsync(200);
            PostgresProcesses.Signal(server.Postmaster, SigKill);
            // Its database is gone: the server says so and ends, and whoever watches over it starts it anew.
            var (code, errors) = await server.ExitAsync();
            Assert.Equal(1, code);
            Assert.Contains("PostgreSQL has ended unasked", errors, StringComparison.Ordinal);
            await posting;
        }
        Assert.All(load.Doubtful.Values, code => Assert.True(code is "lost" or "unknown_outcome" or "busy", code));

        await using (var server = await ServerProcess.StartAsync(_folder))
            await load.CheckAsync(server.Url);
    }

    [Fact]
    public async Task Killed_backend_costs_no_connection_and_nothing_acknowledged()
    {
        await using var server = await ServerProcess.StartAsync(_folder);
        var load = await Load.PrepareAsync(server.Url);
        var posting = load.RunAsync(server.Url, Connections);
        await load.WaitAsync(200);

        // PostgreSQL ends all backends when one was killed, and recovers as after a crash of the machine.
        PostgresProcesses.Signal(await WritingBackendAsync(server), SigKill);
        await load.WaitAsync(200);
        load.Stop();

        Assert.Equal(0, await posting);
        Assert.All(load.Doubtful.Values, code => Assert.True(code is "unknown_outcome" or "busy", code));
        await load.CheckAsync(server.Url);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Server_rides_through_a_restart_of_a_database_elsewhere(bool isKilled)
    {
        var options = new EmbeddedClusterOptions
        {
            DataPath = _folder,
            ProgramsPath = Environment.GetEnvironmentVariable("CONCLAVE_POSTGRES_BIN"),
            Throwaway = true,
        };
        var cluster = await EmbeddedCluster.StartAsync(options, TimeProvider.System, NullLogger.Instance, Cancellation);
        try
        {
            await using var server = await TestServer.StartBesideAsync(cluster.ConnectionString);
            var load = await Load.PrepareAsync(server.Url);
            var posting = load.RunAsync(server.Url, Connections);
            var reading = load.ReadAsync(server.Url);
            await load.WaitAsync(200);
            if (isKilled)
                PostgresProcesses.Signal(ServerProcess.PostmasterOf(_folder), SigKill);
            await cluster.DisposeAsync();
            Assert.Equal("200 503", await HealthAsync(server.Url));
            cluster = await EmbeddedCluster.StartAsync(
                options, TimeProvider.System, NullLogger.Instance, Cancellation);
            await load.WaitAsync(200);
            load.Stop();

            Assert.Equal(0, await posting);
            Assert.All(await reading, outcome => Assert.True(outcome is "ok" or "busy", outcome));
            Assert.Equal("200 200", await HealthAsync(server.Url));
            await load.CheckAsync(server.Url);
        }
        finally
        {
            await cluster.DisposeAsync();
        }
    }

    static async Task<string> HealthAsync(Uri server)
    {
        using var http = new HttpClient();
        using var lives = await http.GetAsync(new Uri(server, "/healthz"), Cancellation);
        using var isReady = await http.GetAsync(new Uri(server, "/readyz"), Cancellation);
        return $"{(int)lives.StatusCode} {(int)isReady.StatusCode}";
    }

    static async Task<int> WritingBackendAsync(ServerProcess server)
    {
        await using var database = NpgsqlDataSource.Create(server.Database);
        await using var command = database.CreateCommand(
            """
            SELECT pid FROM pg_stat_activity
            WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
            ORDER BY query LIKE 'WITH locked%' DESC, state_change DESC LIMIT 1
            """);
        return Assert.IsType<int>(await command.ExecuteScalarAsync(Cancellation));
    }
}
