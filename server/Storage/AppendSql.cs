using System.Runtime.InteropServices;
using Conclave.Protocol;
using Npgsql;

namespace Conclave.Server.Storage;

/// <summary>
/// The statements of one flight of the writer. Each locks its lobbies' rows and passes over those that are locked
/// elsewhere. It judges by its snapshot, which may be older than the row it locked: another transaction may have
/// committed in between, and a member that one removed could still post. So a lobby counts as locked elsewhere also
/// when the two versions differ in last_seq: members change only with an entry, and equal means nothing has changed.
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
            1::bigint, e.sent_at, NULL::text, n.lobby_id
        FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[])
            WITH ORDINALITY AS r (lobby_id, name_key, author, nonce, ord)
        JOIN lobby_names n USING (name_key)
        LEFT JOIN lobbies l ON l.lobby_id = n.lobby_id
        LEFT JOIN entries e ON e.lobby_id = n.lobby_id AND e.seq = 1 AND e.author = r.author AND e.nonce = r.nonce
            AND l.deleted_at IS NULL
        ORDER BY r.ord
        """;

    // Waits for locks. What follows in the same transaction then finds them held.
    const string Lock =
        """
        SELECT FROM lobbies WHERE lobby_id = ANY ($1) ORDER BY lobby_id FOR NO KEY UPDATE
        """;

    // The numbers: verdicts as in Outcome, kinds as in EntryKind, rights as in Rights. A look-up by number in an array
    // takes no time; a join of what the planner takes for ten rows would be a loop within a loop.
    const string AppendMessages =
        """
        WITH locked AS MATERIALIZED (
            SELECT r.ord, l.last_seq, l.last_sent_at, coalesce(l.bytes_max, $7) - l.bytes AS room
            FROM unnest($1::uuid[]) WITH ORDINALITY AS r (lobby_id, ord)
            JOIN lobbies l ON l.lobby_id = r.lobby_id AND l.deleted_at IS NULL
            ORDER BY l.lobby_id FOR NO KEY UPDATE OF l SKIP LOCKED
        ), seen AS (
            SELECT r.ord, l.last_seq
            FROM unnest($1::uuid[]) WITH ORDINALITY AS r (lobby_id, ord)
            JOIN lobbies l ON l.lobby_id = r.lobby_id AND l.deleted_at IS NULL
        ), lobby AS (
            SELECT ord, max(seen_seq) AS seen_seq, max(last_seq) AS last_seq, max(last_sent_at) AS last_sent_at,
                max(room) AS room
            FROM (
                SELECT ord, NULL::bigint AS seen_seq, last_seq, last_sent_at, room FROM locked
                UNION ALL SELECT ord, last_seq, NULL, NULL, NULL FROM seen
                UNION ALL SELECT n, NULL, NULL, NULL, NULL FROM generate_series(1, cardinality($1::uuid[])) n
            ) s GROUP BY ord
        ), now AS MATERIALIZED (
            SELECT array_agg(
                    CASE WHEN seen_seq IS NULL THEN 3 WHEN last_seq IS DISTINCT FROM seen_seq THEN 2 ELSE 0 END
                    ORDER BY ord) AS verdicts,
                array_agg(coalesce(last_seq, 0) ORDER BY ord) AS last_seqs,
                array_agg(coalesce(last_sent_at, 'epoch') ORDER BY ord) AS last_sent_ats,
                array_agg(coalesce(room, 0) ORDER BY ord) AS rooms,
                date_trunc('milliseconds', clock_timestamp()) AS time
            FROM lobby
        ), standing AS MATERIALIZED (
            SELECT array_agg(coalesce(m.rights, 0::smallint) ORDER BY p.ord) AS rights
            FROM unnest($2::int[], $3::uuid[]) WITH ORDINALITY AS p (lobby, author, ord)
            LEFT JOIN members m ON m.lobby_id = ($1::uuid[])[p.lobby] AND m.public_token = p.author
        ), judged AS (
            SELECT r.ord, r.nonce, r.body, ($2::int[])[r.poster] AS lobby, ($3::uuid[])[r.poster] AS author,
                d.seq AS first_seq, d.sent_at AS first_sent_at,
                CASE
                    WHEN n.verdicts[($2::int[])[r.poster]] <> 0 THEN n.verdicts[($2::int[])[r.poster]]
                    WHEN d.seq IS NOT NULL THEN 1
                    WHEN s.rights[r.poster] & 2 = 0 THEN 4
                    WHEN octet_length(r.body) > n.rooms[($2::int[])[r.poster]] THEN 10
                    ELSE 0
                END AS verdict
            FROM unnest($4::int[], $5::uuid[], $6::bytea[]) WITH ORDINALITY AS r (poster, nonce, body, ord)
            CROSS JOIN now n CROSS JOIN standing s
            LEFT JOIN entries d ON d.lobby_id = ($1::uuid[])[($2::int[])[r.poster]]
                AND d.author = ($3::uuid[])[r.poster] AND d.nonce = r.nonce
        ), placed AS MATERIALIZED (
            SELECT j.ord, ($1::uuid[])[j.lobby] AS lobby_id, j.author, j.nonce, j.body, j.verdict, j.first_seq,
                j.first_sent_at, greatest(n.time, n.last_sent_ats[j.lobby]) AS sent_at,
                n.last_seqs[j.lobby] + count(*) FILTER (WHERE j.verdict = 0)
                    OVER (PARTITION BY j.lobby ORDER BY j.ord ROWS UNBOUNDED PRECEDING) AS seq
            FROM judged j CROSS JOIN now n
        ), inserted AS (
            INSERT INTO entries (lobby_id, seq, kind, author, sent_at, nonce, body, expires_at)
            SELECT lobby_id, seq, 6, author, sent_at, nonce, body,
                sent_at + nullif(($8::int[])[ord::int], 0) * interval '1 second'
            FROM placed WHERE verdict = 0
        ), advanced AS (
            UPDATE lobbies l SET last_seq = t.seq, last_sent_at = t.sent_at, bytes = l.bytes + t.bytes
            FROM (
                SELECT lobby_id, max(seq) AS seq, max(sent_at) AS sent_at, sum(octet_length(body)) AS bytes
                FROM placed WHERE verdict = 0 GROUP BY lobby_id
            ) t
            WHERE l.lobby_id = t.lobby_id
        )
        SELECT verdict, CASE verdict WHEN 0 THEN seq WHEN 1 THEN first_seq ELSE 0 END,
            CASE verdict WHEN 0 THEN sent_at WHEN 1 THEN first_sent_at END, NULL::text
        FROM placed ORDER BY ord
        """;

    // One for each lobby at most. They come after the messages of the same batch, and see what those have done. A name
    // that was not put in, and in the snapshot is not this lobby's own, is another's, who may have just committed it.
    const string AppendChanges =
        """
        WITH request AS (
            SELECT * FROM unnest(
                    $1::uuid[], $2::uuid[], $3::smallint[], $4::uuid[], $5::uuid[], $6::smallint[], $7::text[],
                    $8::text[])
                WITH ORDINALITY AS r (lobby_id, author, kind, nonce, member, rights, name, name_key, ord)
        ), locked AS MATERIALIZED (
            SELECT r.ord, l.lobby_id, l.last_seq, l.last_sent_at
            FROM unnest($1::uuid[]) WITH ORDINALITY AS r (lobby_id, ord)
            JOIN lobbies l ON l.lobby_id = r.lobby_id AND l.deleted_at IS NULL
            ORDER BY l.lobby_id FOR NO KEY UPDATE OF l SKIP LOCKED
        ), clock AS MATERIALIZED (
            SELECT date_trunc('milliseconds', clock_timestamp()) AS time
        ), judged AS (
            SELECT r.*, k.last_seq, k.last_sent_at, d.seq AS first_seq, d.sent_at AS first_sent_at,
                u.login AS member_login,
                CASE
                    WHEN l.lobby_id IS NULL THEN 3
                    WHEN k.last_seq IS DISTINCT FROM l.last_seq THEN 2
                    WHEN d.seq IS NOT NULL THEN 1
                    WHEN a.rights IS NULL THEN 4
                    WHEN r.kind = 2 AND (a.rights & 4 = 0 OR r.rights & ~a.rights <> 0) THEN 4
                    WHEN r.kind IN (3, 5) AND a.rights & 8 = 0 THEN 4
                    WHEN r.kind = 4 AND a.rights & 8 = 0 AND r.member <> r.author THEN 4
                    WHEN r.kind = 2 AND (u.login IS NULL OR u.deleted_at IS NOT NULL) THEN 5
                    WHEN r.kind = 2 AND t.rights IS NOT NULL THEN 6
                    WHEN r.kind IN (3, 4) AND t.rights IS NULL THEN 7
                    WHEN r.kind = 2
                        AND (SELECT count(*) FROM members c WHERE c.lobby_id = r.lobby_id) >= $9 THEN 11
                    WHEN (r.kind = 4 OR r.kind = 3 AND r.rights & 8 = 0) AND t.rights & 8 <> 0 AND NOT EXISTS (
                        SELECT FROM members o
                        WHERE o.lobby_id = r.lobby_id AND o.public_token <> r.member AND o.rights & 8 <> 0
                    ) THEN 8
                    ELSE 0
                END AS verdict
            FROM request r
            LEFT JOIN locked k ON k.ord = r.ord
            LEFT JOIN lobbies l ON l.lobby_id = r.lobby_id AND l.deleted_at IS NULL
            LEFT JOIN members a ON a.lobby_id = r.lobby_id AND a.public_token = r.author
            LEFT JOIN members t ON t.lobby_id = r.lobby_id AND t.public_token = r.member
            LEFT JOIN users u ON u.public_token = r.member
            LEFT JOIN entries d ON d.lobby_id = r.lobby_id AND d.author = r.author AND d.nonce = r.nonce
        ), named AS (
            INSERT INTO lobby_names (name_key, lobby_id)
            SELECT name_key, lobby_id FROM judged WHERE kind = 5 AND verdict = 0 ORDER BY name_key
            ON CONFLICT DO NOTHING
            RETURNING lobby_id
        ), placed AS MATERIALIZED (
            SELECT j.ord, j.lobby_id, j.author, j.kind, j.nonce, j.member, j.rights, j.name, j.first_seq,
                j.first_sent_at, j.member_login, j.last_seq + 1 AS seq, greatest(c.time, j.last_sent_at) AS sent_at,
                CASE
                    WHEN j.verdict = 0 AND j.kind = 5 AND n.lobby_id IS NULL AND o.lobby_id IS NULL THEN 9
                    ELSE j.verdict
                END AS verdict
            FROM judged j CROSS JOIN clock c
            LEFT JOIN named n ON n.lobby_id = j.lobby_id
            LEFT JOIN lobby_names o ON o.name_key = j.name_key AND o.lobby_id = j.lobby_id
        ), accepted AS (
            SELECT * FROM placed WHERE verdict = 0
        ), inserted AS (
            INSERT INTO entries (lobby_id, seq, kind, author, sent_at, nonce, member, rights, name)
            SELECT lobby_id, seq, kind, author, sent_at, nonce, member, rights, name FROM accepted
        ), advanced AS (
            UPDATE lobbies l SET last_seq = t.seq, last_sent_at = t.sent_at, name = coalesce(t.name, l.name)
            FROM accepted t WHERE l.lobby_id = t.lobby_id
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
        SELECT verdict, CASE verdict WHEN 0 THEN seq WHEN 1 THEN first_seq ELSE 0 END,
            CASE verdict WHEN 0 THEN sent_at WHEN 1 THEN first_sent_at END, member_login
        FROM placed ORDER BY ord
        """;

    // A body of another length is another content: it need not be read.
    const string Contents =
        """
        SELECT e.kind, e.member, e.rights, e.name, e.expires_at,
            e.body IS NULL OR e.expires_at IS NOT NULL AND e.expires_at <= clock_timestamp(),
            CASE WHEN octet_length(e.body) = r.bytes THEN e.body END
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
        batch.BatchCommands.Add(Statement.Of(Create, lobbies, nameKeys, names, authors, nonces, keys, areSealed));
        batch.BatchCommands.Add(Statement.Of(JudgeCreations, lobbies, nameKeys, authors, nonces));
    }

    /// <summary>Adds the wait for lobbies that were found locked: one result to pass over.</summary>
    public static void AddLock(NpgsqlBatch batch, IEnumerable<NewEntry> entries)
    {
        var lobbies = entries.Select(entry => entry.Lobby.LobbyId).Distinct().ToArray();
        batch.BatchCommands.Add(Statement.Of(Lock, (object)lobbies));
    }

    /// <summary>Adds messages: one result.</summary>
    public static void AddMessages(NpgsqlBatch batch, NewEntry[] entries, long bytesMax)
    {
        Dictionary<Guid, int> lobbies = [];
        Dictionary<(int Lobby, Guid Author), int> posters = [];
        var posterOf = new int[entries.Length];
        for (var index = 0; index < entries.Length; index++)
        {
            var lobby = NumberOf(lobbies, entries[index].Lobby.LobbyId);
            posterOf[index] = NumberOf(posters, (lobby, entries[index].Author.PublicToken));
        }
        batch.BatchCommands.Add(Statement.Of(
            AppendMessages,
            lobbies.Keys.ToArray(),
            Array.ConvertAll(posters.Keys.ToArray(), static poster => poster.Lobby),
            Array.ConvertAll(posters.Keys.ToArray(), static poster => poster.Author),
            posterOf,
            Array.ConvertAll(entries, static entry => entry.Nonce),
            Array.ConvertAll(entries, static entry => entry.Body!),
            bytesMax,
            ExpiriesOf(entries)));
    }

    /// <summary>In how many seconds each entry expires, or 0; nothing at all where none does.</summary>
    public static int[] ExpiriesOf(NewEntry[] entries) =>
        Array.Exists(entries, static entry => entry.ExpiresIn > 0)
            ? Array.ConvertAll(entries, static entry => entry.ExpiresIn)
            : [];

    /// <summary>Adds changes of members and names, at most one for each lobby: one result.</summary>
    public static void AddChanges(NpgsqlBatch batch, NewEntry[] entries, int membersMax) =>
        batch.BatchCommands.Add(Statement.Of(
            AppendChanges,
            Array.ConvertAll(entries, static entry => entry.Lobby.LobbyId),
            Array.ConvertAll(entries, static entry => entry.Author.PublicToken),
            Array.ConvertAll(entries, static entry => (short)entry.Kind),
            Array.ConvertAll(entries, static entry => entry.Nonce),
            Array.ConvertAll(entries, static entry => entry.Member),
            Array.ConvertAll(entries, static entry => (short?)entry.Rights),
            Array.ConvertAll(entries, static entry => entry.Name),
            Array.ConvertAll(entries, static entry => entry.Name is { } name ? LobbyName.Key(name) : null),
            membersMax));

    /// <summary>Adds a look at what is stored in the places of duplicates: one row each.</summary>
    public static void AddContents(NpgsqlBatch batch, (NewEntry Entry, long Seq)[] duplicates) =>
        batch.BatchCommands.Add(Statement.Of(
            Contents,
            Array.ConvertAll(duplicates, duplicate => duplicate.Entry.Lobby.LobbyId),
            Array.ConvertAll(duplicates, duplicate => duplicate.Seq),
            Array.ConvertAll(duplicates, duplicate => LobbyKey.EncryptedSize(duplicate.Entry.RowData.Length))));

    // Numbers begin at 1, as PostgreSQL counts. A dictionary that nothing was taken from keeps the order of its keys.
    static int NumberOf<TKey>(Dictionary<TKey, int> numbers, TKey key) where TKey : notnull
    {
        ref var number = ref CollectionsMarshal.GetValueRefOrAddDefault(numbers, key, out var isKnown);
        return isKnown ? number : number = numbers.Count;
    }
}
