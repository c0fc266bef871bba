using System.Data;
using System.Runtime.CompilerServices;
using Conclave.Protocol;
using Conclave.Roster;
using Npgsql;

namespace Conclave.Server.Storage;

/// <summary>A lobby as its row says.</summary>
sealed class AuditedLobby
{
    public required Guid LobbyId { get; init; }

    public required string Name { get; init; }

    public required Guid CreatedBy { get; init; }

    public required bool IsSealed { get; init; }

    /// <summary>Whether it was deleted: a stub that keeps its names, and perhaps rows that are still to go.</summary>
    public required bool IsDeleted { get; init; }

    /// <summary>Null when it was deleted.</summary>
    public required byte[]? WrappedKey { get; init; }

    public required long LastSeq { get; init; }

    public required DateTimeOffset LastSentAt { get; init; }

    /// <summary>What its messages take, in bytes.</summary>
    public required long Bytes { get; init; }
}

/// <summary>An entry as its row says.</summary>
sealed class AuditedEntry
{
    public required long Seq { get; init; }

    public required EntryKind Kind { get; init; }

    public required Guid Author { get; init; }

    public required DateTimeOffset SentAt { get; init; }

    public required Guid Nonce { get; init; }

    public Guid? Member { get; init; }

    public Rights? Rights { get; init; }

    public string? Name { get; init; }

    /// <summary>As it is stored; null where there is none.</summary>
    public byte[]? Body { get; init; }

    /// <summary>In a sealed lobby: the hash of the row, also when its body is gone.</summary>
    public byte[]? RowHash { get; init; }

    /// <summary>In a sealed lobby: the transcript's value.</summary>
    public byte[]? Hash { get; init; }

    /// <summary>Whether there are such users.</summary>
    public required bool AreKnown { get; init; }
}

/// <summary>A member as the table of members says.</summary>
sealed record AuditedMember(Rights Rights, long SinceSeq, DateTimeOffset Since);

/// <summary>What the tables say of the roster of a sealed lobby.</summary>
/// <param name="Generation">The newest generation of keys.</param>
/// <param name="Height">How many places of entries are known.</param>
/// <param name="Fingerprints">The identity of each member.</param>
sealed record AuditedRoster(long Generation, long Height, IReadOnlyDictionary<Guid, byte[]> Fingerprints);

/// <summary>Reads all logs as they are stored at one moment, and trusts nothing of them.</summary>
sealed class LogAudit : IAsyncDisposable
{
    readonly NpgsqlConnection _connection;
    readonly NpgsqlTransaction _transaction;

    LogAudit(NpgsqlConnection connection, NpgsqlTransaction transaction)
    {
        _connection = connection;
        _transaction = transaction;
    }

    public static async Task<LogAudit> OpenAsync(Database database, CancellationToken cancellation)
    {
        var connection = await database.Apart.OpenConnectionAsync(cancellation);
        var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellation);
        // Whoever reads the findings page by page may take their time.
        await using var patience = new NpgsqlCommand("SET LOCAL idle_in_transaction_session_timeout = 0", connection);
        await patience.ExecuteNonQueryAsync(cancellation);
        return new LogAudit(connection, transaction);
    }

    public async Task<List<AuditedLobby>> LobbiesAsync(CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            """
            SELECT lobby_id, name, created_by, sealed, wrapped_key, last_seq, last_sent_at, deleted_at IS NOT NULL,
                bytes
            FROM lobbies ORDER BY lobby_id
            """,
            _connection);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        List<AuditedLobby> lobbies = [];
        while (await reader.ReadAsync(cancellation))
        {
            lobbies.Add(new AuditedLobby
            {
                LobbyId = reader.GetGuid(0),
                Name = reader.GetString(1),
                CreatedBy = reader.GetGuid(2),
                IsSealed = reader.GetBoolean(3),
                WrappedKey = reader.IsDBNull(4) ? null : reader.GetFieldValue<byte[]>(4),
                LastSeq = reader.GetInt64(5),
                LastSentAt = reader.GetFieldValue<DateTimeOffset>(6),
                IsDeleted = reader.GetBoolean(7),
                Bytes = reader.GetInt64(8),
            });
        }
        return lobbies;
    }

    /// <summary>The log of a lobby, ascending.</summary>
    public async IAsyncEnumerable<AuditedEntry> EntriesAsync(
        Guid lobbyId, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            """
            SELECT e.seq, e.kind, e.author, e.sent_at, e.nonce, e.member, e.rights, e.name, e.body,
                a.public_token IS NOT NULL AND (e.member IS NULL OR m.public_token IS NOT NULL), e.row_hash, e.hash
            FROM entries e LEFT JOIN users a ON a.public_token = e.author
            LEFT JOIN users m ON m.public_token = e.member
            WHERE e.lobby_id = $1 ORDER BY e.seq
            """,
            _connection);
        command.Parameters.Add(new() { Value = lobbyId });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            yield return new AuditedEntry
            {
                Seq = reader.GetInt64(0),
                Kind = (EntryKind)reader.GetInt16(1),
                Author = reader.GetGuid(2),
                SentAt = reader.GetFieldValue<DateTimeOffset>(3),
                Nonce = reader.GetGuid(4),
                Member = reader.IsDBNull(5) ? null : reader.GetGuid(5),
                Rights = reader.IsDBNull(6) ? null : (Rights)reader.GetInt16(6),
                Name = reader.IsDBNull(7) ? null : reader.GetString(7),
                Body = reader.IsDBNull(8) ? null : reader.GetFieldValue<byte[]>(8),
                AreKnown = reader.GetBoolean(9),
                RowHash = reader.IsDBNull(10) ? null : reader.GetFieldValue<byte[]>(10),
                Hash = reader.IsDBNull(11) ? null : reader.GetFieldValue<byte[]>(11),
            };
        }
    }

    public async Task<Dictionary<Guid, AuditedMember>> MembersAsync(Guid lobbyId, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            "SELECT public_token, rights, since_seq, since FROM members WHERE lobby_id = $1", _connection);
        command.Parameters.Add(new() { Value = lobbyId });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        Dictionary<Guid, AuditedMember> members = [];
        while (await reader.ReadAsync(cancellation))
        {
            members.Add(reader.GetGuid(0), new AuditedMember(
                (Rights)reader.GetInt16(1), reader.GetInt64(2), reader.GetFieldValue<DateTimeOffset>(3)));
        }
        return members;
    }

    /// <summary>The identities that entries of a sealed lobby's roster may name, as far as they are accepted.</summary>
    public async Task<Dictionary<Digest, IdentityRecord>> IdentitiesAsync(
        Guid lobbyId, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            """
            SELECT u.login, i.record FROM identities i JOIN users u USING (public_token)
            WHERE i.public_token IN (
                SELECT author FROM entries WHERE lobby_id = $1 AND kind <> 6
                UNION SELECT member FROM entries WHERE lobby_id = $1 AND member IS NOT NULL)
            """,
            _connection);
        command.Parameters.Add(new() { Value = lobbyId });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        Dictionary<Digest, IdentityRecord> identities = [];
        while (await reader.ReadAsync(cancellation))
        {
            IdentityRecord.Accept(reader.GetString(0), reader.GetFieldValue<byte[]>(1), out var identity);
            if (identity is not null)
                identities[identity.Fingerprint] = identity;
        }
        return identities;
    }

    /// <summary>What the tables say of a sealed lobby's roster.</summary>
    public async Task<AuditedRoster> RosterAsync(Guid lobbyId, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            """
            SELECT coalesce(l.generation, 0), (SELECT count(*) FROM roster_rows r WHERE r.lobby_id = l.lobby_id),
                m.public_token, m.fingerprint
            FROM lobbies l LEFT JOIN members m USING (lobby_id) WHERE l.lobby_id = $1
            """,
            _connection);
        command.Parameters.Add(new() { Value = lobbyId });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        Dictionary<Guid, byte[]> fingerprints = [];
        var (generation, height) = (0L, 0L);
        while (await reader.ReadAsync(cancellation))
        {
            (generation, height) = (reader.GetInt64(0), reader.GetInt64(1));
            if (!reader.IsDBNull(2))
                fingerprints[reader.GetGuid(2)] = reader.IsDBNull(3) ? [] : reader.GetFieldValue<byte[]>(3);
        }
        return new AuditedRoster(generation, height, fingerprints);
    }

    /// <summary>Every name that is kept, and the lobby it leads to.</summary>
    public async Task<Dictionary<string, Guid>> NamesAsync(CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand("SELECT name_key, lobby_id FROM lobby_names", _connection);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        Dictionary<string, Guid> names = new(StringComparer.Ordinal);
        while (await reader.ReadAsync(cancellation))
            names.Add(reader.GetString(0), reader.GetGuid(1));
        return names;
    }

    public async ValueTask DisposeAsync()
    {
        await _transaction.DisposeAsync();
        await _connection.DisposeAsync();
    }
}
