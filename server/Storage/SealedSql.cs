using Conclave.Protocol;
using Conclave.Roster;
using Npgsql;
using NpgsqlTypes;

namespace Conclave.Server.Storage;

/// <summary>
/// The statements that put judged rows into sealed lobbies. They judge nothing but whether the log is still the one
/// that was judged against: equal last_seq means equal members, rights and keys, since all of those change by
/// entries.
/// </summary>
static class SealedSql
{
    // Messages of many lobbies. $1 lobbies, $2 the last_seq each was judged against; then the rows: $3 number of the
    // lobby, $4 author, $5 nonce, $6 place or 0, $7 body, $8 hash of the row, $9 transcript, $10 seconds until it
    // expires or 0. A lobby of whose rows one is there already gets none: the places would be wrong. Nothing is
    // joined that grows with both the rows and the lobbies; see AppendSql.
    const string AppendMessages =
        """
        WITH locked AS MATERIALIZED (
            SELECT r.ord, l.last_seq, l.last_sent_at, l.bytes_max - l.bytes AS room
            FROM unnest($1::uuid[]) WITH ORDINALITY AS r (lobby_id, ord)
            JOIN lobbies l ON l.lobby_id = r.lobby_id AND l.deleted_at IS NULL
            ORDER BY l.lobby_id FOR NO KEY UPDATE OF l SKIP LOCKED
        ), seen AS (
            SELECT r.ord FROM unnest($1::uuid[]) WITH ORDINALITY AS r (lobby_id, ord)
            JOIN lobbies l ON l.lobby_id = r.lobby_id AND l.deleted_at IS NULL
        ), request AS MATERIALIZED (
            SELECT r.*, ($1::uuid[])[r.lobby] AS lobby_id
            FROM unnest(
                    $3::int[], $4::uuid[], $5::uuid[], $6::bigint[], $7::bytea[], $8::bytea[], $9::bytea[], $10::int[])
                WITH ORDINALITY AS r (lobby, author, nonce, seq, body, row_hash, hash, expires_in, ord)
        ), known AS MATERIALIZED (
            SELECT r.ord, r.lobby, r.seq AS place, d.seq, d.sent_at, d.hash, d.row_hash, d.expires_at,
                d.body IS NULL OR coalesce(d.expires_at <= clock_timestamp(), false) AS is_gone
            FROM request r
            JOIN entries d ON d.lobby_id = r.lobby_id AND d.author = r.author AND d.nonce = r.nonce
        ), found AS MATERIALIZED (
            SELECT ord, max(last_seq) AS last_seq, max(room) AS room,
                CASE
                    WHEN NOT bool_or(is_there) THEN 3
                    WHEN max(last_seq) IS NULL THEN 2
                    WHEN max(last_seq) <> ($2::bigint[])[ord] OR bool_or(is_known) THEN 1
                    ELSE 0
                END AS state,
                greatest(date_trunc('milliseconds', clock_timestamp()), max(last_sent_at)) AS time
            FROM (
                SELECT ord, false AS is_there, false AS is_known, last_seq, last_sent_at, room FROM locked
                UNION ALL SELECT ord, true, false, NULL, NULL, NULL FROM seen
                UNION ALL SELECT n, false, false, NULL, NULL, NULL FROM generate_series(1, cardinality($1::uuid[])) n
                UNION ALL SELECT lobby, false, true, NULL, NULL, NULL FROM known WHERE place > 0
            ) s GROUP BY ord
        ), open AS MATERIALIZED (
            SELECT array_agg(CASE WHEN state = 0 THEN time END ORDER BY ord) AS times FROM found
        ), placed AS MATERIALIZED (
            SELECT r.*, o.times[r.lobby] AS time FROM request r CROSS JOIN open o
            WHERE r.seq > 0 AND o.times[r.lobby] IS NOT NULL
        ), inserted AS (
            INSERT INTO entries (lobby_id, seq, kind, author, sent_at, nonce, body, row_hash, hash, expires_at)
            SELECT lobby_id, seq, 6, author, time, nonce, body, row_hash, hash,
                CASE WHEN expires_in > 0 THEN time + make_interval(secs => expires_in) END
            FROM placed
        ), advanced AS (
            UPDATE lobbies l SET last_seq = t.seq, last_sent_at = t.time, bytes = l.bytes + t.bytes
            FROM (
                SELECT lobby_id, max(seq) AS seq, max(time) AS time, sum(octet_length(body)) AS bytes
                FROM placed GROUP BY lobby_id
            ) t
            WHERE l.lobby_id = t.lobby_id
        )
        SELECT true, ord, state, coalesce(last_seq, 0), time, room, NULL::bytea, NULL::bytea, NULL::timestamptz, false
        FROM found
        UNION ALL
        SELECT false, ord, 0, seq, sent_at, NULL, hash, row_hash, expires_at, is_gone FROM known
        """;

    const string Lock =
        """
        SELECT last_seq, last_sent_at, bytes_max - bytes FROM lobbies
        WHERE lobby_id = ANY ($1) AND deleted_at IS NULL ORDER BY lobby_id FOR NO KEY UPDATE
        """;

    const string TryLock =
        """
        SELECT last_seq, last_sent_at, bytes_max - bytes FROM lobbies
        WHERE lobby_id = ANY ($1) AND deleted_at IS NULL ORDER BY lobby_id FOR NO KEY UPDATE SKIP LOCKED
        """;

    const string Find =
        """
        SELECT seq, sent_at, hash, row_hash, expires_at,
            body IS NULL OR expires_at IS NOT NULL AND expires_at <= clock_timestamp()
        FROM entries WHERE lobby_id = $1 AND author = $2 AND nonce = $3
        """;

    const string Exists = "SELECT EXISTS (SELECT FROM lobbies WHERE lobby_id = $1)";

    const string Room = "SELECT bytes_max - bytes FROM lobbies WHERE lobby_id = $1";

    const string IsOpen = "SELECT EXISTS (SELECT FROM lobbies WHERE lobby_id = $1 AND deleted_at IS NULL)";

    const string TakeName =
        "INSERT INTO lobby_names (name_key, lobby_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";

    // A statement of its own: a name that was committed while the one before waited for it is not in its snapshot.
    const string WhoseName = "SELECT lobby_id FROM lobby_names WHERE name_key = $1";

    const string CreateLobby =
        """
        WITH clock AS MATERIALIZED (
            SELECT date_trunc('milliseconds', clock_timestamp()) AS time
        ), lobby AS (
            INSERT INTO lobbies (lobby_id, name, created_by, created_at, sealed, wrapped_key, last_seq, last_sent_at,
                generation)
            SELECT $1, $2, $3, time, true, $4, 1, time, 1 FROM clock
        ), member AS (
            INSERT INTO members (lobby_id, public_token, rights, since_seq, since, fingerprint, first_generation)
            SELECT $1, $3, 15, 1, time, $9, 1 FROM clock
        ), entry AS (
            INSERT INTO entries (lobby_id, seq, kind, author, sent_at, nonce, name, body, row_hash, hash)
            SELECT $1, 1, 1, $3, time, $5, $2, $6, $7, $8 FROM clock
        ), place AS (
            INSERT INTO roster_rows (lobby_id, height, seq) VALUES ($1, 1, 1)
        )
        SELECT time FROM clock
        """;

    const string Change =
        """
        WITH clock AS MATERIALIZED (
            SELECT greatest(date_trunc('milliseconds', clock_timestamp()), last_sent_at) AS time FROM lobbies
            WHERE lobby_id = $1
        ), entry AS (
            INSERT INTO entries (lobby_id, seq, kind, author, sent_at, nonce, member, rights, name, body, row_hash,
                hash, generation)
            SELECT $1, $2, $3, $4, time, $5, $6, $7, $8, $9, $10, $11, $12 FROM clock
        ), place AS (
            INSERT INTO roster_rows (lobby_id, height, seq) VALUES ($1, $13, $2)
        )
        UPDATE lobbies l SET last_seq = $2, last_sent_at = c.time, name = coalesce($8, l.name),
            generation = coalesce($12, l.generation)
        FROM clock c WHERE l.lobby_id = $1
        RETURNING c.time
        """;

    const string Join =
        """
        INSERT INTO members (lobby_id, public_token, rights, since_seq, since, fingerprint, first_generation)
        SELECT $1, $2, $3, last_seq, last_sent_at, $4, $5 FROM lobbies WHERE lobby_id = $1
        """;

    const string SetRights = "UPDATE members SET rights = $3 WHERE lobby_id = $1 AND public_token = $2";

    const string Leave = "DELETE FROM members WHERE lobby_id = $1 AND public_token = $2";

    const string Succeed = "UPDATE members SET fingerprint = $3 WHERE lobby_id = $1 AND public_token = $2";

    const string AddWraps =
        """
        INSERT INTO key_wraps (lobby_id, recipient, generation, number, wrap)
        SELECT $1, r.recipient, r.generation, coalesce((
                SELECT max(k.number) FROM key_wraps k
                WHERE k.lobby_id = $1 AND k.recipient = r.recipient AND k.generation = r.generation), 0) + 1, r.wrap
        FROM unnest($2::bytea[], $3::bigint[], $4::bytea[]) AS r (recipient, generation, wrap)
        """;

    /// <summary>
    /// Puts messages into their places, in one flight and one transaction of its own if there is none.
    /// </summary>
    /// <param name="connection">Whose transaction it is, if one is open.</param>
    /// <param name="lobbies">The lobbies, and the last entry that each was judged against.</param>
    /// <param name="rows">The rows, each with the number of its lobby in that list.</param>
    /// <returns>How each lobby was found, and which rows, by their number, are in the log already.</returns>
    public static async Task<(FoundLobby[] Lobbies, Dictionary<int, KnownRow> Known)> AppendAsync(
        NpgsqlConnection connection, (Guid LobbyId, long LastSeq)[] lobbies, (int Lobby, PlacedRow Row)[] rows)
    {
        await using var command = Command(
            connection,
            AppendMessages,
            Array.ConvertAll(lobbies, static lobby => lobby.LobbyId),
            Array.ConvertAll(lobbies, static lobby => lobby.LastSeq),
            // PostgreSQL counts from 1.
            Array.ConvertAll(rows, static row => row.Lobby + 1),
            Array.ConvertAll(rows, static row => row.Row.Entry.Author.PublicToken),
            Array.ConvertAll(rows, static row => row.Row.Entry.Nonce),
            Array.ConvertAll(rows, static row => row.Row.Seq),
            Array.ConvertAll(rows, static row => row.Row.Entry.Body!),
            Array.ConvertAll(rows, static row => row.Row.Entry.Sealed!.Row.Hash.Bytes.ToArray()),
            Array.ConvertAll(rows, static row => row.Row.Hash.Bytes.ToArray()),
            AppendSql.ExpiriesOf(Array.ConvertAll(rows, static row => row.Row.Entry)));
        var found = new FoundLobby[lobbies.Length];
        Dictionary<int, KnownRow> known = [];
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            var number = (int)reader.GetInt64(1) - 1;
            var time = reader.IsDBNull(4) ? default : reader.GetFieldValue<DateTimeOffset>(4);
            if (reader.GetBoolean(0))
            {
                found[number] = new FoundLobby(
                    (FoundState)reader.GetInt32(2), reader.GetInt64(3), time,
                    reader.IsDBNull(5) ? null : reader.GetInt64(5));
            }
            else
            {
                known[number] = new KnownRow(
                    reader.GetInt64(3), time, DigestAt(reader, 6), DigestAt(reader, 7), TimeAt(reader, 8),
                    reader.GetBoolean(9));
            }
        }
        return (found, known);
    }

    /// <summary>
    /// Locks lobbies until the transaction ends; of the one that is asked for, says how it stands.
    /// </summary>
    /// <param name="connection">In a transaction.</param>
    /// <param name="lobbyIds">The lobbies.</param>
    /// <param name="patient">Whether to wait for others who hold them.</param>
    public static async Task<FoundLobby> LockAsync(NpgsqlConnection connection, Guid[] lobbyIds, bool patient)
    {
        await using (var command = Command(connection, patient ? Lock : TryLock, (object)lobbyIds))
        {
            await using var reader = await command.ExecuteReaderAsync();
            if (await reader.ReadAsync())
            {
                return new FoundLobby(
                    FoundState.Written, reader.GetInt64(0), reader.GetFieldValue<DateTimeOffset>(1),
                    reader.IsDBNull(2) ? null : reader.GetInt64(2));
            }
        }
        await using var isOpen = Command(connection, IsOpen, lobbyIds[0]);
        return new FoundLobby(
            await isOpen.ExecuteScalarAsync() is true ? FoundState.Locked : FoundState.Gone, 0, default, null);
    }

    /// <summary>How many bytes a lobby may still take; null if any number.</summary>
    public static async Task<long?> RoomAsync(NpgsqlConnection connection, Guid lobbyId)
    {
        await using var command = Command(connection, Room, lobbyId);
        return await command.ExecuteScalarAsync() as long?;
    }

    /// <summary>Where an entry with this author and nonce stands; null if nowhere.</summary>
    public static async Task<KnownRow?> FindAsync(NpgsqlConnection connection, NewEntry entry)
    {
        await using var command = Command(
            connection, Find, entry.Lobby.LobbyId, entry.Author.PublicToken, entry.Nonce);
        await using var reader = await command.ExecuteReaderAsync();
        return await reader.ReadAsync()
            ? new KnownRow(
                reader.GetInt64(0), reader.GetFieldValue<DateTimeOffset>(1), DigestAt(reader, 2), DigestAt(reader, 3),
                TimeAt(reader, 4), reader.GetBoolean(5))
            : null;
    }

    /// <summary>Whether there is such a lobby, or ever was.</summary>
    public static async Task<bool> ExistsAsync(NpgsqlConnection connection, Guid lobbyId)
    {
        await using var command = Command(connection, Exists, lobbyId);
        return await command.ExecuteScalarAsync() is true;
    }

    /// <summary>Gives a lobby a name, if it is free or the lobby's own.</summary>
    public static async Task<bool> TryNameAsync(NpgsqlConnection connection, Guid lobbyId, string name)
    {
        var nameKey = LobbyName.Key(name);
        await using (var take = Command(connection, TakeName, nameKey, lobbyId))
            await take.ExecuteNonQueryAsync();
        await using var whose = Command(connection, WhoseName, nameKey);
        return await whose.ExecuteScalarAsync() is Guid owner && owner == lobbyId;
    }

    /// <summary>Puts a new lobby in, whose name it has. Returns when it was created.</summary>
    public static async Task<DateTimeOffset> CreateAsync(NpgsqlConnection connection, NewEntry entry, Digest hash)
    {
        var part = entry.Sealed!;
        await using var command = Command(
            connection, CreateLobby, entry.Lobby.LobbyId, entry.Name!, entry.Author.PublicToken, entry.WrappedKey!,
            entry.Nonce, entry.Body!, part.Row.Hash.Bytes.ToArray(), hash.Bytes.ToArray(),
            part.Row.Entry!.Author.Bytes.ToArray());
        var time = new DateTimeOffset((DateTime)(await command.ExecuteScalarAsync())!);
        await AddWrapsAsync(connection, entry.Lobby.LobbyId, part.Wraps, 1);
        return time;
    }

    /// <summary>
    /// Puts an entry of the roster in its place, and the members as it says. Returns when it was sent.
    /// </summary>
    public static async Task<DateTimeOffset> ChangeAsync(NpgsqlConnection connection, NewEntry entry, RosterPlace place)
    {
        var part = entry.Sealed!;
        var lobbyId = entry.Lobby.LobbyId;
        await using var batch = new NpgsqlBatch(connection);
        Add(
            Change, lobbyId, place.Seq, (short)entry.Kind, entry.Author.PublicToken, entry.Nonce,
            OrNull(entry.Member, NpgsqlDbType.Uuid), OrNull((short?)entry.Rights, NpgsqlDbType.Smallint),
            OrNull(entry.Name, NpgsqlDbType.Text), entry.Body!, part.Row.Hash.Bytes.ToArray(),
            place.Hash.Bytes.ToArray(), OrNull(part.Generation, NpgsqlDbType.Bigint), place.Height);
        switch (part.Row.Entry!.Change)
        {
            case RosterChange.Invite invite:
                Add(
                    Join, lobbyId, invite.Token, (short)invite.Rights, invite.Member.Bytes.ToArray(),
                    place.FirstGeneration);
                break;
            case RosterChange.SetRights changed:
                Add(SetRights, lobbyId, entry.Member!.Value, (short)changed.Rights);
                break;
            case RosterChange.Remove:
                Add(Leave, lobbyId, entry.Member!.Value);
                break;
            case RosterChange.Succeed succeed:
                Add(Succeed, lobbyId, entry.Author.PublicToken, succeed.Successor.Bytes.ToArray());
                break;
        }
        var time = new DateTimeOffset((DateTime)(await batch.ExecuteScalarAsync())!);
        await AddWrapsAsync(connection, lobbyId, part.Wraps, place.Generation);
        if (part.Row.Entry.Change is RosterChange.Succeed self)
            await AddWrapsAsync(connection, lobbyId, self.Successor, part.OwnWraps);
        return time;

        void Add(string sql, params ReadOnlySpan<object> parameters)
        {
            var command = new NpgsqlBatchCommand(sql);
            foreach (var parameter in parameters)
                command.Parameters.Add(parameter as NpgsqlParameter ?? new NpgsqlParameter { Value = parameter });
            batch.BatchCommands.Add(command);
        }
    }

    static Task AddWrapsAsync(
        NpgsqlConnection connection, Guid lobbyId, IReadOnlyCollection<KeyWrap> wraps, long generation) =>
        AddWrapsAsync(connection, lobbyId, [.. wraps.Select(wrap => (wrap.To, generation, wrap.Wrap))]);

    static Task AddWrapsAsync(
        NpgsqlConnection connection,
        Guid lobbyId,
        Digest recipient,
        IReadOnlyCollection<(ulong Generation, ReadOnlyMemory<byte> Wrap)> wraps) => AddWrapsAsync(
            connection, lobbyId, [.. wraps.Select(wrap => (recipient, (long)wrap.Generation, wrap.Wrap))]);

    static async Task AddWrapsAsync(
        NpgsqlConnection connection, Guid lobbyId, (Digest To, long Generation, ReadOnlyMemory<byte> Wrap)[] wraps)
    {
        if (wraps.Length == 0)
            return;
        await using var command = Command(
            connection, AddWraps, lobbyId,
            Array.ConvertAll(wraps, static wrap => wrap.To.Bytes.ToArray()),
            Array.ConvertAll(wraps, static wrap => wrap.Generation),
            Array.ConvertAll(wraps, static wrap => wrap.Wrap.ToArray()));
        await command.ExecuteNonQueryAsync();
    }

    static DateTimeOffset? TimeAt(NpgsqlDataReader reader, int ordinal) =>
        reader.IsDBNull(ordinal) ? null : reader.GetFieldValue<DateTimeOffset>(ordinal);

    static Digest DigestAt(NpgsqlDataReader reader, int ordinal) =>
        reader.IsDBNull(ordinal) ? default : new Digest(reader.GetFieldValue<byte[]>(ordinal));

    static NpgsqlParameter OrNull(object? value, NpgsqlDbType type) =>
        new() { Value = value ?? DBNull.Value, NpgsqlDbType = type };

    static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params ReadOnlySpan<object> parameters)
    {
#pragma warning disable CA2100 // One of the constants above.
        var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        foreach (var parameter in parameters)
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        return command;
    }
}
