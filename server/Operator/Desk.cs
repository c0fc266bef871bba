using Conclave.Server.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Conclave.Server.Operator;

/// <summary>
/// The database as a command reaches it. The embedded cluster belongs to a server: if one runs, the command goes to its
/// PostgreSQL; if none does, the command holds the data folder and runs PostgreSQL for as long as it works.
/// </summary>
sealed class Desk : IAsyncDisposable
{
    readonly Stack<IAsyncDisposable> _open = new();
    string _connectionString = "";
    Database? _database;

    Desk(Settings settings) => Settings = settings;

    public Settings Settings { get; }

    public Database Database => _database!;

    /// <summary>Beside a server, or without one.</summary>
    public static Task<Desk> OpenAsync(Errand errand) =>
        OpenAsync(errand, desk => desk.OpenAsync(Database.OpenAsItIsAsync, mayShare: true, errand.Cancellation));

    /// <summary>Only while no server runs.</summary>
    public static Task<Desk> OpenAloneAsync(Errand errand) =>
        OpenAsync(errand, desk => desk.OpenAsync(Database.OpenAsItIsAsync, mayShare: false, errand.Cancellation));

    /// <summary>Only while no server runs; makes the database if there is none.</summary>
    public static Task<Desk> OpenOrMakeAsync(Errand errand) => OpenAsync(errand, desk =>
    {
        Directory.CreateDirectory(
            errand.Settings.DataPath, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return desk.OpenAsync(Database.OpenAsync, mayShare: false, errand.Cancellation);
    });

    /// <summary>Brings the schema of a database that was replaced up to date.</summary>
    public async Task BringUpToDateAsync(CancellationToken cancellation)
    {
        await using var replaced = await Database.OpenAsync(_connectionString, cancellation);
    }

    /// <exception cref="OperatorException">Nothing is under any key yet.</exception>
    public void RequireMasterKey()
    {
        if (!Database.HasMasterKey)
            throw new OperatorException("no server has used this database yet: there is nothing in it");
    }

    /// <summary>The master key, which must be the one of the database.</summary>
    public MasterKey LoadMasterKey()
    {
        RequireMasterKey();
        var masterKey = MasterKeyFile.Load(Settings.MasterKeyPath);
        if (string.Equals(masterKey.Id, Database.MasterKeyId, StringComparison.Ordinal))
            return masterKey;
        masterKey.Dispose();
        throw new OperatorException($"{Settings.MasterKeyPath} is another master key ({masterKey.Id}) than the one this"
            + $" database was written with ({Database.MasterKeyId}): put the right file in place"
            + " (CONCLAVE_MASTER_KEY_FILE)");
    }

    public async ValueTask DisposeAsync()
    {
        while (_open.TryPop(out var part))
            await part.DisposeAsync();
    }

    static async Task<Desk> OpenAsync(Errand errand, Func<Desk, Task> open)
    {
        var desk = new Desk(errand.Settings);
        try
        {
            await open(desk);
            return desk;
        }
        catch
        {
            await desk.DisposeAsync();
            throw;
        }
    }

    async Task OpenAsync(
        Func<string, CancellationToken, Task<Database>> open, bool mayShare, CancellationToken cancellation)
    {
        _connectionString = Database.Patient(Settings.Database ?? await ReachClusterAsync(mayShare, cancellation));
        _database = await open(_connectionString, cancellation);
        _open.Push(_database);
        var claim = mayShare
            ? await DatabaseClaim.TryShareAsync(_database, cancellation)
            : await DatabaseClaim.TryTakeAloneAsync(_database, cancellation);
        if (claim is not null)
            _open.Push(claim);
        // What was read before the claim was there may be of a moment ago.
        if (claim is null || !await _database.IsUnchangedAsync(cancellation))
        {
            throw mayShare
                ? new OperatorException("the database is being changed (rekey or restore): try again when that is done")
                : ServerRuns();
        }
    }

    async Task<string> ReachClusterAsync(bool mayShare, CancellationToken cancellation)
    {
        if (mayShare && !RunningCluster.Exists(Settings.DataPath))
        {
            throw new OperatorException($"there is no database in {Settings.DataPath}: name the server's data folder in"
                + " CONCLAVE_DATA, or its database in CONCLAVE_DATABASE");
        }
        if (DataFolder.TryOpen(Settings.DataPath) is not { } folder)
            return mayShare ? RunningCluster.ConnectionString(Settings.DataPath) : throw ServerRuns();
        _open.Push(new Held(folder));
        var cluster = await EmbeddedCluster.StartAsync(
            new() { DataPath = Settings.DataPath, ProgramsPath = Settings.PostgresPath },
            TimeProvider.System, NullLogger.Instance, cancellation);
        _open.Push(cluster);
        return cluster.ConnectionString;
    }

    static OperatorException ServerRuns() => new(
        "a server (or another command) uses this database: stop it first, and start it afterwards");

    sealed class Held(IDisposable part) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            part.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
