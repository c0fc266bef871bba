using Npgsql;
using NpgsqlTypes;

namespace Conclave.Tests.Support;

/// <summary>Rows of lobbies that another transaction holds, so that whoever writes there has to wait.</summary>
sealed class LobbyLock : IAsyncDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    readonly NpgsqlDataSource _database;
    readonly NpgsqlConnection _holder;
    readonly NpgsqlTransaction _transaction;

    LobbyLock(NpgsqlDataSource database, NpgsqlConnection holder, NpgsqlTransaction transaction) =>
        (_database, _holder, _transaction) = (database, holder, transaction);

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <param name="connectionString">Of the database.</param>
    /// <param name="name">Of the lobby; null for all that there are.</param>
    public static async Task<LobbyLock> TakeAsync(string connectionString, string? name = null)
    {
        var database = NpgsqlDataSource.Create(connectionString);
        var holder = await database.OpenConnectionAsync(Cancel);
        var transaction = await holder.BeginTransactionAsync(Cancel);
        await using var take = new NpgsqlCommand(
            "SELECT FROM lobbies WHERE name = coalesce($1, name) FOR UPDATE", holder);
        take.Parameters.Add(new() { Value = name ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        await using (var rows = await take.ExecuteReaderAsync(Cancel))
            Assert.True(rows.HasRows, "there is no such lobby");
        return new LobbyLock(database, holder, transaction);
    }

    /// <summary>Ends when so many connections wait for a lock in a database, whoever holds it.</summary>
    public static async Task UntilWaitingAsync(NpgsqlDataSource database, long count)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        deadline.CancelAfter(Patience);
        await using var command = database.CreateCommand(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'");
        while ((long)(await command.ExecuteScalarAsync(deadline.Token))! < count)
            await Task.Yield();
    }

    /// <summary>Ends when somebody waits.</summary>
    public Task UntilWantedAsync() => UntilWaitingAsync(_database, 1);

    public Task LetGoAsync() => _transaction.RollbackAsync(Cancel);

    public async ValueTask DisposeAsync()
    {
        await _transaction.DisposeAsync();
        await _holder.DisposeAsync();
        await _database.DisposeAsync();
    }
}
