using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Conclave.Server.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Conclave.Bench.Rounds;

/// <summary>
/// What is measured, ready to be measured: one PostgreSQL as durable as it is by default, and on it the server and the
/// floor, each with a database of its own. All of it is thrown away at the end.
/// </summary>
sealed class Site : IAsyncDisposable
{
    const string FolderPrefix = "conclave-bench-";

    // Not the folder for temporary files, which may lie in memory: there a commit costs nothing.
    const string Disk = "/var/tmp";

    readonly DataFolder _folder;
    readonly EmbeddedCluster _cluster;
    readonly Child _floor;
    readonly int _floorPort;
    Child? _conclave;

    Site(DataFolder folder, EmbeddedCluster cluster, Child floor, int floorPort)
    {
        _folder = folder;
        _cluster = cluster;
        _floor = floor;
        _floorPort = floorPort;
    }

    public string Path => _folder.Path;

    public Endpoint Floor => new("floor", _floorPort, _floor.Id, _cluster.ProcessId, FloorDatabase(_cluster));

    public Endpoint Conclave => new(
        "conclave", Url(_conclave!).Port, _conclave!.Id, _cluster.ProcessId, _cluster.ConnectionString);

    /// <summary>For pgbench: the folder of PostgreSQL's socket.</summary>
    public string SocketFolder => new NpgsqlConnectionStringBuilder(_cluster.ConnectionString).Host!;

    public static async Task<Site> OpenAsync(CancellationToken cancellation)
    {
        await RemoveLeftoversAsync(cancellation);
        var folder = DataFolder.Open(System.IO.Path.Combine(
            Directory.Exists(Disk) ? Disk : System.IO.Path.GetTempPath(), FolderPrefix + Guid.NewGuid().ToString("N")));
        EmbeddedCluster? cluster = null;
        try
        {
            cluster = await StartClusterAsync(folder.Path, cancellation);
            await ExecuteAsync(
                cluster.SuperuserConnectionString, "CREATE DATABASE floor OWNER conclave", cancellation);
            var port = FreePort();
            var floor = await Child.StartAsync(
                Tree.Program("Floor", "conclave-floor"),
                new Dictionary<string, string>(StringComparer.Ordinal)
                {
                    ["FLOOR_DATABASE"] = FloorDatabase(cluster),
                    ["FLOOR_PORT"] = port.ToString(CultureInfo.InvariantCulture),
                },
                "ready",
                cancellation);
            return new Site(folder, cluster, floor, port);
        }
        catch
        {
            await (cluster?.DisposeAsync() ?? ValueTask.CompletedTask);
            Remove(folder);
            throw;
        }
    }

    /// <summary>A server that has done nothing yet; one that ran before is stopped.</summary>
    public async Task StartConclaveAsync(CancellationToken cancellation)
    {
        await StopConclaveAsync();
        var environment = new Dictionary<string, string>(RaisedLimits.All, StringComparer.Ordinal)
        {
            ["CONCLAVE_DATABASE"] = _cluster.ConnectionString,
            ["CONCLAVE_DATA"] = System.IO.Path.Combine(Path, "conclave"),
            ["CONCLAVE_URLS"] = "http://127.0.0.1:0",
        };
        _conclave = await Child.StartAsync(
            Tree.Program("Server", "conclave-server"), environment, "Conclave listens on ", cancellation);
    }

    public async Task StopConclaveAsync()
    {
        await (_conclave?.DisposeAsync() ?? ValueTask.CompletedTask);
        _conclave = null;
    }

    /// <summary>Writes out what earlier work left behind, so that no run pays for the one before it.</summary>
    public Task SettleAsync(CancellationToken cancellation) =>
        ExecuteAsync(_cluster.SuperuserConnectionString, "CHECKPOINT", cancellation);

    /// <summary>Vacuums what was filled in, lest autovacuum do it during a measurement.</summary>
    public async Task VacuumAsync(CancellationToken cancellation)
    {
        foreach (var database in (string[])["conclave", "floor"])
        {
            var settings = new NpgsqlConnectionStringBuilder(_cluster.SuperuserConnectionString)
            {
                Database = database,
            };
            await ExecuteAsync(settings.ConnectionString, "VACUUM ANALYZE", cancellation);
        }
    }

    /// <summary>How PostgreSQL is set.</summary>
    public async Task<string> SettingAsync(string name, CancellationToken cancellation)
    {
        await using var source = NpgsqlDataSource.Create(_cluster.ConnectionString);
        await using var command = source.CreateCommand("SELECT current_setting($1)");
        command.Parameters.Add(new() { Value = name });
        return (string)(await command.ExecuteScalarAsync(cancellation))!;
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public async ValueTask DisposeAsync()
    {
        await StopConclaveAsync();
        await _floor.DisposeAsync();
        NpgsqlConnection.ClearAllPools();
        await _cluster.DisposeAsync();
        Remove(_folder);
    }

    public static async Task ExecuteAsync(string database, string sql, CancellationToken cancellation)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand(sql);
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync(cancellation);
    }

    static Task<EmbeddedCluster> StartClusterAsync(string folder, CancellationToken cancellation)
    {
        var options = new EmbeddedClusterOptions
        {
            DataPath = folder,
            ProgramsPath = Environment.GetEnvironmentVariable("CONCLAVE_POSTGRES_BIN"),
        };
        return EmbeddedCluster.StartAsync(options, TimeProvider.System, NullLogger.Instance, cancellation);
    }

    static string FloorDatabase(EmbeddedCluster cluster) =>
        new NpgsqlConnectionStringBuilder(cluster.ConnectionString) { Database = "floor" }.ConnectionString;

    static Uri Url(Child conclave) => new(conclave.ReadyLine.Split(' ')[^1]);

    // While it is still locked: another run would take it for a leftover, and remove it too.
    static void Remove(DataFolder folder)
    {
        Directory.Delete(folder.Path, recursive: true);
        folder.Dispose();
    }

    // A run that was killed could not stop its PostgreSQL. The next one does.
    static async Task RemoveLeftoversAsync(CancellationToken cancellation)
    {
        if (!Directory.Exists(Disk))
            return;
        var account = await PostgresAccount.FindAsync(cancellation);
        foreach (var path in Directory.EnumerateDirectories(Disk, FolderPrefix + "*"))
        {
            try
            {
                using var folder = DataFolder.Open(path);
                foreach (var data in (string[])["postgres/data", "start/postgres/data"])
                {
                    var processes = new PostgresProcesses(
                        System.IO.Path.Combine(path, data), account, TimeProvider.System);
                    await processes.StopLeftoversAsync(cancellation);
                }
                Directory.Delete(path, recursive: true);
            }
            catch (Exception failure) when (failure is StartupException or IOException or UnauthorizedAccessException)
            {
                // A run that is still going on, or another user's.
            }
        }
    }
}
