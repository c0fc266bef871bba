using Conclave.Protocol;
using Npgsql;

namespace Conclave.Server.Storage;

/// <summary>A registered user.</summary>
sealed record User(Person Person, DateTimeOffset RegisteredAt);

/// <summary>What came of a new password.</summary>
/// <param name="IsWrongIdentity">The account had the identity before its last one: nothing was done.</param>
/// <param name="Ended">The sessions that ended.</param>
sealed record PasswordChange(bool IsWrongIdentity, List<Guid> Ended);

/// <summary>Keeps users and their password hashes.</summary>
sealed class UserStore(Database database)
{
    /// <summary>Adds a user. False if the login is taken.</summary>
    public async Task<bool> AddAsync(Person person, string passwordHash, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            """
            INSERT INTO users (public_token, login, password_hash, registered_at) VALUES ($1, $2, $3, now())
            ON CONFLICT (login) DO NOTHING
            """);
        command.Parameters.Add(new() { Value = person.PublicToken });
        command.Parameters.Add(new() { Value = person.Login });
        command.Parameters.Add(new() { Value = passwordHash });
        return await command.ExecuteNonQueryAsync(cancellation) == 1;
    }

    public async Task<User?> FindAsync(string login, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            "SELECT login, public_token, registered_at FROM users WHERE login = $1 AND deleted_at IS NULL");
        command.Parameters.Add(new() { Value = login });
        return await ReadAsync(command, cancellation);
    }

    public async Task<User?> FindAsync(Guid publicToken, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            "SELECT login, public_token, registered_at FROM users WHERE public_token = $1");
        command.Parameters.Add(new() { Value = publicToken });
        return await ReadAsync(command, cancellation);
    }

    /// <summary>The stored hash of a user's password; null if there is no such user, or not any more.</summary>
    public async Task<string?> FindPasswordHashAsync(string login, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            "SELECT password_hash FROM users WHERE login = $1 AND disabled_at IS NULL");
        command.Parameters.Add(new() { Value = login });
        return (string?)await command.ExecuteScalarAsync(cancellation);
    }

    /// <summary>
    /// Puts a new password hash in place of the one that was verified, and ends every other session of the user.
    /// </summary>
    /// <returns>
    /// What came of it; null if the hash is another one by now, or the session is over, and nothing was done.
    /// </returns>
    public async Task<PasswordChange?> ChangePasswordAsync(
        Session current, string oldHash, string newHash, SealingAccount? sealing, DateTimeOffset now,
        CancellationToken cancellation)
    {
        await using var connection = await database.Source.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using (var change = new NpgsqlCommand(
            "UPDATE users SET password_hash = $3 WHERE public_token = $1 AND password_hash = $2", connection))
        {
            change.Parameters.Add(new() { Value = current.Person.PublicToken });
            change.Parameters.Add(new() { Value = oldHash });
            change.Parameters.Add(new() { Value = newHash });
            if (await change.ExecuteNonQueryAsync(cancellation) == 0)
                return null;
        }
        if (sealing is not null
            && !await IdentityStore.PutAsync(connection, current.Person.PublicToken, sealing, cancellation))
            return new PasswordChange(IsWrongIdentity: true, []);
        // Statements of their own, which see what was done while the user's row was waited for: a sign-in has added a
        // session, or a new identity has ended this one, and the vault that came with the password is of the old one.
        List<Guid> ended;
        await using (var end = new NpgsqlBatch(connection))
        {
            end.BatchCommands.Add(SessionStore.IsOpen(current, now));
            end.BatchCommands.Add(SessionStore.EndOthers(current, SessionEnd.PasswordChanged, now));
            await using var reader = await end.ExecuteReaderAsync(cancellation);
            await reader.ReadAsync(cancellation);
            if (!reader.GetBoolean(0))
                return null;
            await reader.NextResultAsync(cancellation);
            ended = await SessionStore.ReadIdsAsync(reader, cancellation);
        }
        await transaction.CommitAsync(cancellation);
        return new PasswordChange(IsWrongIdentity: false, ended);
    }

    static async Task<User?> ReadAsync(NpgsqlCommand command, CancellationToken cancellation)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        if (!await reader.ReadAsync(cancellation))
            return null;
        var person = new Person(reader.GetString(0), reader.GetGuid(1));
        return new User(person, reader.GetFieldValue<DateTimeOffset>(2));
    }
}
