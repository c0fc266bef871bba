using Npgsql;

namespace Conclave.Server.Storage;

/// <summary>
/// Says in the database itself that it is in use, for as long as a connection lives: servers share it, and a command
/// of the operator that replaces what they rely on has it alone.
/// </summary>
sealed class DatabaseClaim : IAsyncDisposable
{
    // An arbitrary number, like that of the migrations.
    const long ClaimLock = 7_720_002;

    readonly NpgsqlConnection _connection;

    DatabaseClaim(NpgsqlConnection connection) => _connection = connection;

    /// <summary>Null while a command of the operator has the database alone.</summary>
    public static Task<DatabaseClaim?> TryShareAsync(Database database, CancellationToken cancellation) =>
        TryTakeAsync(database, alone: false, cancellation);

    /// <summary>Null while anybody else uses the database.</summary>
    public static Task<DatabaseClaim?> TryTakeAloneAsync(Database database, CancellationToken cancellation) =>
        TryTakeAsync(database, alone: true, cancellation);

    /// <summary>Waits until the connection breaks, and the claim with it.</summary>
    public async Task LostAsync(CancellationToken cancellation)
    {
        try
        {
            while (true)
                await _connection.WaitAsync(cancellation);
        }
        catch (Exception fault) when (Database.IsAway(fault) && !cancellation.IsCancellationRequested)
        {
            // That is what was waited for.
        }
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    static async Task<DatabaseClaim?> TryTakeAsync(Database database, bool alone, CancellationToken cancellation)
    {
        var connection = await database.Apart.OpenConnectionAsync(cancellation);
        try
        {
            await using var command = new NpgsqlCommand(
                "SELECT CASE WHEN $2 THEN pg_try_advisory_lock($1) ELSE pg_try_advisory_lock_shared($1) END",
                connection);
            command.Parameters.Add(new() { Value = ClaimLock });
            command.Parameters.Add(new() { Value = alone });
            if (await command.ExecuteScalarAsync(cancellation) is true)
                return new DatabaseClaim(connection);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
        await connection.DisposeAsync();
        return null;
    }
}
