using Conclave.Protocol;
using Conclave.Roster;
using Npgsql;

namespace Conclave.Server.Storage;

/// <summary>What makes an account one that seals, as it is stored. A class: a record would print the vault.</summary>
sealed class SealingAccount
{
    public required KdfParameters Kdf { get; init; }

    /// <summary>Not as the client sent it, but locked once more.</summary>
    public required byte[] Vault { get; init; }

    /// <summary>Null where the account keeps the one it has.</summary>
    public IdentityRecord? Identity { get; init; }
}

/// <summary>The identity of an account, and those before it, newest first, that signed the one after them.</summary>
sealed record AccountIdentity(byte[] Record, IReadOnlyList<(byte[] Record, byte[] Succession)> Previous)
{
    /// <summary>As it is told.</summary>
    public IdentityPart ToPart() => new(
        Base64Text.Encode(Record),
        [.. Previous.Select(identity => new PreviousIdentity(
            Base64Text.Encode(identity.Record), Base64Text.Encode(identity.Succession)))]);
}

/// <summary>What became of a new identity.</summary>
enum IdentityReset
{
    Done,

    /// <summary>The password is another one by now.</summary>
    PasswordChanged,

    /// <summary>The account has none that could be replaced.</summary>
    IsPlain,

    /// <summary>It is one that the account had before, or the one before it has not signed this.</summary>
    IsWrong,
}

/// <summary>Keeps what the server knows of identities: public records and locked vaults.</summary>
sealed class IdentityStore(Database database)
{
    // A reply stays small, whatever an account did. Older ones are kept all the same: rosters may name them.
    const int PreviousMax = 16;

    const string AddUser =
        """
        WITH added AS (
            INSERT INTO users (public_token, login, password_hash, registered_at) VALUES ($1, $2, $3, now())
            ON CONFLICT (login) DO NOTHING RETURNING public_token
        ), identity AS (
            INSERT INTO identities (fingerprint, public_token, number, record, is_current)
            SELECT $4, public_token, 1, $5, true FROM added
        )
        INSERT INTO vaults (public_token, salt, ops, mem, vault) SELECT public_token, $6, $7, $8, $9 FROM added
        """;

    const string AddIdentity =
        """
        INSERT INTO identities (fingerprint, public_token, number, record, is_current)
        SELECT $1, $2, coalesce(max(number), 0) + 1, $3, true FROM identities WHERE public_token = $2
        """;

    // Where the old password was lost, the account had no identity for a while. The one it had last comes back; an
    // earlier one does not, since whoever pinned a later one would see it come back.
    const string AddOrTakeBackIdentity =
        AddIdentity +
        """

        ON CONFLICT (fingerprint) DO UPDATE SET is_current = true
        WHERE identities.public_token = excluded.public_token AND identities.number = excluded.number - 1
        """;

    const string PutVault =
        """
        INSERT INTO vaults (public_token, salt, ops, mem, vault) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (public_token) DO UPDATE SET
            salt = excluded.salt, ops = excluded.ops, mem = excluded.mem, vault = excluded.vault
        """;

    /// <summary>Adds a user who has an identity. False if the login is taken.</summary>
    public async Task<bool> AddUserAsync(
        Person person, string passwordHash, SealingAccount account, CancellationToken cancellation)
    {
        await using var batch = database.Source.CreateBatch();
        var identity = account.Identity!;
        batch.BatchCommands.Add(Statement.Of(
            AddUser, person.PublicToken, person.Login, passwordHash, identity.Fingerprint.Bytes.ToArray(),
            identity.Bytes.ToArray(), account.Kdf.Salt.ToArray(), account.Kdf.Ops, account.Kdf.Mem, account.Vault));
        return await batch.ExecuteNonQueryAsync(cancellation) == 1;
    }

    /// <summary>Puts what comes with a new password, in the transaction that changes it.</summary>
    /// <returns>False if the identity is one that the account had before its last.</returns>
    public static async Task<bool> PutAsync(
        NpgsqlConnection connection, Guid publicToken, SealingAccount account, CancellationToken cancellation)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(Statement.Of(
            PutVault, publicToken, account.Kdf.Salt.ToArray(), account.Kdf.Ops, account.Kdf.Mem, account.Vault));
        if (account.Identity is { } identity)
        {
            batch.BatchCommands.Add(Statement.Of(
                AddOrTakeBackIdentity, identity.Fingerprint.Bytes.ToArray(), publicToken, identity.Bytes.ToArray()));
        }
        return await batch.ExecuteNonQueryAsync(cancellation) == batch.BatchCommands.Count;
    }

    /// <summary>
    /// The derivation of a login's password, null for a plain account; and whether there is such a user.
    /// </summary>
    public async Task<(bool IsUser, KdfRecord? Kdf)> FindKdfAsync(string login, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            """
            SELECT v.salt, v.ops, v.mem FROM users u LEFT JOIN vaults v USING (public_token)
            WHERE u.login = $1 AND u.deleted_at IS NULL
            """);
        command.Parameters.Add(new() { Value = login });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        if (!await reader.ReadAsync(cancellation))
            return (false, null);
        if (reader.IsDBNull(0))
            return (true, null);
        var salt = Base64Text.Encode(reader.GetFieldValue<byte[]>(0));
        return (true, new KdfRecord(KdfParameters.Version, salt, reader.GetInt32(1), reader.GetInt32(2)));
    }

    /// <summary>
    /// The locked vault of an account while its password has this hash, and the identity whose seed is in it; null
    /// without a vault.
    /// </summary>
    public async Task<(byte[] Vault, AccountIdentity? Identity)?> FindVaultAsync(
        Guid publicToken, string passwordHash, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            """
            SELECT i.record, i.succession, i.is_current, v.vault
            FROM vaults v JOIN users u USING (public_token) LEFT JOIN identities i USING (public_token)
            WHERE v.public_token = $1 AND u.password_hash = $3 ORDER BY i.number DESC LIMIT $2
            """);
        command.Parameters.Add(new() { Value = publicToken });
        command.Parameters.Add(new() { Value = PreviousMax + 1 });
        command.Parameters.Add(new() { Value = passwordHash });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        if (!await reader.ReadAsync(cancellation))
            return null;
        return (reader.GetFieldValue<byte[]>(3), await ReadAsync(reader, cancellation));
    }

    /// <summary>Whether an account has a vault.</summary>
    public async Task<bool> IsSealingAsync(Guid publicToken, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            "SELECT EXISTS (SELECT FROM vaults WHERE public_token = $1)");
        command.Parameters.Add(new() { Value = publicToken });
        return await command.ExecuteScalarAsync(cancellation) is true;
    }

    /// <summary>The identity of an account; null for a plain one.</summary>
    public async Task<AccountIdentity?> FindAsync(Guid publicToken, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            """
            SELECT record, succession, is_current FROM identities
            WHERE public_token = $1 ORDER BY number DESC LIMIT $2
            """);
        command.Parameters.Add(new() { Value = publicToken });
        command.Parameters.Add(new() { Value = PreviousMax + 1 });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        return await reader.ReadAsync(cancellation) ? await ReadAsync(reader, cancellation) : null;
    }

    // From the row of the newest on: record, succession, is_current.
    static async Task<AccountIdentity?> ReadAsync(NpgsqlDataReader reader, CancellationToken cancellation)
    {
        if (reader.IsDBNull(2) || !reader.GetBoolean(2))
            return null;
        var current = reader.GetFieldValue<byte[]>(0);
        List<(byte[] Record, byte[] Succession)> previous = [];
        while (await reader.ReadAsync(cancellation) && !reader.IsDBNull(1))
            previous.Add((reader.GetFieldValue<byte[]>(0), reader.GetFieldValue<byte[]>(1)));
        return new AccountIdentity(current, previous);
    }

    /// <summary>
    /// Puts another identity in the place of an account's, and ends every other session of the user. The one that is
    /// there already only gets the vault, so that whoever lost the answer can ask again.
    /// </summary>
    /// <returns>What became of it, and the sessions that ended.</returns>
    public async Task<(IdentityReset Outcome, List<Guid> Ended)> ResetAsync(
        Session current, string passwordHash, (IdentityRecord Next, byte[]? Succession, byte[] Vault) brought,
        DateTimeOffset now, CancellationToken cancellation)
    {
        var person = current.Person;
        var (next, succession, vault) = brought;
        await using var connection = await database.Source.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var (isCurrent, record) = await LockAsync(connection, person, passwordHash, cancellation);
        if (!isCurrent)
            return (IdentityReset.PasswordChanged, []);
        if (record is null)
            return (IdentityReset.IsPlain, []);
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(Statement.Of(
            "UPDATE vaults SET vault = $2 WHERE public_token = $1", person.PublicToken, vault));
        if (!next.Bytes.SequenceEqual(record))
        {
            if (succession is not null && !IsSigned(person.Login, record, next, succession))
                return (IdentityReset.IsWrong, []);
            batch.BatchCommands.Add(Statement.Of(
                "UPDATE identities SET is_current = false, succession = $2 WHERE public_token = $1 AND is_current",
                person.PublicToken, succession ?? (object)DBNull.Value));
            batch.BatchCommands.Add(Statement.Of(
                AddIdentity, next.Fingerprint.Bytes.ToArray(), person.PublicToken, next.Bytes.ToArray()));
        }
        batch.BatchCommands.Add(SessionStore.EndOthers(current, SessionEnd.Revoked, now));
        List<Guid> ended;
        try
        {
            // Only the last statement gives rows.
            await using var reader = await batch.ExecuteReaderAsync(cancellation);
            ended = await SessionStore.ReadIdsAsync(reader, cancellation);
        }
        catch (PostgresException fault) when (fault.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            // The account had it before: whoever pinned a later one would see it come back.
            return (IdentityReset.IsWrong, []);
        }
        await transaction.CommitAsync(cancellation);
        return (IdentityReset.Done, ended);
    }

    // The user's row, so that changes of one account come one after the other.
    static async Task<(bool IsCurrent, byte[]? Record)> LockAsync(
        NpgsqlConnection connection, Person person, string passwordHash, CancellationToken cancellation)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(Statement.Of(
            "SELECT 1 FROM users WHERE public_token = $1 AND password_hash = $2 FOR NO KEY UPDATE",
            person.PublicToken, passwordHash));
        batch.BatchCommands.Add(Statement.Of(
            """
            SELECT i.record FROM identities i JOIN vaults v USING (public_token)
            WHERE i.public_token = $1 AND i.is_current
            """,
            person.PublicToken));
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        var isCurrent = await reader.ReadAsync(cancellation);
        await reader.NextResultAsync(cancellation);
        return (isCurrent, await reader.ReadAsync(cancellation) ? reader.GetFieldValue<byte[]>(0) : null);
    }

    static bool IsSigned(string login, byte[] record, IdentityRecord next, byte[] succession) =>
        IdentityRecord.Accept(login, record, out var last) == Roster.Verdict.Accepted
        && last!.CheckSuccession(next, succession) == Roster.Verdict.Accepted;
}
