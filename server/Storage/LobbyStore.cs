using System.Collections.Concurrent;
using Conclave.Protocol;

namespace Conclave.Server.Storage;

/// <summary>What anybody may know of a lobby.</summary>
sealed record LobbyDescription(
    Guid LobbyId, string Name, Person CreatedBy, DateTimeOffset CreatedAt, bool IsSealed);

/// <summary>Keeps lobbies, their names and their keys; says who is in them.</summary>
sealed class LobbyStore(Database database, MasterKey masterKey)
{
    // What is kept here never changes until the lobby is deleted, and then it is forgotten. Full, it starts anew:
    // filling it again costs one look-up a lobby.
    const int CachedMax = 100_000;

    /// <summary>Elements in one reply, so that it stays below 1 MiB with names of the greatest size.</summary>
    public const int OwnLobbiesMax = 1000;

    /// <summary>Elements in one reply, so that it stays below 1 MiB with logins of the greatest size.</summary>
    public const int MembersMax = 4000;

    readonly ConcurrentDictionary<string, Guid> _idsByName = new(StringComparer.Ordinal);
    readonly ConcurrentDictionary<Guid, LobbyInfo> _lobbies = new();
    long _forgotten;

    /// <summary>Draws the id and the key of a lobby to be created, and the key as it is stored.</summary>
    public (LobbyInfo Lobby, byte[] WrappedKey) Draw()
    {
        var lobbyId = Guid.CreateVersion7();
        var wrapped = masterKey.WrapNewLobbyKey(lobbyId, out var key);
        return (new LobbyInfo(lobbyId, isSealed: false, key), wrapped);
    }

    /// <summary>The same for a sealed lobby, whose id its creator has made.</summary>
    public (LobbyInfo Lobby, byte[] WrappedKey) DrawSealed(Guid lobbyId)
    {
        var wrapped = masterKey.WrapNewLobbyKey(lobbyId, out var key);
        return (new LobbyInfo(lobbyId, isSealed: true, key), wrapped);
    }

    /// <summary>The lobby with this (canonical) name, now or earlier; null if there is none.</summary>
    public async ValueTask<LobbyInfo?> FindAsync(string name, CancellationToken cancellation)
    {
        var nameKey = LobbyName.Key(name);
        if (!_idsByName.TryGetValue(nameKey, out var lobbyId))
        {
            await using var command = database.Source.CreateCommand(
                "SELECT lobby_id FROM lobby_names WHERE name_key = $1");
            command.Parameters.Add(new() { Value = nameKey });
            if (await command.ExecuteScalarAsync(cancellation) is not Guid found)
                return null;
            lobbyId = found;
            if (_idsByName.Count >= CachedMax)
                _idsByName.Clear();
            _idsByName[nameKey] = lobbyId;
        }
        return await FindAsync(lobbyId, cancellation);
    }

    /// <summary>The lobby with this id; null if there is none, or none any more.</summary>
    public async ValueTask<LobbyInfo?> FindAsync(Guid lobbyId, CancellationToken cancellation)
    {
        if (_lobbies.TryGetValue(lobbyId, out var known))
            return known;
        var forgotten = Interlocked.Read(ref _forgotten);
        await using var command = database.Source.CreateCommand(
            "SELECT sealed, wrapped_key FROM lobbies WHERE lobby_id = $1 AND deleted_at IS NULL");
        command.Parameters.Add(new() { Value = lobbyId });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        if (!await reader.ReadAsync(cancellation))
            return null;
        var key = masterKey.UnwrapLobbyKey(lobbyId, reader.GetFieldValue<byte[]>(1));
        var lobby = new LobbyInfo(lobbyId, reader.GetBoolean(0), key);
        if (_lobbies.Count >= CachedMax)
            _lobbies.Clear();
        lobby = _lobbies.GetOrAdd(lobbyId, lobby);
        // It may have been deleted, and forgotten, while it was looked up.
        if (forgotten != Interlocked.Read(ref _forgotten))
            _lobbies.TryRemove(lobbyId, out _);
        return lobby;
    }

    /// <summary>A lobby was deleted: here it is no more.</summary>
    public void Forget(Guid lobbyId)
    {
        Interlocked.Increment(ref _forgotten);
        _lobbies.TryRemove(lobbyId, out _);
    }

    /// <summary>
    /// How many lobbies a user has created that were not deleted; counts no further than to
    /// <paramref name="countMax"/>.
    /// </summary>
    public async Task<long> CountCreatedAsync(Guid publicToken, int countMax, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            "SELECT count(*) FROM (SELECT FROM lobbies WHERE created_by = $1 AND deleted_at IS NULL LIMIT $2) l");
        command.Parameters.Add(new() { Value = publicToken });
        command.Parameters.Add(new() { Value = countMax });
        return (long)(await command.ExecuteScalarAsync(cancellation))!;
    }

    /// <summary>Whether the author has put an entry with this nonce into the lobby's log before.</summary>
    public async Task<bool> HasEntryAsync(
        LobbyInfo lobby, Person author, Guid nonce, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            "SELECT 1 FROM entries WHERE lobby_id = $1 AND author = $2 AND nonce = $3");
        command.Parameters.Add(new() { Value = lobby.LobbyId });
        command.Parameters.Add(new() { Value = author.PublicToken });
        command.Parameters.Add(new() { Value = nonce });
        return await command.ExecuteScalarAsync(cancellation) is not null;
    }

    public async Task<LobbyDescription?> DescribeAsync(Guid lobbyId, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            """
            SELECT l.name, u.login, u.public_token, l.created_at, l.sealed
            FROM lobbies l JOIN users u ON u.public_token = l.created_by
            WHERE l.lobby_id = $1 AND l.deleted_at IS NULL
            """);
        command.Parameters.Add(new() { Value = lobbyId });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        if (!await reader.ReadAsync(cancellation))
            return null;
        return new LobbyDescription(
            lobbyId,
            reader.GetString(0),
            new Person(reader.GetString(1), reader.GetGuid(2)),
            reader.GetFieldValue<DateTimeOffset>(3),
            reader.GetBoolean(4));
    }

    /// <summary>Where a user stands in a lobby now; null if there is no such lobby.</summary>
    public async Task<Standing?> StandingAsync(Guid lobbyId, Guid publicToken, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            """
            SELECT l.last_seq, l.name, coalesce(m.rights, 0::smallint), coalesce(m.since_seq, 0), l.erasures
            FROM lobbies l LEFT JOIN members m ON m.lobby_id = l.lobby_id AND m.public_token = $2
            WHERE l.lobby_id = $1 AND l.deleted_at IS NULL
            """);
        command.Parameters.Add(new() { Value = lobbyId });
        command.Parameters.Add(new() { Value = publicToken });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        if (!await reader.ReadAsync(cancellation))
            return null;
        return new Standing(
            reader.GetInt64(0), reader.GetString(1), (Rights)reader.GetInt16(2), reader.GetInt64(3))
        { Erasures = reader.GetInt64(4) };
    }

    /// <summary>
    /// The lobbies of a user after the name <paramref name="after"/>, in the order of the names' bytes; one more than
    /// <see cref="OwnLobbiesMax"/> if there are more.
    /// </summary>
    public async Task<List<OwnLobby>> ListAsync(Guid publicToken, string? after, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            """
            SELECT l.lobby_id, l.name, m.rights, u.login, u.public_token, l.last_seq, l.sealed
            FROM members m JOIN lobbies l USING (lobby_id) JOIN users u ON u.public_token = l.created_by
            WHERE m.public_token = $1 AND l.deleted_at IS NULL AND l.name COLLATE "C" > $2
            ORDER BY l.name COLLATE "C" LIMIT $3
            """);
        command.Parameters.Add(new() { Value = publicToken });
        command.Parameters.Add(new() { Value = after ?? "" });
        command.Parameters.Add(new() { Value = OwnLobbiesMax + 1 });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        List<OwnLobby> lobbies = [];
        while (await reader.ReadAsync(cancellation))
        {
            lobbies.Add(new OwnLobby(
                reader.GetGuid(0),
                reader.GetString(1),
                (Rights)reader.GetInt16(2),
                new Person(reader.GetString(3), reader.GetGuid(4)),
                reader.GetInt64(5),
                reader.GetBoolean(6)));
        }
        return lobbies;
    }

    /// <summary>
    /// The members of a lobby after the login <paramref name="after"/>; one more than <see cref="MembersMax"/> if
    /// there are more.
    /// </summary>
    public async Task<List<Member>> MembersAsync(Guid lobbyId, string? after, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            """
            SELECT u.login, u.public_token, m.rights, m.since
            FROM members m JOIN users u USING (public_token)
            WHERE m.lobby_id = $1 AND u.login > $2 ORDER BY u.login LIMIT $3
            """);
        command.Parameters.Add(new() { Value = lobbyId });
        command.Parameters.Add(new() { Value = after ?? "" });
        command.Parameters.Add(new() { Value = MembersMax + 1 });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        List<Member> members = [];
        while (await reader.ReadAsync(cancellation))
        {
            members.Add(new Member(
                reader.GetString(0),
                reader.GetGuid(1),
                (Rights)reader.GetInt16(2),
                reader.GetFieldValue<DateTimeOffset>(3)));
        }
        return members;
    }
}
