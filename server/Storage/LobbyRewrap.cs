using Npgsql;

namespace Conclave.Server.Storage;

/// <summary>Puts every lobby's key under another master key, all of them or none.</summary>
static class LobbyRewrap
{
    const int PageCount = 1000;

    /// <returns>How many keys there were.</returns>
    /// <exception cref="System.Security.Cryptography.CryptographicException">One of them does not open.</exception>
    public static async Task<long> RunAsync(
        Database database, MasterKey old, MasterKey successor, CancellationToken cancellation)
    {
        await using var connection = await database.Source.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        // No server runs; should one start all the same, it creates no lobby before this is over.
        await using (var take = new NpgsqlCommand(
            "LOCK TABLE meta, lobbies IN SHARE ROW EXCLUSIVE MODE", connection))
            await take.ExecuteNonQueryAsync(cancellation);
        long count = 0;
        var last = Guid.Empty;
        while (await ReadAsync(connection, last, cancellation) is { Count: > 0 } page)
        {
            await using var update = new NpgsqlCommand(
                """
                UPDATE lobbies l SET wrapped_key = r.wrapped_key
                FROM unnest($1::uuid[], $2::bytea[]) AS r (lobby_id, wrapped_key) WHERE l.lobby_id = r.lobby_id
                """,
                connection);
            update.Parameters.Add(new() { Value = page.Select(row => row.LobbyId).ToArray() });
            update.Parameters.Add(new()
            {
                Value = page.Select(row => old.Rewrap(row.LobbyId, row.WrappedKey, successor)).ToArray(),
            });
            count += await update.ExecuteNonQueryAsync(cancellation);
            last = page[^1].LobbyId;
        }
        await using (var adopt = new NpgsqlCommand(
            "UPDATE meta SET master_key_id = $2 WHERE master_key_id = $1", connection))
        {
            adopt.Parameters.Add(new() { Value = old.Id });
            adopt.Parameters.Add(new() { Value = successor.Id });
            if (await adopt.ExecuteNonQueryAsync(cancellation) != 1)
                throw new InvalidDataException("the database has changed its master key meanwhile");
        }
        await transaction.CommitAsync(cancellation);
        return count;
    }

    static async Task<List<(Guid LobbyId, byte[] WrappedKey)>> ReadAsync(
        NpgsqlConnection connection, Guid after, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            """
            SELECT lobby_id, wrapped_key FROM lobbies
            WHERE lobby_id > $1 AND wrapped_key IS NOT NULL ORDER BY lobby_id LIMIT $2
            """,
            connection);
        command.Parameters.Add(new() { Value = after });
        command.Parameters.Add(new() { Value = PageCount });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        List<(Guid, byte[])> page = [];
        while (await reader.ReadAsync(cancellation))
            page.Add((reader.GetGuid(0), reader.GetFieldValue<byte[]>(1)));
        return page;
    }
}
