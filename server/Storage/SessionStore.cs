using System.Net;
using Conclave.Protocol;
using Npgsql;

namespace Conclave.Server.Storage;

/// <summary>Keeps sessions under the hashes of their tokens.</summary>
sealed class SessionStore(Database database)
{
    /// <summary>Elements in one reply, so that it stays small where the operator set no limit.</summary>
    public const int ListMax = 1000;

    // The user's row is locked first, and the count taken by a statement that begins after: sign-ins of one user come
    // one after the other, and with a change of the password too.
    const string Lock = "SELECT 1 FROM users WHERE public_token = $1 FOR NO KEY UPDATE";

    const string Add =
        """
        WITH open AS (
            SELECT session_id, last_used_at FROM sessions
            WHERE public_token = $3 AND ended IS NULL AND expires_at > $4
        ), unused AS (
            SELECT session_id FROM open WHERE last_used_at < $9 ORDER BY last_used_at
            LIMIT greatest(0, (SELECT count(*) FROM open) - $8 + 1)
        ), evicted AS (
            UPDATE sessions SET ended = 'revoked', expires_at = $4
            WHERE session_id IN (SELECT session_id FROM unused) RETURNING session_id
        ), signer AS (
            SELECT public_token FROM users
            WHERE public_token = $3 AND password_hash = $10 AND disabled_at IS NULL
        ), added AS (
            INSERT INTO sessions
                (token_hash, session_id, public_token, created_at, last_used_at, expires_at, client, address)
            SELECT $1, $2, $3, $4, $4, $5, $6, $7 FROM signer
            WHERE (SELECT count(*) FROM open) - (SELECT count(*) FROM evicted) < $8
            RETURNING session_id
        )
        SELECT EXISTS (SELECT FROM signer), EXISTS (SELECT FROM added),
            ARRAY(SELECT session_id FROM evicted)
        """;

    /// <summary>
    /// Adds a session of a user whose password matched <paramref name="passwordHash"/>, unless that has changed since.
    /// </summary>
    /// <returns>What became of it, and the sessions that ended to make room.</returns>
    public async Task<(SignIn Outcome, Guid[] Evicted)> AddAsync(
        NewSession session, string passwordHash, SessionQuota quota, CancellationToken cancellation)
    {
        await using var batch = database.Source.CreateBatch();
        var publicToken = session.Session.Person.PublicToken;
        batch.BatchCommands.Add(Statement.Of(Lock, publicToken));
        batch.BatchCommands.Add(Statement.Of(
            Add,
            session.TokenHash,
            session.Session.SessionId,
            publicToken,
            session.Session.LastUsedAt,
            session.Session.ExpiresAt,
            session.Client ?? (object)DBNull.Value,
            session.Address ?? (object)DBNull.Value,
            (long)quota.CountMax,
            quota.UnusedSince,
            passwordHash));
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        await reader.NextResultAsync(cancellation);
        await reader.ReadAsync(cancellation);
        var outcome = (reader.GetBoolean(0), reader.GetBoolean(1)) switch
        {
            (false, _) => SignIn.Outdated,
            (true, false) => SignIn.TooMany,
            (true, true) => SignIn.Opened,
        };
        return (outcome, reader.GetFieldValue<Guid[]>(2));
    }

    /// <summary>The session of a token; null if there is none or it ended before <paramref name="now"/>.</summary>
    public async Task<Session?> FindAsync(byte[] tokenHash, DateTimeOffset now, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            """
            SELECT s.session_id, u.login, u.public_token, s.expires_at, s.last_used_at
            FROM sessions s JOIN users u USING (public_token)
            WHERE s.token_hash = $1 AND s.expires_at > $2 AND s.ended IS NULL
            """);
        command.Parameters.Add(new() { Value = tokenHash });
        command.Parameters.Add(new() { Value = now });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        if (!await reader.ReadAsync(cancellation))
            return null;
        return new Session(
            reader.GetGuid(0),
            new Person(reader.GetString(1), reader.GetGuid(2)),
            reader.GetFieldValue<DateTimeOffset>(3),
            reader.GetFieldValue<DateTimeOffset>(4));
    }

    /// <summary>The sessions of a user that go on, the newest first; <see cref="ListMax"/> at most.</summary>
    public async Task<List<OwnSession>> ListAsync(
        Session current, DateTimeOffset now, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            """
            SELECT session_id, created_at, last_used_at, expires_at, client, address FROM sessions
            WHERE public_token = $1 AND ended IS NULL AND expires_at > $2
            ORDER BY session_id = $3 DESC, created_at DESC, session_id LIMIT $4
            """);
        command.Parameters.Add(new() { Value = current.Person.PublicToken });
        command.Parameters.Add(new() { Value = now });
        command.Parameters.Add(new() { Value = current.SessionId });
        command.Parameters.Add(new() { Value = ListMax });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        List<OwnSession> sessions = [];
        while (await reader.ReadAsync(cancellation))
        {
            sessions.Add(new OwnSession(
                reader.GetGuid(0),
                reader.GetFieldValue<DateTimeOffset>(1),
                reader.GetFieldValue<DateTimeOffset>(2),
                reader.GetFieldValue<DateTimeOffset>(3),
                reader.IsDBNull(4) ? null : reader.GetString(4),
                reader.IsDBNull(5) ? null : reader.GetFieldValue<IPAddress>(5).ToString(),
                reader.GetGuid(0) == current.SessionId));
        }
        return sessions;
    }

    /// <summary>Notes a use of the session, which prolongs it.</summary>
    public async Task TouchAsync(
        Guid sessionId, DateTimeOffset now, DateTimeOffset expiresAt, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            "UPDATE sessions SET last_used_at = $2, expires_at = $3 WHERE session_id = $1 AND ended IS NULL");
        command.Parameters.Add(new() { Value = sessionId });
        command.Parameters.Add(new() { Value = now });
        command.Parameters.Add(new() { Value = expiresAt });
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Ends one session of a user. Whether it went on until now.</summary>
    public async Task<bool> EndAsync(
        Guid publicToken, EndedSession ended, DateTimeOffset now, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            """
            UPDATE sessions SET ended = $3, expires_at = $4
            WHERE session_id = $2 AND public_token = $1 AND ended IS NULL AND expires_at > $4
            """);
        command.Parameters.Add(new() { Value = publicToken });
        command.Parameters.Add(new() { Value = ended.SessionId });
        command.Parameters.Add(new() { Value = ended.Reason });
        command.Parameters.Add(new() { Value = now });
        return await command.ExecuteNonQueryAsync(cancellation) > 0;
    }

    /// <summary>Ends every session of a user but one; returns those.</summary>
    public async Task<List<Guid>> EndOthersAsync(Session current, DateTimeOffset now, CancellationToken cancellation)
    {
        await using var batch = database.Source.CreateBatch();
        batch.BatchCommands.Add(EndOthers(current, SessionEnd.Revoked, now));
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        return await ReadIdsAsync(reader, cancellation);
    }

    /// <summary>Which of <paramref name="sessionIds"/> have ended, expired or gone, and why.</summary>
    public async Task<List<EndedSession>> FindEndedAsync(
        Guid[] sessionIds, DateTimeOffset now, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            """
            SELECT r.session_id, CASE WHEN s.session_id IS NULL THEN 'revoked' ELSE coalesce(s.ended, 'expired') END
            FROM unnest($1::uuid[]) AS r (session_id) LEFT JOIN sessions s USING (session_id)
            WHERE s.session_id IS NULL OR s.ended IS NOT NULL OR s.expires_at <= $2
            """);
        command.Parameters.Add(new() { Value = sessionIds });
        command.Parameters.Add(new() { Value = now });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        List<EndedSession> ended = [];
        while (await reader.ReadAsync(cancellation))
            ended.Add(new EndedSession(reader.GetGuid(0), reader.GetString(1)));
        return ended;
    }

    /// <summary>Deletes what has been over since before <paramref name="before"/>, of whomever it was.</summary>
    public async Task TrimAsync(DateTimeOffset before, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand("DELETE FROM sessions WHERE expires_at <= $1");
        command.Parameters.Add(new() { Value = before });
        await command.ExecuteNonQueryAsync(cancellation);
    }

    internal static NpgsqlBatchCommand IsOpen(Session current, DateTimeOffset now) => Statement.Of(
        "SELECT EXISTS (SELECT FROM sessions WHERE session_id = $1 AND ended IS NULL AND expires_at > $2)",
        current.SessionId, now);

    internal static NpgsqlBatchCommand EndOthers(Session current, string reason, DateTimeOffset now) => Statement.Of(
        """
        UPDATE sessions SET ended = $3, expires_at = $4
        WHERE public_token = $1 AND session_id <> $2 AND ended IS NULL AND expires_at > $4 RETURNING session_id
        """,
        current.Person.PublicToken, current.SessionId, reason, now);

    internal static async Task<List<Guid>> ReadIdsAsync(NpgsqlDataReader reader, CancellationToken cancellation)
    {
        List<Guid> ids = [];
        while (await reader.ReadAsync(cancellation))
            ids.Add(reader.GetGuid(0));
        return ids;
    }
}
