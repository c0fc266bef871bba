using System.Runtime.CompilerServices;
using Conclave.Protocol;
using Npgsql;

namespace Conclave.Server.Storage;

/// <summary>What the operator sees of a user.</summary>
sealed record UserLine(Person Person, DateTimeOffset RegisteredAt)
{
    public DateTimeOffset? DisabledAt { get; init; }

    public DateTimeOffset? DeletedAt { get; init; }

    /// <summary>Lobbies of which the user is a member.</summary>
    public required long LobbyCount { get; init; }

    /// <summary>Sessions that go on.</summary>
    public required long SessionCount { get; init; }

    /// <summary>When one of them was last used.</summary>
    public DateTimeOffset? LastUsedAt { get; init; }
}

/// <summary>A user's place in a lobby, as it matters when they leave.</summary>
/// <param name="LobbyId">The lobby.</param>
/// <param name="Name">Its name.</param>
/// <param name="IsLastAdmin">Whether nobody else there has <c>admin</c>.</param>
/// <param name="OtherCount">How many other members there are.</param>
/// <param name="IsSealed">Whether only its members can change its roster.</param>
sealed record Membership(Guid LobbyId, string Name, bool IsLastAdmin, long OtherCount, bool IsSealed);

/// <summary>The users, as the operator reads and changes them.</summary>
sealed class UserLedger(Database database)
{
    // Only the old password opened the vault. Rosters go on naming the identity, and the user may get another.
    const string ForgetVault = "DELETE FROM vaults WHERE public_token = $1";

    const string RetireIdentity =
        "UPDATE identities SET is_current = false WHERE public_token = $1 AND is_current";

    public async IAsyncEnumerable<UserLine> ListAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            """
            SELECT u.login, u.public_token, u.registered_at, u.disabled_at, u.deleted_at, coalesce(m.count, 0),
                coalesce(s.count, 0), s.last_used_at
            FROM users u
            LEFT JOIN (SELECT public_token, count(*) FROM members GROUP BY public_token) m USING (public_token)
            LEFT JOIN (
                SELECT public_token, count(*), max(last_used_at) AS last_used_at FROM sessions
                WHERE ended IS NULL AND expires_at > now() GROUP BY public_token
            ) s USING (public_token)
            ORDER BY u.login
            """);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            yield return new UserLine(
                new Person(reader.GetString(0), reader.GetGuid(1)), reader.GetFieldValue<DateTimeOffset>(2))
            {
                DisabledAt = TimeAt(reader, 3),
                DeletedAt = TimeAt(reader, 4),
                LobbyCount = reader.GetInt64(5),
                SessionCount = reader.GetInt64(6),
                LastUsedAt = TimeAt(reader, 7),
            };
        }
    }

    /// <summary>The user with this login, also one who was deleted.</summary>
    public async Task<(Person Person, bool IsDeleted)?> FindAsync(string login, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            "SELECT login, public_token, deleted_at IS NOT NULL FROM users WHERE login = $1");
        command.Parameters.Add(new() { Value = login });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        return await reader.ReadAsync(cancellation)
            ? (new Person(reader.GetString(0), reader.GetGuid(1)), reader.GetBoolean(2))
            : null;
    }

    /// <summary>The user signs in no more, and all their sessions end. False if that was so already.</summary>
    public Task<bool> DisableAsync(Guid publicToken, CancellationToken cancellation) => ChangeAsync(
        "UPDATE users SET disabled_at = now() WHERE public_token = $1 AND disabled_at IS NULL",
        publicToken, cancellation);

    /// <summary>The user may sign in again. False if they might already.</summary>
    public Task<bool> EnableAsync(Guid publicToken, CancellationToken cancellation) => ChangeAsync(
        """
        UPDATE users SET disabled_at = NULL
        WHERE public_token = $1 AND disabled_at IS NOT NULL AND deleted_at IS NULL
        """,
        publicToken, cancellation);

    /// <summary>Another password; every session of the user ends, and the account has no identity any more.</summary>
    public async Task SetPasswordAsync(Guid publicToken, string passwordHash, CancellationToken cancellation)
    {
        await using var batch = database.Source.CreateBatch();
        batch.BatchCommands.Add(Statement.Of("UPDATE users SET password_hash = $2 WHERE public_token = $1",
            publicToken, passwordHash));
        batch.BatchCommands.Add(Statement.Of(
            """
            UPDATE sessions SET ended = 'password_changed', expires_at = least(expires_at, now())
            WHERE public_token = $1 AND ended IS NULL
            """,
            publicToken));
        batch.BatchCommands.Add(Statement.Of(ForgetVault, publicToken));
        batch.BatchCommands.Add(Statement.Of(RetireIdentity, publicToken));
        await batch.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>
    /// The account is gone: nobody signs in to it or invites it any more, and nothing is kept of how it was used.
    /// </summary>
    /// <param name="publicToken">Whose.</param>
    /// <param name="passwordHash">Of a password that nobody knows.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task DeleteAsync(Guid publicToken, string passwordHash, CancellationToken cancellation)
    {
        await using var batch = database.Source.CreateBatch();
        batch.BatchCommands.Add(Statement.Of(
            """
            UPDATE users SET password_hash = $2, disabled_at = coalesce(disabled_at, now()),
                deleted_at = coalesce(deleted_at, now())
            WHERE public_token = $1
            """,
            publicToken, passwordHash));
        batch.BatchCommands.Add(Statement.Of(
            "UPDATE sessions SET client = NULL, address = NULL WHERE public_token = $1", publicToken));
        batch.BatchCommands.Add(Statement.Of(ForgetVault, publicToken));
        batch.BatchCommands.Add(Statement.Of(RetireIdentity, publicToken));
        await batch.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>The lobbies of a user, by their names.</summary>
    public async Task<List<Membership>> MembershipsAsync(Guid publicToken, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            """
            SELECT l.lobby_id, l.name, m.rights & 8 <> 0 AND NOT EXISTS (
                    SELECT FROM members o
                    WHERE o.lobby_id = m.lobby_id AND o.public_token <> m.public_token AND o.rights & 8 <> 0),
                (SELECT count(*) - 1 FROM members o WHERE o.lobby_id = m.lobby_id), l.sealed
            FROM members m JOIN lobbies l USING (lobby_id)
            WHERE m.public_token = $1 AND l.deleted_at IS NULL ORDER BY l.name COLLATE "C"
            """);
        command.Parameters.Add(new() { Value = publicToken });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        List<Membership> memberships = [];
        while (await reader.ReadAsync(cancellation))
        {
            memberships.Add(new Membership(
                reader.GetGuid(0), reader.GetString(1), reader.GetBoolean(2), reader.GetInt64(3),
                reader.GetBoolean(4)));
        }
        return memberships;
    }

    async Task<bool> ChangeAsync(string statement, Guid publicToken, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(statement);
        command.Parameters.Add(new() { Value = publicToken });
        return await command.ExecuteNonQueryAsync(cancellation) == 1;
    }

    static DateTimeOffset? TimeAt(NpgsqlDataReader reader, int ordinal) =>
        reader.IsDBNull(ordinal) ? null : reader.GetFieldValue<DateTimeOffset>(ordinal);
}
