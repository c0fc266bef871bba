using Conclave.Protocol;
using Conclave.Roster;

namespace Conclave.Server.Storage;

/// <summary>Which keys of a sealed lobby a member may have.</summary>
/// <param name="Fingerprint">The identity that the roster names.</param>
/// <param name="FirstGeneration">The first key.</param>
/// <param name="Generation">The newest one that there is.</param>
readonly record struct KeyEntitlement(byte[] Fingerprint, long FirstGeneration, long Generation);

/// <summary>Keeps the keys of sealed lobbies as they were wrapped for members; nothing here opens one.</summary>
sealed class KeyStore(Database database)
{
    // Of one key for one identity, when they are handed out to repair.
    const int CopiesMax = 4;

    /// <summary>Those of one member after a generation, ascending.</summary>
    public async Task<List<GenerationWrap>> FindAsync(
        Guid lobbyId, Guid publicToken, long after, int countMax, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            """
            SELECT w.generation, w.wrap
            FROM members m JOIN key_wraps w ON w.lobby_id = m.lobby_id AND w.recipient = m.fingerprint
            WHERE m.lobby_id = $1 AND m.public_token = $2 AND w.generation > $3
            ORDER BY w.generation, w.number LIMIT $4
            """);
        command.Parameters.Add(new() { Value = lobbyId });
        command.Parameters.Add(new() { Value = publicToken });
        command.Parameters.Add(new() { Value = after });
        command.Parameters.Add(new() { Value = countMax });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        List<GenerationWrap> wraps = [];
        while (await reader.ReadAsync(cancellation))
        {
            wraps.Add(new GenerationWrap(
                reader.GetInt64(0), Base64Text.Encode(reader.GetFieldValue<byte[]>(1))));
        }
        return wraps;
    }

    /// <summary>Which keys a member may have; null for somebody who is none.</summary>
    public async Task<KeyEntitlement?> EntitlementAsync(
        Guid lobbyId, Guid publicToken, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            """
            SELECT m.fingerprint, m.first_generation, l.generation
            FROM members m JOIN lobbies l USING (lobby_id) WHERE m.lobby_id = $1 AND m.public_token = $2
            """);
        command.Parameters.Add(new() { Value = lobbyId });
        command.Parameters.Add(new() { Value = publicToken });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        return await reader.ReadAsync(cancellation)
            ? new KeyEntitlement(reader.GetFieldValue<byte[]>(0), reader.GetInt64(1), reader.GetInt64(2))
            : null;
    }

    /// <summary>The public tokens of the members.</summary>
    public async Task<List<Guid>> MembersAsync(Guid lobbyId, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            "SELECT public_token FROM members WHERE lobby_id = $1");
        command.Parameters.Add(new() { Value = lobbyId });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        List<Guid> members = [];
        while (await reader.ReadAsync(cancellation))
            members.Add(reader.GetGuid(0));
        return members;
    }

    /// <summary>Whether an identity may get one more copy of a key.</summary>
    public async Task<bool> HasPlaceAsync(
        Guid lobbyId, byte[] recipient, long generation, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            "SELECT count(*) < $4 FROM key_wraps WHERE lobby_id = $1 AND recipient = $2 AND generation = $3");
        command.Parameters.Add(new() { Value = lobbyId });
        command.Parameters.Add(new() { Value = recipient });
        command.Parameters.Add(new() { Value = generation });
        command.Parameters.Add(new() { Value = CopiesMax });
        return await command.ExecuteScalarAsync(cancellation) is true;
    }

    /// <summary>
    /// Adds a copy of a key to those that an identity has of it. One that is there already need not be added.
    /// </summary>
    /// <returns>False if there are as many copies as may be.</returns>
    public async Task<bool> TryAddAsync(
        Guid lobbyId, byte[] recipient, long generation, ReadOnlyMemory<byte> wrap, CancellationToken cancellation)
    {
        // Of copies that come at one time one gets the place, and the others look for the next.
        for (var attempt = 0; attempt < CopiesMax; attempt++)
        {
            await using var command = database.Source.CreateCommand(
                """
                WITH there AS (
                    SELECT count(*) AS copies, coalesce(max(number), 0) AS last,
                        coalesce(bool_or(wrap = $4), false) AS same
                    FROM key_wraps WHERE lobby_id = $1 AND recipient = $2 AND generation = $3
                ), added AS (
                    INSERT INTO key_wraps (lobby_id, recipient, generation, number, wrap)
                    SELECT $1, $2, $3, last + 1, $4 FROM there WHERE copies < $5 AND NOT same
                    ON CONFLICT DO NOTHING RETURNING 1
                )
                SELECT same OR EXISTS (SELECT FROM added), copies >= $5 FROM there
                """);
            command.Parameters.Add(new() { Value = lobbyId });
            command.Parameters.Add(new() { Value = recipient });
            command.Parameters.Add(new() { Value = generation });
            command.Parameters.Add(new() { Value = wrap });
            command.Parameters.Add(new() { Value = CopiesMax });
            await using var reader = await command.ExecuteReaderAsync(cancellation);
            await reader.ReadAsync(cancellation);
            if (reader.GetBoolean(0))
                return true;
            if (reader.GetBoolean(1))
                return false;
        }
        return false;
    }
}
