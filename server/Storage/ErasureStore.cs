using System.Data.Common;
using System.Runtime.InteropServices;
using Npgsql;

namespace Conclave.Server.Storage;

/// <summary>
/// Overwrites what shall be kept no longer: the content of messages, the keys of lobbies, and at last their rows.
/// Erasure is no entry; the lobby's counter of erasures counts it. Whatever waits for a lock judges in a statement of
/// its own, since the one that waited still sees the members as they were before it did.
/// </summary>
/// <remarks>
/// What is done again and again goes by the connections of the writer: a plan that was made while the tables were small
/// must not look through them when they are large.
/// </remarks>
sealed class ErasureStore(Database database)
{
    // Rows in one transaction: it holds locks that posts wait for.
    const int StepCount = 1000;

    const string Lock = "SELECT FROM lobbies WHERE lobby_id = $1 FOR NO KEY UPDATE";

    // The numbers: verdicts as in Outcome, kinds as in EntryKind, rights as in Rights.
    const string Erase =
        """
        WITH judged AS (
            SELECT octet_length(e.body) AS bytes,
                CASE
                    WHEN l.lobby_id IS NULL THEN 3
                    WHEN m.rights IS NULL THEN 4
                    WHEN e.kind IS DISTINCT FROM 6 THEN 12
                    WHEN e.author <> $2 AND m.rights & 8 = 0 THEN 4
                    ELSE 0
                END AS verdict
            FROM (SELECT) r
            LEFT JOIN lobbies l ON l.lobby_id = $1 AND l.deleted_at IS NULL
            LEFT JOIN members m ON m.lobby_id = $1 AND m.public_token = $2
            LEFT JOIN entries e ON e.lobby_id = $1 AND e.seq = $3
        ), erased AS (
            UPDATE entries e SET body = NULL FROM judged j
            WHERE j.verdict = 0 AND e.lobby_id = $1 AND e.seq = $3 AND e.body IS NOT NULL
            RETURNING j.bytes
        ), counted AS (
            UPDATE lobbies l SET erasures = l.erasures + 1, bytes = l.bytes - e.bytes FROM erased e
            WHERE l.lobby_id = $1
        )
        SELECT verdict, EXISTS (SELECT FROM erased) FROM judged
        """;

    // A lobby whose row is locked elsewhere has its turn the next time: it is passed over, and named without a seq.
    const string EraseExpired =
        """
        WITH due AS (
            SELECT e.lobby_id, e.seq, octet_length(e.body) AS bytes
            FROM entries e JOIN lobbies l ON l.lobby_id = e.lobby_id AND l.deleted_at IS NULL
            WHERE e.expires_at <= now() AND e.expires_at IS NOT NULL AND e.body IS NOT NULL
                AND e.lobby_id <> ALL ($2::uuid[])
            ORDER BY e.expires_at LIMIT $1
        ), locked AS MATERIALIZED (
            SELECT l.lobby_id FROM lobbies l
            WHERE l.lobby_id IN (SELECT lobby_id FROM due) AND l.deleted_at IS NULL
            ORDER BY l.lobby_id FOR NO KEY UPDATE SKIP LOCKED
        ), erased AS (
            UPDATE entries e SET body = NULL FROM due d JOIN locked k ON k.lobby_id = d.lobby_id
            WHERE e.lobby_id = d.lobby_id AND e.seq = d.seq AND e.body IS NOT NULL
            RETURNING e.lobby_id, e.seq, d.bytes
        ), counted AS (
            UPDATE lobbies l SET erasures = l.erasures + 1, bytes = l.bytes - t.bytes
            FROM (SELECT lobby_id, sum(bytes) AS bytes FROM erased GROUP BY lobby_id) t
            WHERE l.lobby_id = t.lobby_id
        )
        SELECT lobby_id, seq, (SELECT count(*) FROM due) FROM (
            SELECT lobby_id, seq FROM erased
            UNION ALL SELECT DISTINCT lobby_id, NULL::bigint FROM due
                WHERE lobby_id NOT IN (SELECT lobby_id FROM locked)
        ) e ORDER BY lobby_id, seq
        """;

    const string Delete =
        """
        WITH judged AS (
            SELECT l.lobby_id,
                CASE
                    WHEN l.deleted_at IS NOT NULL THEN 3
                    WHEN $2::uuid IS NOT NULL AND coalesce(m.rights, 0) & 8 = 0 THEN 4
                    ELSE 0
                END AS verdict
            FROM lobbies l LEFT JOIN members m ON m.lobby_id = l.lobby_id AND m.public_token = $2
            WHERE l.lobby_id = $1
        ), deleted AS (
            UPDATE lobbies l
            SET deleted_at = clock_timestamp(), wrapped_key = NULL, bytes = 0, erasures = l.erasures + 1
            FROM judged j WHERE j.verdict = 0 AND l.lobby_id = j.lobby_id
        )
        SELECT verdict, verdict = 0 FROM judged
        """;

    /// <summary>Erases the content of a message for <paramref name="author"/>.</summary>
    /// <returns>What was found, and whether there was anything left to erase.</returns>
    public Task<(Outcome Outcome, bool IsDone)> EraseAsync(Guid lobbyId, Guid author, long seq) =>
        JudgeAsync(lobbyId, Statement.Of(Erase, lobbyId, author, seq));

    /// <summary>Destroys a lobby's key, and with it what the lobby holds; the rest goes step by step.</summary>
    /// <param name="lobbyId">Which lobby.</param>
    /// <param name="author">Who wants it; null for the operator.</param>
    public Task<(Outcome Outcome, bool IsDone)> DeleteAsync(Guid lobbyId, Guid? author) =>
        JudgeAsync(lobbyId, Statement.Of(Delete, lobbyId, (object?)author ?? DBNull.Value));

    /// <summary>Erases what has expired, a bounded number of messages, in the order of the lobbies.</summary>
    /// <param name="passedOver">Lobbies to pass over; those that are found locked elsewhere join them.</param>
    /// <param name="cancellation">Calls it off.</param>
    /// <returns>Those that it erased, and whether there may be more.</returns>
    public async Task<(List<(Guid LobbyId, long Seq)> Erased, bool More)> EraseExpiredAsync(
        List<Guid> passedOver, CancellationToken cancellation)
    {
        await using var command = database.Writing.CreateCommand(EraseExpired);
        command.Parameters.Add(new() { Value = StepCount });
        command.Parameters.Add(new() { Value = passedOver.ToArray() });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        List<(Guid, long)> erased = [];
        var dueCount = 0L;
        while (await reader.ReadAsync(cancellation))
        {
            if (reader.IsDBNull(1))
                passedOver.Add(reader.GetGuid(0));
            else
                erased.Add((reader.GetGuid(0), reader.GetInt64(1)));
            dueCount = reader.GetInt64(2);
        }
        return (erased, dueCount == StepCount);
    }

    /// <summary>Looks at the database's clock, by which messages expire.</summary>
    public Task ReadClockAsync(CancellationToken cancellation) =>
        database.Clock.ReadAsync(database.Source, cancellation);

    /// <summary>
    /// The next lobbies that were deleted, by anybody, and of which there is something left, in the order in which they
    /// were.
    /// </summary>
    public async Task<List<DeletedLobby>> FindDeletedAsync(
        DeletedLobby after, int countMax, CancellationToken cancellation)
    {
        await using var command = database.Writing.CreateCommand(
            """
            SELECT lobby_id, deleted_at FROM lobbies
            WHERE deleted_at IS NOT NULL AND cleaned_at IS NULL
                AND deleted_at >= $1 AND (deleted_at, lobby_id) > ($1, $2)
            ORDER BY deleted_at, lobby_id LIMIT $3
            """);
        command.Parameters.Add(new() { Value = after.DeletedAt });
        command.Parameters.Add(new() { Value = after.LobbyId });
        command.Parameters.Add(new() { Value = countMax });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        List<DeletedLobby> lobbies = [];
        while (await reader.ReadAsync(cancellation))
            lobbies.Add(new DeletedLobby(reader.GetGuid(0), reader.GetFieldValue<DateTimeOffset>(1)));
        return lobbies;
    }

    /// <summary>
    /// Deleted lobbies for which <see cref="CleanAsync"/> can do something, those that were deleted first before all.
    /// </summary>
    public async Task<List<Guid>> FindUncleanAsync(int countMax, CancellationToken cancellation)
    {
        // No EXISTS: that could be answered by reading all entries there are.
        await using var command = database.Writing.CreateCommand(
            """
            SELECT lobby_id FROM lobbies l
            WHERE deleted_at IS NOT NULL AND cleaned_at IS NULL
                AND (deleted_at < now() - interval '1 minute'
                    OR (SELECT seq FROM entries WHERE lobby_id = l.lobby_id ORDER BY seq LIMIT 1) IS NOT NULL)
            ORDER BY deleted_at LIMIT $1
            """);
        command.Parameters.Add(new() { Value = countMax });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        List<Guid> lobbies = [];
        while (await reader.ReadAsync(cancellation))
            lobbies.Add(reader.GetGuid(0));
        return lobbies;
    }

    /// <summary>
    /// Removes some of the rows of a deleted lobby. When none is left, and every server has had the time to see that
    /// the lobby was deleted, only its stub remains.
    /// </summary>
    /// <returns>Whether there may be more.</returns>
    public async Task<bool> CleanAsync(Guid lobbyId, CancellationToken cancellation)
    {
        await using var command = database.Writing.CreateCommand(
            """
            WITH entry AS (
                DELETE FROM entries WHERE lobby_id = $1 AND seq IN (
                    SELECT seq FROM entries WHERE lobby_id = $1 ORDER BY seq LIMIT $2)
                RETURNING 1
            ), member AS (
                DELETE FROM members WHERE lobby_id = $1 AND public_token IN (
                    SELECT public_token FROM members WHERE lobby_id = $1 LIMIT $2)
                RETURNING 1
            ), place AS (
                DELETE FROM roster_rows WHERE lobby_id = $1 AND height IN (
                    SELECT height FROM roster_rows WHERE lobby_id = $1 ORDER BY height LIMIT $2)
                RETURNING 1
            ), wrap AS (
                DELETE FROM key_wraps WHERE lobby_id = $1 AND (recipient, generation, number) IN (
                    SELECT recipient, generation, number FROM key_wraps WHERE lobby_id = $1 LIMIT $2)
                RETURNING 1
            ), step AS (
                SELECT greatest((SELECT count(*) FROM entry), (SELECT count(*) FROM member),
                    (SELECT count(*) FROM place), (SELECT count(*) FROM wrap)) = $2 AS more
            ), stub AS (
                UPDATE lobbies SET cleaned_at = now()
                WHERE lobby_id = $1 AND deleted_at < now() - interval '1 minute' AND NOT (SELECT more FROM step)
            )
            SELECT more FROM step
            """);
        command.Parameters.Add(new() { Value = lobbyId });
        command.Parameters.Add(new() { Value = StepCount });
        return await command.ExecuteScalarAsync(cancellation) is true;
    }

    // Not called off on the way: whoever asked may be gone, and yet those who stay must hear of what was committed.
    async Task<(Outcome Outcome, bool IsDone)> JudgeAsync(Guid lobbyId, NpgsqlBatchCommand judge)
    {
        // When this fails, nothing was done.
        await using var connection = await database.Source.OpenConnectionAsync(CancellationToken.None);
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(Statement.Of(Lock, lobbyId));
        batch.BatchCommands.Add(judge);
        try
        {
            await using var reader = await batch.ExecuteReaderAsync(CancellationToken.None);
            await reader.NextResultAsync(CancellationToken.None);
            if (!await reader.ReadAsync(CancellationToken.None))
                return (Outcome.NoSuchLobby, false);
            var outcome = ((Outcome)reader.GetInt32(0), reader.GetBoolean(1));
            await EndAsync(reader);
            return outcome;
        }
        catch (PostgresException fault) when (fault.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            return (Outcome.Unavailable, false);
        }
        catch (Exception fault) when (Database.IsAway(fault))
        {
            return (Outcome.Unknown, false);
        }
    }

    // Reading to the end is what makes sure that the commit succeeded.
    static async Task EndAsync(DbDataReader reader)
    {
        while (await reader.NextResultAsync(CancellationToken.None))
        {
            // There is nothing more to it.
        }
    }
}

/// <summary>A lobby that was deleted, and when, by the database's clock.</summary>
[StructLayout(LayoutKind.Auto)]
readonly record struct DeletedLobby(Guid LobbyId, DateTimeOffset DeletedAt);
