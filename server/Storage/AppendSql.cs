using Conclave.Protocol;
using Npgsql;

namespace Conclave.Server.Storage;

/// <summary>
/// The statements of one flight of the writer. Locking and inserting are two statements on purpose: within one, a row
/// lock that had to wait sees the new row of the lobby but the old snapshot of its members and entries, and a member
/// removed meanwhile could still post. For the same reason the inserting one never locks: the first notes which rows
/// it got, the second touches only those.
/// </summary>
static class AppendSql
{
    const string Create =
        """
        WITH request AS (
            SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::uuid[], $6::bytea[], $7::bool[])
                WITH ORDINALITY AS r (lobby_id, name_key, name, author, nonce, wrapped_key, sealed, ord)
        ), clock AS MATERIALIZED (
            SELECT date_trunc('milliseconds', clock_timestamp()) AS time
        ), named AS (
            INSERT INTO lobby_names (name_key, lobby_id)
            SELECT DISTINCT ON (name_key) name_key, lobby_id FROM request ORDER BY name_key, ord
            ON CONFLICT DO NOTHING
            RETURNING lobby_id
        ), accepted AS (
            SELECT r.*, c.time FROM request r JOIN named USING (lobby_id) CROSS JOIN clock c
        ), lobby AS (
            INSERT INTO lobbies
                (lobby_id, name, created_by, created_at, sealed, wrapped_key, last_seq, last_sent_at)
            SELECT lobby_id, name, author, time, sealed, wrapped_key, 1, time FROM accepted
        ), member AS (
            INSERT INTO members (lobby_id, public_token, rights, since_seq, since)
            SELECT lobby_id, author, 15, 1, time FROM accepted
        )
        INSERT INTO entries (lobby_id, seq, kind, author, sent_at, nonce, name)
        SELECT lobby_id, 1, 1, author, time, nonce, name FROM accepted
        """;

    // A second statement, because a conflicting name that was committed meanwhile is not in the first one's snapshot.
    const string JudgeCreations =
        """
        SELECT CASE WHEN n.lobby_id = r.lobby_id THEN 0 WHEN e.lobby_id IS NOT NULL THEN 1 ELSE 9 END,
            n.lobby_id, 1::bigint, e.sent_at, NULL::text
        FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[])
            WITH ORDINALITY AS r (lobby_id, name_key, author, nonce, ord)
        JOIN lobby_names n USING (name_key)
        LEFT JOIN entries e ON e.lobby_id = n.lobby_id AND e.seq = 1 AND e.author = r.author AND e.nonce = r.nonce
        ORDER BY r.ord
        """;

    const string LockFree =
        """
        SELECT set_config('conclave.locked', coalesce(array_agg(lobby_id), '{}')::text, true) FROM (
            SELECT lobby_id FROM lobbies WHERE lobby_id = ANY ($1) ORDER BY lobby_id
            FOR NO KEY UPDATE SKIP LOCKED
        ) l
        """;

    const string LockAll =
        """
        SELECT set_config('conclave.locked', coalesce(array_agg(lobby_id), '{}')::text, true) FROM (
            SELECT lobby_id FROM lobbies WHERE lobby_id = ANY ($1) ORDER BY lobby_id FOR NO KEY UPDATE
        ) l
        """;

    // The numbers: verdicts as in Verdict, kinds as in EntryKind, rights as in Rights.
    const string Append =
        """
        WITH request AS (
            SELECT * FROM unnest(
                    $1::uuid[], $2::uuid[], $3::smallint[], $4::uuid[], $5::uuid[], $6::smallint[], $7::bytea[])
                WITH ORDINALITY AS r (lobby_id, author, kind, nonce, member, rights, body, ord)
        ), locked AS MATERIALIZED (
            SELECT unnest(current_setting('conclave.locked')::uuid[]) AS lobby_id
        ), clock AS MATERIALIZED (
            SELECT date_trunc('milliseconds', clock_timestamp()) AS time
        ), judged AS (
            SELECT r.*, l.last_seq, l.last_sent_at, d.seq AS first_seq, d.sent_at AS first_sent_at,
                u.login AS member_login,
                CASE
                    WHEN l.lobby_id IS NULL THEN 3
                    WHEN k.lobby_id IS NULL THEN 2
                    WHEN d.seq IS NOT NULL THEN 1
                    WHEN a.rights IS NULL THEN 4
                    WHEN r.kind = 6 AND a.rights & 2 = 0 THEN 4
                    WHEN r.kind = 2 AND (a.rights & 4 = 0 OR r.rights & ~a.rights <> 0) THEN 4
                    WHEN r.kind = 3 AND a.rights & 8 = 0 THEN 4
                    WHEN r.kind = 4 AND a.rights & 8 = 0 AND r.member <> r.author THEN 4
                    WHEN r.kind = 2 AND (u.login IS NULL OR u.deleted_at IS NOT NULL) THEN 5
                    WHEN r.kind = 2 AND t.rights IS NOT NULL THEN 6
                    WHEN r.kind IN (3, 4) AND t.rights IS NULL THEN 7
                    WHEN (r.kind = 4 OR r.kind = 3 AND r.rights & 8 = 0) AND t.rights & 8 <> 0 AND NOT EXISTS (
                        SELECT FROM members o
                        WHERE o.lobby_id = r.lobby_id AND o.public_token <> r.member AND o.rights & 8 <> 0
                    ) THEN 8
                    ELSE 0
                END AS verdict
            FROM request r
            LEFT JOIN locked k ON k.lobby_id = r.lobby_id
            LEFT JOIN lobbies l ON l.lobby_id = r.lobby_id
            LEFT JOIN members a ON a.lobby_id = r.lobby_id AND a.public_token = r.author
            LEFT JOIN members t ON t.lobby_id = r.lobby_id AND t.public_token = r.member
            LEFT JOIN users u ON u.public_token = r.member
            LEFT JOIN entries d ON d.lobby_id = r.lobby_id AND d.author = r.author AND d.nonce = r.nonce
        ), accepted AS (
            SELECT j.*, j.last_seq + row_number() OVER (PARTITION BY j.lobby_id ORDER BY j.ord) AS seq,
                greatest(c.time, j.last_sent_at) AS sent_at
            FROM judged j CROSS JOIN clock c
            WHERE j.verdict = 0
        ), inserted AS (
            INSERT INTO entries (lobby_id, seq, kind, author, sent_at, nonce, member, rights, body)
            SELECT lobby_id, seq, kind, author, sent_at, nonce, member, rights, body FROM accepted
            ORDER BY lobby_id, seq
        ), advanced AS (
            UPDATE lobbies l SET last_seq = t.seq, last_sent_at = t.sent_at
            FROM (SELECT lobby_id, max(seq) AS seq, max(sent_at) AS sent_at FROM accepted GROUP BY lobby_id) t
            WHERE l.lobby_id = t.lobby_id
        ), joined AS (
            INSERT INTO members (lobby_id, public_token, rights, since_seq, since)
            SELECT lobby_id, member, rights, seq, sent_at FROM accepted WHERE kind = 2
        ), changed AS (
            UPDATE members m SET rights = t.rights FROM accepted t
            WHERE t.kind = 3 AND m.lobby_id = t.lobby_id AND m.public_token = t.member
        ), removed AS (
            DELETE FROM members m USING accepted t
            WHERE t.kind = 4 AND m.lobby_id = t.lobby_id AND m.public_token = t.member
        )
        SELECT j.verdict, j.lobby_id, coalesce(t.seq, j.first_seq, 0), coalesce(t.sent_at, j.first_sent_at),
            j.member_login
        FROM judged j LEFT JOIN accepted t USING (ord) ORDER BY j.ord
        """;

    // A body of another length is another content: it need not be read.
    const string Contents =
        """
        SELECT e.kind, e.member, e.rights, CASE WHEN octet_length(e.body) = r.bytes THEN e.body END
        FROM unnest($1::uuid[], $2::bigint[], $3::int[]) WITH ORDINALITY AS r (lobby_id, seq, bytes, ord)
        JOIN entries e USING (lobby_id, seq) ORDER BY r.ord
        """;

    /// <summary>Adds the creation of lobbies: one result.</summary>
    public static void AddCreations(NpgsqlBatch batch, NewEntry[] entries)
    {
        var lobbies = Array.ConvertAll(entries, entry => entry.Lobby.LobbyId);
        var nameKeys = Array.ConvertAll(entries, entry => LobbyName.Key(entry.Name!));
        var authors = Array.ConvertAll(entries, entry => entry.Author.PublicToken);
        var nonces = Array.ConvertAll(entries, entry => entry.Nonce);
        var names = Array.ConvertAll(entries, entry => entry.Name!);
        var keys = Array.ConvertAll(entries, entry => entry.WrappedKey!);
        var areSealed = Array.ConvertAll(entries, entry => entry.Lobby.IsSealed);
        batch.BatchCommands.Add(Command(Create, lobbies, nameKeys, names, authors, nonces, keys, areSealed));
        batch.BatchCommands.Add(Command(JudgeCreations, lobbies, nameKeys, authors, nonces));
    }

    /// <summary>Adds entries of lobbies that exist: one result to pass over, and one to read.</summary>
    public static void AddEntries(NpgsqlBatch batch, NewEntry[] entries, bool patient)
    {
        var lobbies = Array.ConvertAll(entries, entry => entry.Lobby.LobbyId);
        batch.BatchCommands.Add(Command(patient ? LockAll : LockFree, (object)lobbies.Distinct().ToArray()));
        batch.BatchCommands.Add(Command(
            Append,
            lobbies,
            Array.ConvertAll(entries, entry => entry.Author.PublicToken),
            Array.ConvertAll(entries, entry => (short)entry.Kind),
            Array.ConvertAll(entries, entry => entry.Nonce),
            Array.ConvertAll(entries, entry => entry.Member),
            Array.ConvertAll(entries, entry => (short?)entry.Rights),
            Array.ConvertAll(entries, Encrypt)));
    }

    /// <summary>Adds a look at what is stored in the places of duplicates: one row each.</summary>
    public static void AddContents(NpgsqlBatch batch, (NewEntry Entry, long Seq)[] duplicates) =>
        batch.BatchCommands.Add(Command(
            Contents,
            Array.ConvertAll(duplicates, duplicate => duplicate.Entry.Lobby.LobbyId),
            Array.ConvertAll(duplicates, duplicate => duplicate.Seq),
            Array.ConvertAll(duplicates, duplicate => LobbyKey.EncryptedSize(duplicate.Entry.RowData.Length))));

    static byte[]? Encrypt(NewEntry entry)
    {
        if (entry.Kind != EntryKind.Message)
            return null;
        var lobby = entry.Lobby;
        return lobby.Key.Encrypt(lobby.LobbyId, entry.Author.PublicToken, entry.Nonce, entry.RowData.Span);
    }

    static NpgsqlBatchCommand Command(string sql, params ReadOnlySpan<object> parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var parameter in parameters)
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        return command;
    }
}
