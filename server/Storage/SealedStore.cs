using Conclave.Protocol;
using Conclave.Roster;
using Npgsql;

namespace Conclave.Server.Storage;

/// <summary>
/// Reads what the server knows of sealed lobbies: rosters, rows as far as judgement needs them, keys.
/// </summary>
sealed class SealedStore(Database database)
{
    const string ReadRows =
        """
        SELECT seq, author, sent_at, row_hash, hash, nonce, CASE WHEN kind <> 6 THEN body END FROM entries
        WHERE lobby_id = $1 AND seq > $2 ORDER BY seq LIMIT $3
        """;

    const string ReadRoster =
        """
        SELECT e.seq, e.author, e.sent_at, e.row_hash, e.hash, e.nonce, e.body
        FROM roster_rows r JOIN entries e ON e.lobby_id = r.lobby_id AND e.seq = r.seq
        WHERE r.lobby_id = $1 AND r.height > $2 ORDER BY r.height LIMIT $3
        """;

    /// <summary>
    /// The last entry of a lobby, and how many bytes it may still take, null if any number; null if there is no such
    /// lobby.
    /// </summary>
    public async Task<(long LastSeq, long? Room)?> StateAsync(Guid lobbyId, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            "SELECT last_seq, bytes_max - bytes FROM lobbies WHERE lobby_id = $1 AND deleted_at IS NULL");
        command.Parameters.Add(new() { Value = lobbyId });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        return await reader.ReadAsync(cancellation)
            ? (reader.GetInt64(0), reader.IsDBNull(1) ? null : reader.GetInt64(1))
            : null;
    }

    /// <summary>Rows after a place, ascending.</summary>
    public async Task<List<JudgedRow>> RowsAsync(
        LobbyInfo lobby, long after, int countMax, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(ReadRows);
        return await ReadAsync(command, lobby, after, countMax, cancellation);
    }

    /// <summary>The same by a connection that may hold the lobby's lock.</summary>
    public static async Task<List<JudgedRow>> RowsAsync(
        NpgsqlConnection connection, LobbyInfo lobby, long after, int countMax)
    {
        await using var command = new NpgsqlCommand(ReadRows, connection);
        return await ReadAsync(command, lobby, after, countMax, CancellationToken.None);
    }

    /// <summary>Entries of the roster after a height, ascending.</summary>
    public async Task<List<JudgedRow>> RosterAsync(
        LobbyInfo lobby, long after, int countMax, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(ReadRoster);
        return await ReadAsync(command, lobby, after, countMax, cancellation);
    }

    /// <summary>The accepted identities with these fingerprints, as far as there are such.</summary>
    public async Task<Dictionary<Digest, NamedIdentity>> RecordsAsync(
        IEnumerable<Digest> fingerprints, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            """
            SELECT i.fingerprint, u.login, i.public_token, i.record
            FROM identities i JOIN users u USING (public_token) WHERE i.fingerprint = ANY ($1)
            """);
        command.Parameters.Add(new() { Value = fingerprints.Select(static one => one.Bytes.ToArray()).ToArray() });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        Dictionary<Digest, NamedIdentity> records = [];
        while (await reader.ReadAsync(cancellation))
        {
            records[new Digest(reader.GetFieldValue<byte[]>(0))] = new NamedIdentity(
                reader.GetString(1), reader.GetGuid(2), Base64Text.Encode(reader.GetFieldValue<byte[]>(3)));
        }
        return records;
    }

    /// <summary>The current identity of a user, accepted; null if they have none.</summary>
    public async Task<IdentityRecord?> IdentityAsync(Guid publicToken, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            """
            SELECT u.login, i.record FROM identities i JOIN users u USING (public_token)
            WHERE i.public_token = $1 AND i.is_current
            """);
        command.Parameters.Add(new() { Value = publicToken });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        if (!await reader.ReadAsync(cancellation))
            return null;
        IdentityRecord.Accept(reader.GetString(0), reader.GetFieldValue<byte[]>(1), out var identity);
        return identity;
    }

    /// <summary>
    /// The transcript's values at places of a lobby; that before the first row is known without asking.
    /// </summary>
    public async Task<Dictionary<long, Digest>> HashesAsync(
        Guid lobbyId, long[] places, CancellationToken cancellation)
    {
        Dictionary<long, Digest> hashes = new() { [0] = Transcript.Start(lobbyId) };
        await using var command = database.Source.CreateCommand(
            "SELECT seq, hash FROM entries WHERE lobby_id = $1 AND seq = ANY ($2)");
        command.Parameters.Add(new() { Value = lobbyId });
        command.Parameters.Add(new() { Value = places });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
            hashes[reader.GetInt64(0)] = new Digest(reader.GetFieldValue<byte[]>(1));
        return hashes;
    }

    static async Task<List<JudgedRow>> ReadAsync(
        NpgsqlCommand command, LobbyInfo lobby, long after, int countMax, CancellationToken cancellation)
    {
        command.Parameters.Add(new() { Value = lobby.LobbyId });
        command.Parameters.Add(new() { Value = after });
        command.Parameters.Add(new() { Value = countMax });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        List<JudgedRow> rows = [];
        while (await reader.ReadAsync(cancellation))
        {
            var author = reader.GetGuid(1);
            rows.Add(new JudgedRow(
                reader.GetInt64(0),
                author,
                reader.GetFieldValue<DateTimeOffset>(2),
                new Digest(reader.GetFieldValue<byte[]>(3)),
                new Digest(reader.GetFieldValue<byte[]>(4)),
                // A null of bytes would become empty memory.
                reader.IsDBNull(6)
                    ? default(ReadOnlyMemory<byte>?)
                    : lobby.Key.Decrypt(lobby.LobbyId, author, reader.GetGuid(5), reader.GetFieldValue<byte[]>(6))));
        }
        return rows;
    }
}
