using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Conclave.Protocol;
using Conclave.Server;
using Conclave.Server.Accounts;
using Conclave.Server.Actions;

namespace Conclave.Tests.Support;

/// <summary>
/// A whole server in this process: real PostgreSQL, real sockets, real files. Its folder is thrown away with it.
/// </summary>
sealed class TestServer : IAsyncDisposable
{
    readonly string _folder;
    readonly ServerHost _host;

    TestServer(string folder, ServerHost host, string database)
    {
        _folder = folder;
        _host = host;
        Database = database;
    }

    /// <summary>The usual limits, but for users who post as fast as they can.</summary>
    public static Limits Unhurried { get; } = new()
    {
        MessagesPerSecond = int.MaxValue / 2,
        MessageBytesPerSecond = long.MaxValue / 2,
        RosterChangesPerMinute = int.MaxValue / 2,
        LobbiesPerHour = int.MaxValue / 2,
    };

    public Rooms Rooms => _host.Rooms;

    /// <summary>Completes when the operator has replaced its database.</summary>
    public Task Overtaken => _host.Claim.Overtaken;

    /// <summary>Where it listens.</summary>
    public Uri Url => _host.Urls[0];

    /// <summary>Its data folder.</summary>
    public string Folder => _folder;

    /// <summary>Where it tells of itself.</summary>
    public Uri MetricsUrl => _host.MetricsUrls[0];

    /// <summary>The connection string of its database.</summary>
    public string Database { get; }

    /// <summary>Starts a server on a database of its own.</summary>
    public static async Task<TestServer> StartAsync(
        PostgresCluster postgres, Limits? limits = null, TimeProvider? time = null, IPAddress? address = null,
        Registration? registration = null)
    {
        var database = await CreateDatabaseAsync(postgres);
        var folder = Directory.CreateTempSubdirectory("conclave-server-").FullName;
        return await StartAsync(
            folder, database, limits ?? Limits.Default, time ?? TimeProvider.System, address, registration);
    }

    /// <summary>Starts a server that is told everything by its environment, as an operator does.</summary>
    public static async Task<TestServer> StartAsync(
        PostgresCluster postgres, TimeProvider time, params (string Name, string Value)[] environment)
    {
        var folder = Directory.CreateTempSubdirectory("conclave-server-").FullName;
        var database = await CreateDatabaseAsync(postgres);
        (string Name, string Value)[] all =
        [
            .. environment,
            ("CONCLAVE_URLS", "http://127.0.0.1:0"),
            ("CONCLAVE_DATA", folder),
            ("CONCLAVE_DATABASE", database),
        ];
        var settings = Settings.Read(name => all.FirstOrDefault(pair => pair.Name == name).Value);
        return await StartAsync(folder, settings, time);
    }

    /// <summary>A database of its own for a server, with all its tables; returns the connection string.</summary>
    public static Task<string> CreateDatabaseAsync(PostgresCluster postgres) =>
        postgres.CreateDatabaseAsync("migrated", MigrateAsync);

    /// <summary>An address of this machine at which it looks like another one; null if it is in no network.</summary>
    public static IPAddress? AddressInANetwork() => NetworkInterface.GetAllNetworkInterfaces()
        .Where(network => network.OperationalStatus == OperationalStatus.Up)
        .SelectMany(network => network.GetIPProperties().UnicastAddresses.Select(unicast => unicast.Address))
        .FirstOrDefault(address => address.AddressFamily == AddressFamily.InterNetwork
            && !IPAddress.IsLoopback(address));

    /// <summary>Starts a server on a database that another uses, with a folder of its own.</summary>
    public static Task<TestServer> StartBesideAsync(
        string database, Limits? limits = null, TimeProvider? time = null) => StartAsync(
            Directory.CreateTempSubdirectory("conclave-server-").FullName, database, limits ?? Limits.Default,
            time ?? TimeProvider.System);

    /// <summary>Starts a second server on the same database, with the same master key.</summary>
    public Task<TestServer> StartTwinAsync(Limits? limits = null)
    {
        var folder = Directory.CreateTempSubdirectory("conclave-server-").FullName;
        File.Copy(Path.Combine(_folder, "master.key"), Path.Combine(folder, "master.key"));
        return StartAsync(folder, Database, limits ?? Limits.Default, TimeProvider.System);
    }

    /// <summary>Stops the server and starts another on the same folder and database.</summary>
    public async Task<TestServer> RestartAsync(Limits? limits = null, TimeProvider? time = null)
    {
        await _host.DisposeAsync();
        return await StartAsync(_folder, Database, limits ?? Limits.Default, time ?? TimeProvider.System);
    }

    /// <summary>A connection to it.</summary>
    public Task<WireClient> ConnectAsync() => WireClient.ConnectAsync(Url);

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        if (Directory.Exists(_folder))
            Directory.Delete(_folder, recursive: true);
    }

    static Task<TestServer> StartAsync(
        string folder, string database, Limits limits, TimeProvider time, IPAddress? address = null,
        Registration? registration = null) =>
        StartAsync(folder, new Settings
        {
            Urls = [new Uri($"http://{address ?? IPAddress.Loopback}:0")],
            Registration = registration ?? Registration.Open,
            DataPath = folder,
            Database = database,
            MasterKeyPath = Path.Combine(folder, "master.key"),
            PostgresPath = null,
            Limits = limits,
        }, time);

    static async Task<TestServer> StartAsync(string folder, Settings settings, TimeProvider time)
    {
        var host = await ServerHost.StartAsync(settings, time, TestContext.Current.CancellationToken);
        return new TestServer(folder, host, settings.Database!);
    }

    static async Task MigrateAsync(string database)
    {
        await using var opened = await Conclave.Server.Storage.Database.OpenAsync(database, CancellationToken.None);
    }
}
