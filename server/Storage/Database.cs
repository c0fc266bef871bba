using System.Reflection;
using DbUp;
using DbUp.Engine.Output;
using Npgsql;

namespace Conclave.Server.Storage;

/// <summary>
/// The connections to PostgreSQL and the schema. All SQL of the server lives in this room, in files named after what
/// they keep.
/// </summary>
sealed class Database : IAsyncDisposable
{
    public const string ReadingPool = "reading";
    public const string WritingPool = "writing";

    const int VersionMin = 12;

    const string NewerText = "the database was brought up to date by a newer Conclave; run that one, or restore the"
        + " backup that was made before";

    // Migrations of servers that start together wait for each other on this (arbitrary) number.
    const long MigrationLock = 7_720_001;

    Database(NpgsqlDataSource source, string connectionString, string epoch, string? masterKeyId)
    {
        Source = source;
        // The statements of the writer take arrays of any length: a plan for each length would cost more than it
        // gains, and one made while the tables were small must not scan them when they are large.
        Writing = CreateSource(
            WritingPool, connectionString, " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off");
        var apart = new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false, KeepAlive = 30 };
        Apart = CreateSource("apart", apart.ConnectionString, "");
        Epoch = epoch;
        MasterKeyId = masterKeyId;
    }

    /// <summary>The scripts that make the schema what it is, in their order.</summary>
    public static IReadOnlyList<string> Migrations { get; } =
        [.. Assembly.GetExecutingAssembly().GetManifestResourceNames()
            .Where(name => name.EndsWith(".sql", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    /// <summary>For everything but appends.</summary>
    public NpgsqlDataSource Source { get; }

    /// <summary>For appends alone, so that no crowd of readers can keep the writer waiting for a connection.</summary>
    public NpgsqlDataSource Writing { get; }

    /// <summary>Connections that are held for long, outside the pools.</summary>
    public NpgsqlDataSource Apart { get; }

    /// <summary>By it messages expire.</summary>
    public DatabaseClock Clock { get; } = new();

    /// <summary>A random value of the database: positions in logs hold for this one only.</summary>
    public string Epoch { get; }

    /// <summary>The id of the master key in use here, if there is one: then no other will do.</summary>
    public string? MasterKeyId { get; private set; }

    public bool HasMasterKey => MasterKeyId is not null;

    /// <summary>Connects and brings the schema up to date.</summary>
    /// <exception cref="StartupException">The database cannot be used; the message says why and what to do.</exception>
    public static Task<Database> OpenAsync(string connectionString, CancellationToken cancellation) =>
        OpenAsync(connectionString, source => MigrateAsync(source, connectionString, cancellation), cancellation);

    /// <summary>Connects and leaves the schema as it is, which must be that of this program.</summary>
    /// <exception cref="StartupException">The database cannot be used; the message says why and what to do.</exception>
    public static Task<Database> OpenAsItIsAsync(string connectionString, CancellationToken cancellation) =>
        OpenAsync(connectionString, source => RequireCurrentAsync(source, cancellation), cancellation);

    /// <summary>The same connection string, giving statements all the time they take.</summary>
    public static string Patient(string connectionString) =>
        new NpgsqlConnectionStringBuilder(connectionString) { CommandTimeout = 0 }.ConnectionString;

    static async Task<Database> OpenAsync(
        string connectionString, Func<NpgsqlDataSource, Task> prepareAsync, CancellationToken cancellation)
    {
        var source = CreateSource(ReadingPool, connectionString, "");
        try
        {
            await RequireVersionAsync(source, cancellation);
            await prepareAsync(source);
            var (epoch, masterKeyId) = await ReadMetaAsync(source, cancellation);
            var database = new Database(source, connectionString, epoch, masterKeyId);
            await database.Clock.ReadAsync(source, cancellation);
            return database;
        }
        catch (PostgresException fault)
        {
            await source.DisposeAsync();
            throw new StartupException($"the database refuses: {fault.MessageText} ({fault.SqlState})");
        }
        catch (Exception fault) when (fault is NpgsqlException or TimeoutException)
        {
            await source.DisposeAsync();
            throw new StartupException("the database does not answer: " + fault.Message
                + " (is CONCLAVE_DATABASE right, and PostgreSQL running?)");
        }
        catch
        {
            await source.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Leaves the key's id in the database if it has none yet. Any other key is refused, because it could read nothing
    /// and would write what nobody else can read.
    /// </summary>
    /// <exception cref="StartupException">The database was written with another key.</exception>
    public async Task AdoptAsync(MasterKey masterKey, CancellationToken cancellation)
    {
        await using (var adopt = Source.CreateCommand("UPDATE meta SET master_key_id = $1 WHERE master_key_id IS NULL"))
        {
            adopt.Parameters.Add(new() { Value = masterKey.Id });
            await adopt.ExecuteNonQueryAsync(cancellation);
        }
        (_, MasterKeyId) = await ReadMetaAsync(Source, cancellation);
        if (!string.Equals(MasterKeyId, masterKey.Id, StringComparison.Ordinal))
        {
            throw new StartupException("the master key is not the one this database was written with; put the right"
                + " key file in place (CONCLAVE_MASTER_KEY_FILE), or, if a rekey was cut off, run"
                + " conclave-server rekey again");
        }
    }

    /// <summary>Whether the database answers, with a schema no older than this server's.</summary>
    public async Task<bool> IsReadyAsync(CancellationToken cancellation)
    {
        try
        {
            await using var command = Source.CreateCommand("SELECT count(*) FROM schema_versions");
            return await command.ExecuteScalarAsync(cancellation) is long count && count >= Migrations.Count;
        }
        catch (Exception fault) when (IsAway(fault))
        {
            return false;
        }
    }

    /// <summary>
    /// Whether <paramref name="fault"/> means that the database cannot be reached or is not taking work, rather than
    /// that it refused the statement.
    /// </summary>
    public static bool IsAway(Exception fault) => fault switch
    {
        // Classes 57 (shutdown, cancelled by the operator), 53 (out of resources) and 08 (connection).
        PostgresException postgres => postgres.SqlState[..2] is "57" or "53" or "08"
            // idle_in_transaction_session_timeout: the session is gone, and with it the transaction.
            || postgres.SqlState == "25P03",
        NpgsqlException or TimeoutException or System.Net.Sockets.SocketException or ObjectDisposedException => true,
        _ => false,
    };

    /// <summary>Whether epoch and master key are still those that were found when this was opened.</summary>
    public async Task<bool> IsUnchangedAsync(CancellationToken cancellation) =>
        await ReadMetaAsync(Source, cancellation) == (Epoch, MasterKeyId);

    public async ValueTask DisposeAsync()
    {
        await Apart.DisposeAsync();
        await Writing.DisposeAsync();
        await Source.DisposeAsync();
    }

    static NpgsqlDataSource CreateSource(string name, string connectionString, string options)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString)
        {
            ApplicationName = "conclave-server",
            // Statements are the same few dozen all day long.
            MaxAutoPrepare = 100,
            AutoPrepareMinUsages = 2,
            IncludeErrorDetail = false,
            // No statement of ours leaves anything behind in its session, and undoing nothing costs a transaction.
            NoResetOnClose = true,
        };
        if (!settings.ShouldSerialize("Maximum Pool Size"))
            settings.MaxPoolSize = 20;
        if (!settings.ShouldSerialize("Timeout"))
            settings.Timeout = 5;
        if (!settings.ShouldSerialize("Command Timeout"))
            settings.CommandTimeout = 15;
        // A transaction of ours never waits for anything but the database: one that idles is lost.
        settings.Options = (settings.Options + " -c idle_in_transaction_session_timeout=10s"
            + " -c lock_timeout=5s -c synchronous_commit=on" + options).TrimStart();
        return new NpgsqlDataSourceBuilder(settings.ConnectionString) { Name = name }.Build();
    }

    static async Task RequireVersionAsync(NpgsqlDataSource source, CancellationToken cancellation)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        if (connection.PostgreSqlVersion.Major < VersionMin)
        {
            throw new StartupException(
                $"the database is PostgreSQL {connection.PostgreSqlVersion}; Conclave needs {VersionMin} or newer");
        }
    }

    static async Task RequireCurrentAsync(NpgsqlDataSource source, CancellationToken cancellation)
    {
        HashSet<string> executed = [];
        await using (var find = source.CreateCommand("SELECT to_regclass('public.schema_versions') IS NOT NULL"))
        {
            if (await find.ExecuteScalarAsync(cancellation) is not true)
                throw new StartupException("the database is empty: start a server on it, or restore a backup into it");
        }
        await using (var command = source.CreateCommand("SELECT scriptname FROM schema_versions"))
        await using (var reader = await command.ExecuteReaderAsync(cancellation))
        {
            while (await reader.ReadAsync(cancellation))
                executed.Add(reader.GetString(0));
        }
        if (!executed.IsSubsetOf(Migrations))
            throw new StartupException(NewerText);
        if (executed.Count < Migrations.Count)
        {
            throw new StartupException("the database is as an older Conclave left it: use that one's commands, or start"
                + " this server once, which brings it up to date");
        }
    }

    static async Task MigrateAsync(NpgsqlDataSource source, string connectionString, CancellationToken cancellation)
    {
        await using var guard = await source.OpenConnectionAsync(cancellation);
        await using (var take = new NpgsqlCommand("SELECT pg_advisory_lock($1)", guard))
        {
            take.CommandTimeout = 0;
            take.Parameters.Add(new() { Value = MigrationLock });
            // Another server's migration may take long: waiting for it has no limit.
            await using var patient = new NpgsqlCommand("SET lock_timeout = 0", guard);
            await patient.ExecuteNonQueryAsync(cancellation);
            await take.ExecuteNonQueryAsync(cancellation);
        }
        // An index of a large table takes its time.
        var upgrade = DeployChanges.To.PostgresqlDatabase(Patient(connectionString))
            .WithScriptsEmbeddedInAssembly(Assembly.GetExecutingAssembly())
            .WithTransactionPerScript()
            .JournalToPostgresqlTable("public", "schema_versions")
            .LogTo(new NoOpUpgradeLog())
            .Build();
        if (upgrade.GetExecutedScripts().Except(upgrade.GetDiscoveredScripts().Select(script => script.Name)).Any())
        {
            throw new StartupException(NewerText);
        }
        var result = upgrade.PerformUpgrade();
        await using (var free = new NpgsqlCommand("SELECT pg_advisory_unlock($1)", guard))
        {
            free.Parameters.Add(new() { Value = MigrationLock });
            await free.ExecuteNonQueryAsync(cancellation);
            await using var reset = new NpgsqlCommand("RESET lock_timeout", guard);
            await reset.ExecuteNonQueryAsync(cancellation);
        }
        if (!result.Successful)
        {
            throw new StartupException($"the database could not be brought up to date ({result.ErrorScript?.Name}): "
                + result.Error.Message);
        }
    }

    static async Task<(string Epoch, string? MasterKeyId)> ReadMetaAsync(
        NpgsqlDataSource source, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand("SELECT epoch, master_key_id FROM meta");
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        return (reader.GetString(0), reader.IsDBNull(1) ? null : reader.GetString(1));
    }
}
