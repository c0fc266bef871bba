using System.Data;
using System.Reflection;
using System.Security.Cryptography;
using Npgsql;

namespace Conclave.Server.Storage;

/// <summary>
/// The tables that a backup consists of. PostgreSQL itself writes and reads their rows (COPY in its binary format),
/// so that it takes none of PostgreSQL's programs, and the versions at both ends may differ.
/// </summary>
/// <remarks>
/// Sessions are left out: a token that was revoked after the backup must not come alive again by restoring it.
/// </remarks>
static class BackupTables
{
    // In the order in which they refer to each other.
    static readonly (string Name, string Out, string In)[] Tables =
    [
        ("meta", "COPY meta TO STDOUT (FORMAT binary)", "COPY meta FROM STDIN (FORMAT binary)"),
        ("users", "COPY users TO STDOUT (FORMAT binary)", "COPY users FROM STDIN (FORMAT binary)"),
        ("lobbies", "COPY lobbies TO STDOUT (FORMAT binary)", "COPY lobbies FROM STDIN (FORMAT binary)"),
        ("lobby_names", "COPY lobby_names TO STDOUT (FORMAT binary)", "COPY lobby_names FROM STDIN (FORMAT binary)"),
        ("members", "COPY members TO STDOUT (FORMAT binary)", "COPY members FROM STDIN (FORMAT binary)"),
        ("entries", "COPY entries TO STDOUT (FORMAT binary)", "COPY entries FROM STDIN (FORMAT binary)"),
        ("identities", "COPY identities TO STDOUT (FORMAT binary)", "COPY identities FROM STDIN (FORMAT binary)"),
        ("vaults", "COPY vaults TO STDOUT (FORMAT binary)", "COPY vaults FROM STDIN (FORMAT binary)"),
        ("roster_rows", "COPY roster_rows TO STDOUT (FORMAT binary)", "COPY roster_rows FROM STDIN (FORMAT binary)"),
        ("key_wraps", "COPY key_wraps TO STDOUT (FORMAT binary)", "COPY key_wraps FROM STDIN (FORMAT binary)"),
    ];

    const string DropAll =
        """
        DROP TABLE IF EXISTS meta, users, sessions, lobbies, lobby_names, members, entries, identities, vaults,
            roster_rows, key_wraps CASCADE;
        DROP FUNCTION IF EXISTS end_sessions_of_disabled();
        """;

    public static IEnumerable<string> Names => Tables.Select(table => table.Name);

    /// <summary>Hands every table to <paramref name="write"/>, as they were at one moment.</summary>
    public static async Task ExportAsync(
        Database database, Func<string, Stream, Task> write, CancellationToken cancellation)
    {
        await using var connection = await database.Apart.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(
            IsolationLevel.RepeatableRead, cancellation);
        foreach (var table in Tables)
        {
            await using var rows = await connection.BeginRawBinaryCopyAsync(table.Out, cancellation);
            await write(table.Name, rows);
        }
    }

    /// <summary>Whether somebody has registered here or created a lobby.</summary>
    public static async Task<bool> HoldDataAsync(Database database, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            "SELECT EXISTS (SELECT FROM users) OR EXISTS (SELECT FROM lobbies)");
        return await command.ExecuteScalarAsync(cancellation) is true;
    }

    /// <summary>
    /// Replaces everything, in one transaction: the schema as the scripts <paramref name="migrations"/> make it, the
    /// rows of <paramref name="tables"/>, and a new epoch, since entries after the backup are gone.
    /// </summary>
    public static async Task ImportAsync(
        Database database,
        IReadOnlyList<string> migrations,
        IReadOnlyDictionary<string, Func<Stream, Task>> tables,
        CancellationToken cancellation)
    {
        await using var connection = await database.Apart.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await RunAsync(DropAll);
        foreach (var script in migrations)
            await RunAsync(TextOf(script));
        await JournalAsync(connection, migrations, cancellation);
        await RunAsync("DELETE FROM meta");
        foreach (var table in Tables)
        {
            // One that a later version brought is not in older backups.
            if (!tables.TryGetValue(table.Name, out var readAsync))
                continue;
            await using var rows = await connection.BeginRawBinaryCopyAsync(table.In, cancellation);
            try
            {
                await readAsync(rows);
            }
            catch
            {
                // Disposing it would be the end of the table, and no error.
                await rows.CancelAsync();
                throw;
            }
        }
        await using (var renew = new NpgsqlCommand("UPDATE meta SET epoch = $1", connection))
        {
            renew.Parameters.Add(new() { Value = RandomNumberGenerator.GetHexString(32, lowercase: true) });
            await renew.ExecuteNonQueryAsync(cancellation);
        }
        await transaction.CommitAsync(cancellation);

        async Task RunAsync(string script)
        {
#pragma warning disable CA2100 // A constant, or a script that is part of this program.
            await using var command = new NpgsqlCommand(script, connection);
#pragma warning restore CA2100
            await command.ExecuteNonQueryAsync(cancellation);
        }
    }

    static async Task JournalAsync(
        NpgsqlConnection connection, IReadOnlyList<string> migrations, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            "DELETE FROM schema_versions WHERE scriptname <> ALL ($1)", connection);
        command.Parameters.Add(new() { Value = migrations.ToArray() });
        await command.ExecuteNonQueryAsync(cancellation);
    }

    static string TextOf(string script)
    {
        using StreamReader reader = new(Assembly.GetExecutingAssembly().GetManifestResourceStream(script)!);
        return reader.ReadToEnd();
    }
}
