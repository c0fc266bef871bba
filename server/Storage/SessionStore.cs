using System.Net;
using Conclave.Protocol;

namespace Conclave.Server.Storage;

/// <summary>A sign-in. Holds no secret: the token itself is stored nowhere, only its hash.</summary>
sealed record Session(Guid SessionId, Person Person, DateTimeOffset ExpiresAt, DateTimeOffset LastUsedAt);

/// <summary>Keeps sessions under the hashes of their tokens.</summary>
sealed class SessionStore(Database database)
{
    public async Task AddAsync(
        byte[] tokenHash, Session session, string? client, IPAddress? address, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            """
            INSERT INTO sessions
                (token_hash, session_id, public_token, created_at, last_used_at, expires_at, client, address)
            VALUES ($1, $2, $3, $4, $4, $5, $6, $7)
            """);
        command.Parameters.Add(new() { Value = tokenHash });
        command.Parameters.Add(new() { Value = session.SessionId });
        command.Parameters.Add(new() { Value = session.Person.PublicToken });
        command.Parameters.Add(new() { Value = session.LastUsedAt });
        command.Parameters.Add(new() { Value = session.ExpiresAt });
        command.Parameters.Add(new() { Value = (object?)client ?? DBNull.Value });
        command.Parameters.Add(new() { Value = (object?)address ?? DBNull.Value });
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>The session of a token; null if there is none or it ended before <paramref name="now"/>.</summary>
    public async Task<Session?> FindAsync(byte[] tokenHash, DateTimeOffset now, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            """
            SELECT s.session_id, u.login, u.public_token, s.expires_at, s.last_used_at
            FROM sessions s JOIN users u USING (public_token)
            WHERE s.token_hash = $1 AND s.expires_at > $2
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

    /// <summary>Whether a session was neither ended nor trimmed.</summary>
    public async Task<bool> ExistsAsync(Guid sessionId, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand("SELECT 1 FROM sessions WHERE session_id = $1");
        command.Parameters.Add(new() { Value = sessionId });
        return await command.ExecuteScalarAsync(cancellation) is not null;
    }

    /// <summary>Notes a use of the session, which prolongs it.</summary>
    public async Task TouchAsync(
        Guid sessionId, DateTimeOffset now, DateTimeOffset expiresAt, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            "UPDATE sessions SET last_used_at = $2, expires_at = $3 WHERE session_id = $1");
        command.Parameters.Add(new() { Value = sessionId });
        command.Parameters.Add(new() { Value = now });
        command.Parameters.Add(new() { Value = expiresAt });
        await command.ExecuteNonQueryAsync(cancellation);
    }

    public async Task RemoveAsync(Guid sessionId, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand("DELETE FROM sessions WHERE session_id = $1");
        command.Parameters.Add(new() { Value = sessionId });
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Deletes the sessions of a user that ended before <paramref name="now"/>.</summary>
    public async Task TrimAsync(Guid publicToken, DateTimeOffset now, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            "DELETE FROM sessions WHERE public_token = $1 AND expires_at <= $2");
        command.Parameters.Add(new() { Value = publicToken });
        command.Parameters.Add(new() { Value = now });
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
