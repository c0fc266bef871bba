using Conclave.Server.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

[assembly: AssemblyFixture(typeof(Conclave.Tests.Support.PostgresCluster))]

namespace Conclave.Tests.Support;

/// <summary>
/// One real PostgreSQL for a whole test run, thrown away afterwards. A test class takes it as a constructor parameter
/// and asks for a database of its own. CONCLAVE_POSTGRES_BIN chooses the PostgreSQL, as it does for the server.
/// </summary>
public sealed class PostgresCluster : IAsyncDisposable
{
    const string FolderPrefix = "conclave-tests-";

    // Started by the first test that needs it: many a run needs none.
    readonly SemaphoreSlim _gate = new(1);
    readonly Dictionary<string, string> _templates = [];
    DataFolder? _folder;
    EmbeddedCluster? _cluster;
    NpgsqlDataSource? _superuser;

    /// <summary>An empty database of its own; the role in the connection string owns it.</summary>
    public async Task<string> CreateDatabaseAsync()
    {
        await _gate.WaitAsync();
        try
        {
            return await CopyAsync("template1");
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>A copy of what <paramref name="prepare"/> makes once for each <paramref name="kind"/>.</summary>
    public async Task<string> CreateDatabaseAsync(string kind, Func<string, Task> prepare)
    {
        await _gate.WaitAsync();
        try
        {
            if (!_templates.TryGetValue(kind, out var template))
            {
                var connectionString = await CopyAsync("template1");
                await prepare(connectionString);
                template = new NpgsqlConnectionStringBuilder(connectionString).Database!;

                // A database that somebody is connected to cannot be copied.
                NpgsqlConnection.ClearAllPools();
                await RunAsync($"ALTER DATABASE {template} ALLOW_CONNECTIONS false");
                await RunAsync($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{template}'");
                _templates.Add(kind, template);
            }

            return await CopyAsync(template);
        }
        finally
        {
            _gate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await (_superuser?.DisposeAsync() ?? ValueTask.CompletedTask);
        await (_cluster?.DisposeAsync() ?? ValueTask.CompletedTask);
        if (_folder is not null)
        {
            Remove(_folder.Path);
            _folder.Dispose();
        }

        _gate.Dispose();
    }

    async Task<string> CopyAsync(string template)
    {
        var cluster = _cluster ??= await StartAsync();
        _superuser ??= NpgsqlDataSource.Create(cluster.SuperuserConnectionString);
        var name = $"test_{Guid.NewGuid():N}";
        await RunAsync($"CREATE DATABASE {name} OWNER conclave TEMPLATE {template}");
        return new NpgsqlConnectionStringBuilder(cluster.ConnectionString) { Database = name }.ConnectionString;
    }

    async Task<EmbeddedCluster> StartAsync()
    {
        await RemoveLeftoversAsync();
        _folder = DataFolder.Open(Directory.CreateTempSubdirectory(FolderPrefix).FullName);
        var options = new EmbeddedClusterOptions
        {
            DataPath = _folder.Path,
            ProgramsPath = Environment.GetEnvironmentVariable("CONCLAVE_POSTGRES_BIN"),
            Throwaway = true,
            ConnectionCountMax = 400,
        };
        return await EmbeddedCluster.StartAsync(
            options, TimeProvider.System, NullLogger.Instance, CancellationToken.None);
    }

    // A run that was killed could not stop its PostgreSQL. The next one does.
    static async Task RemoveLeftoversAsync()
    {
        var account = await PostgresAccount.FindAsync(CancellationToken.None);
        foreach (var path in Directory.EnumerateDirectories(Path.GetTempPath(), FolderPrefix + "*"))
        {
            try
            {
                using var folder = DataFolder.Open(path);
                var data = Path.Combine(path, "postgres", "data");
                var processes = new PostgresProcesses(data, account, TimeProvider.System);
                await processes.StopLeftoversAsync(CancellationToken.None);
                Remove(path);
            }
            catch (Exception failure) when (failure is StartupException or IOException or UnauthorizedAccessException)
            {
                // A run that is still going on, or another user's.
            }
        }
    }

    // While it is locked, under another name first: as soon as the file that is its lock were gone, another run would
    // take it for a leftover, and remove it too.
    static void Remove(string path)
    {
        var doomed = Path.Combine(Path.GetTempPath(), $"conclave-doomed-{Guid.NewGuid():N}");
        Directory.Move(path, doomed);
        Directory.Delete(doomed, recursive: true);
    }

    async Task RunAsync(string statement)
    {
        await using var command = _superuser!.CreateCommand(statement);
        await command.ExecuteNonQueryAsync();
    }
}
