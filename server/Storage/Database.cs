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
    const int VersionMin = 12;

    // Migrations of servers that start together wait for each other on this (arbitrary) number.
    const long MigrationLock = 7_720_001;

    static readonly int MigrationCount = Assembly.GetExecutingAssembly().GetManifestResourceNames()
        .Count(name => name.EndsWith(".sql", StringComparison.Ordinal));

    Database(NpgsqlDataSource source, NpgsqlDataSource writing, string epoch, string? masterKeyId)
    {
        Source = source;
        Writing = writing;
        Epoch = epoch;
        HasMasterKey = masterKeyId is not null;
    }

    /// <summary>For everything but appends.</summary>
    public NpgsqlDataSource Source { get; }

    /// <summary>For appends alone, so that no crowd of readers can keep the writer waiting for a connection.</summary>
    public NpgsqlDataSource Writing { get; }

    /// <summary>A random value of the database: positions in logs hold for this one only.</summary>
    public string Epoch { get; }

    /// <summary>Whether a master key was in use here before: then no other will do.</summary>
    public bool HasMasterKey { get; }

    /// <summary>Connects and brings the schema up to date.</summary>
    /// <exception cref="StartupException">The database cannot be used; the message says why and what to do.</exception>
    public static async Task<Database> OpenAsync(string connectionString, CancellationToken cancellation)
    {
        var source = CreateSource(connectionString, "");
        try
        {
            await RequireVersionAsync(source, cancellation);
            await MigrateAsync(source, connectionString, cancellation);
            var (epoch, masterKeyId) = await ReadMetaAsync(source, cancellation);
            // The statements of the writer take arrays of any length: a plan for each length would cost more than it
            // gains, and one made while the tables were small must not scan them when they are large.
            var writing = CreateSource(
                connectionString, " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off");
            return new Database(source, writing, epoch, masterKeyId);
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
        var (_, masterKeyId) = await ReadMetaAsync(Source, cancellation);
        if (!string.Equals(masterKeyId, masterKey.Id, StringComparison.Ordinal))
        {
            throw new StartupException("the master key is not the one this database was written with; put the right"
                + " key file in place (CONCLAVE_MASTER_KEY_FILE)");
        }
    }

    /// <summary>Whether the database answers, with a schema no older than this server's.</summary>
    public async Task<bool> IsReadyAsync(CancellationToken cancellation)
    {
        try
        {
            await using var command = Source.CreateCommand("SELECT count(*) FROM schema_versions");
            return await command.ExecuteScalarAsync(cancellation) is long count && count >= MigrationCount;
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

    public async ValueTask DisposeAsync()
    {
        await Writing.DisposeAsync();
        await Source.DisposeAsync();
    }

    static NpgsqlDataSource CreateSource(string connectionString, string options)
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
        return new NpgsqlDataSourceBuilder(settings.ConnectionString).Build();
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
        var upgrade = DeployChanges.To.PostgresqlDatabase(connectionString)
            .WithScriptsEmbeddedInAssembly(Assembly.GetExecutingAssembly())
            .WithTransactionPerScript()
            .JournalToPostgresqlTable("public", "schema_versions")
            .LogTo(new NoOpUpgradeLog())
            .Build();
        if (upgrade.GetExecutedScripts().Except(upgrade.GetDiscoveredScripts().Select(script => script.Name)).Any())
        {
            throw new StartupException("the database was brought up to date by a newer Conclave; run that one, or"
                + " restore the backup that was made before");
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
