using System.Runtime.CompilerServices;
using Conclave.Protocol;
using Npgsql;

namespace Conclave.Server.Storage;

/// <summary>What the operator sees of a lobby. Nothing of what lies in it.</summary>
sealed record LobbyLine(Guid LobbyId, string Name, Person CreatedBy, DateTimeOffset CreatedAt)
{
    public required bool IsSealed { get; init; }

    /// <summary>The last entry, which is also how many there are.</summary>
    public required long LastSeq { get; init; }

    /// <summary>When that was sent.</summary>
    public required DateTimeOffset LastSentAt { get; init; }

    public required long MemberCount { get; init; }

    /// <summary>How many bytes its messages may take; null where the limit for all lobbies holds.</summary>
    public long? BytesMax { get; init; }

    /// <summary>Whether it was deleted: then only its id and names are kept.</summary>
    public required bool IsDeleted { get; init; }
}

/// <summary>What the messages of a user take.</summary>
readonly record struct UserUsage(string Login, long Messages, long Bytes, long LobbiesCreated);

/// <summary>The lobbies, as the operator reads and changes them.</summary>
sealed class LobbyLedger(Database database)
{
    /// <summary>A quota that no lobby reaches.</summary>
    public const long NoBytesMax = long.MaxValue;

    public async IAsyncEnumerable<LobbyLine> ListAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            """
            SELECT l.lobby_id, l.name, u.login, u.public_token, l.created_at, l.sealed, l.last_seq, l.last_sent_at,
                coalesce(m.count, 0), l.bytes_max, l.deleted_at IS NOT NULL
            FROM lobbies l JOIN users u ON u.public_token = l.created_by
            LEFT JOIN (SELECT lobby_id, count(*) FROM members GROUP BY lobby_id) m USING (lobby_id)
            ORDER BY l.name COLLATE "C"
            """);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
            yield return Read(reader);
    }

    /// <summary>The lobby with this canonical name, now or earlier, or with this id; null if there is none.</summary>
    public async Task<LobbyLine?> FindAsync(string? name, Guid? lobbyId, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            """
            SELECT l.lobby_id, l.name, u.login, u.public_token, l.created_at, l.sealed, l.last_seq, l.last_sent_at,
                (SELECT count(*) FROM members m WHERE m.lobby_id = l.lobby_id), l.bytes_max,
                l.deleted_at IS NOT NULL
            FROM lobbies l JOIN users u ON u.public_token = l.created_by
            WHERE l.lobby_id = coalesce((SELECT lobby_id FROM lobby_names WHERE name_key = $1), $2)
            """);
        command.Parameters.Add(new() { Value = name is null ? "" : LobbyName.Key(name) });
        command.Parameters.Add(new() { Value = lobbyId ?? Guid.Empty });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        return await reader.ReadAsync(cancellation) ? Read(reader) : null;
    }

    /// <summary>How many bytes the messages of each lobby take; lobbies without any are left out.</summary>
    public async Task<Dictionary<Guid, long>> BytesAsync(Guid? lobbyId, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            """
            SELECT lobby_id, sum(octet_length(body))::bigint FROM entries
            WHERE body IS NOT NULL AND kind = 6 AND ($1::uuid IS NULL OR lobby_id = $1) GROUP BY lobby_id
            """);
        command.Parameters.Add(new() { Value = (object?)lobbyId ?? DBNull.Value });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        Dictionary<Guid, long> bytes = [];
        while (await reader.ReadAsync(cancellation))
            bytes.Add(reader.GetGuid(0), reader.GetInt64(1));
        return bytes;
    }

    public async IAsyncEnumerable<(string Login, Rights Rights, DateTimeOffset Since)> MembersAsync(
        Guid lobbyId, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            """
            SELECT u.login, m.rights, m.since FROM members m JOIN users u USING (public_token)
            WHERE m.lobby_id = $1 ORDER BY u.login
            """);
        command.Parameters.Add(new() { Value = lobbyId });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
            yield return (reader.GetString(0), (Rights)reader.GetInt16(1), reader.GetFieldValue<DateTimeOffset>(2));
    }

    /// <summary>What each user takes, those who take most first.</summary>
    public async IAsyncEnumerable<UserUsage> UsageAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            """
            SELECT u.login, coalesce(e.count, 0), coalesce(e.bytes, 0), coalesce(c.count, 0)
            FROM users u
            LEFT JOIN (
                SELECT author AS public_token, count(*), sum(octet_length(body))::bigint AS bytes FROM entries
                WHERE body IS NOT NULL AND kind = 6 GROUP BY author
            ) e USING (public_token)
            LEFT JOIN (
                SELECT created_by AS public_token, count(*) FROM lobbies WHERE deleted_at IS NULL GROUP BY created_by
            ) c USING (public_token)
            ORDER BY 3 DESC, 1
            """);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            yield return new UserUsage(
                reader.GetString(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3));
        }
    }

    /// <summary>Sets how many bytes a lobby's messages may take; null for the limit of all lobbies.</summary>
    public async Task SetBytesMaxAsync(Guid lobbyId, long? bytesMax, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            "UPDATE lobbies SET bytes_max = $2::bigint WHERE lobby_id = $1");
        command.Parameters.Add(new() { Value = lobbyId });
        command.Parameters.Add(new() { Value = (object?)bytesMax ?? DBNull.Value });
        await command.ExecuteNonQueryAsync(cancellation);
    }

    static LobbyLine Read(NpgsqlDataReader reader) => new(
        reader.GetGuid(0),
        reader.GetString(1),
        new Person(reader.GetString(2), reader.GetGuid(3)),
        reader.GetFieldValue<DateTimeOffset>(4))
    {
        IsSealed = reader.GetBoolean(5),
        LastSeq = reader.GetInt64(6),
        LastSentAt = reader.GetFieldValue<DateTimeOffset>(7),
        MemberCount = reader.GetInt64(8),
        BytesMax = reader.IsDBNull(9) ? null : reader.GetInt64(9),
        IsDeleted = reader.GetBoolean(10),
    };
}
