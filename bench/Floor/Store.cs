using Npgsql;
using NpgsqlTypes;

namespace Conclave.Bench.Floor;

/// <summary>The log in PostgreSQL, with the product's keys, indexes and storage settings.</summary>
sealed class Store : IAsyncDisposable
{
    const string Schema =
        """
        CREATE SCHEMA IF NOT EXISTS floor;
        CREATE TABLE IF NOT EXISTS floor.lobbies (
            lobby_id uuid PRIMARY KEY,
            last_seq bigint NOT NULL
        ) WITH (fillfactor = 50);
        CREATE TABLE IF NOT EXISTS floor.entries (
            lobby_id uuid NOT NULL,
            seq      bigint NOT NULL,
            author   uuid NOT NULL,
            sent_at  timestamptz NOT NULL,
            nonce    uuid NOT NULL,
            body     bytea,
            PRIMARY KEY (lobby_id, seq)
        );
        CREATE UNIQUE INDEX IF NOT EXISTS entries_nonce ON floor.entries (lobby_id, author, nonce);
        ALTER TABLE floor.entries ALTER COLUMN body SET STORAGE EXTERNAL;
        """;

    const string Insert =
        """
        INSERT INTO floor.entries (lobby_id, seq, author, sent_at, nonce, body)
        SELECT lobby_id, seq, author, $6, nonce, body
        FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[], $5::bytea[])
            AS r (lobby_id, seq, author, nonce, body)
        """;

    const string Advance =
        """
        UPDATE floor.lobbies l SET last_seq = r.last_seq
        FROM unnest($1::uuid[], $2::bigint[]) AS r (lobby_id, last_seq)
        WHERE l.lobby_id = r.lobby_id
        """;

    const string Page =
        """
        SELECT seq, sent_at, author, nonce, body FROM floor.entries
        WHERE lobby_id = $1 AND seq > $2 ORDER BY seq LIMIT $3
        """;

    readonly NpgsqlDataSource _source;
    readonly NpgsqlConnection _writing;
    readonly NpgsqlBatch _append;

    // In the order of the statements. Lists, for they keep their room from batch to batch.
    readonly NpgsqlParameter<List<Guid>> _lobbies = new() { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid };
    readonly NpgsqlParameter<List<long>> _seqs = new() { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint };
    readonly NpgsqlParameter<List<Guid>> _authors = new() { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid };
    readonly NpgsqlParameter<List<Guid>> _nonces = new() { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid };
    readonly NpgsqlParameter<List<byte[]>> _bodies = new() { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea };
    readonly NpgsqlParameter<DateTime> _time = new() { NpgsqlDbType = NpgsqlDbType.TimestampTz };
    readonly NpgsqlParameter<List<Guid>> _moved = new() { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid };
    readonly NpgsqlParameter<List<long>> _movedTo = new() { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint };

    Store(NpgsqlDataSource source, NpgsqlConnection writing)
    {
        _source = source;
        _writing = writing;
        (_lobbies.TypedValue, _seqs.TypedValue, _authors.TypedValue) = ([], [], []);
        (_nonces.TypedValue, _bodies.TypedValue, _moved.TypedValue, _movedTo.TypedValue) = ([], [], [], []);
        var insert = new NpgsqlBatchCommand(Insert);
        insert.Parameters.Add(_lobbies);
        insert.Parameters.Add(_seqs);
        insert.Parameters.Add(_authors);
        insert.Parameters.Add(_nonces);
        insert.Parameters.Add(_bodies);
        insert.Parameters.Add(_time);
        var advance = new NpgsqlBatchCommand(Advance);
        advance.Parameters.Add(_moved);
        advance.Parameters.Add(_movedTo);
        // Without an explicit transaction the batch is one, and one round trip.
        _append = new NpgsqlBatch(writing) { BatchCommands = { insert, advance } };
    }

    public static async Task<Store> OpenAsync(string database)
    {
        // Nearly as the server's (server/Storage/Database.cs): everything prepared, plans for arrays of any length.
        var settings = new NpgsqlConnectionStringBuilder(database)
        {
            ApplicationName = "conclave-floor",
            MaxAutoPrepare = 20,
            AutoPrepareMinUsages = 2,
            NoResetOnClose = true,
            MaxPoolSize = 20,
            Options = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c synchronous_commit=on",
        };
        var source = NpgsqlDataSource.Create(settings);
        await using (var schema = source.CreateCommand(Schema))
            await schema.ExecuteNonQueryAsync();
        var store = new Store(source, await source.OpenConnectionAsync());
        await store._append.PrepareAsync();
        return store;
    }

    /// <summary>How far the log of a lobby goes, which is made if it is new.</summary>
    public async Task<long> OpenLobbyAsync(Guid lobbyId)
    {
        await using var make = _source.CreateCommand(
            "INSERT INTO floor.lobbies (lobby_id, last_seq) VALUES ($1, 0) ON CONFLICT DO NOTHING");
        make.Parameters.Add(new() { Value = lobbyId });
        await make.ExecuteNonQueryAsync();
        await using var look = _source.CreateCommand("SELECT last_seq FROM floor.lobbies WHERE lobby_id = $1");
        look.Parameters.Add(new() { Value = lobbyId });
        return (long)(await look.ExecuteScalarAsync())!;
    }

    /// <summary>One commit. The writer's alone: it uses one connection and the same lists every time.</summary>
    public async Task AppendAsync(List<Lobby> lobbies, DateTime time)
    {
        // Lobby by lobby, so that neighbours in the indexes come one after the other.
        foreach (var draft in lobbies.SelectMany(lobby => lobby.Batch))
        {
            _lobbies.TypedValue!.Add(draft.Lobby.Id);
            _seqs.TypedValue!.Add(draft.Seq);
            _authors.TypedValue!.Add(draft.Peer.Author);
            _nonces.TypedValue!.Add(draft.Nonce);
            _bodies.TypedValue!.Add(draft.Body);
        }
        foreach (var lobby in lobbies)
        {
            _moved.TypedValue!.Add(lobby.Id);
            _movedTo.TypedValue!.Add(lobby.NextSeq - 1);
        }
        _time.TypedValue = time;
        await _append.ExecuteNonQueryAsync();
        _lobbies.TypedValue!.Clear();
        _seqs.TypedValue!.Clear();
        _authors.TypedValue!.Clear();
        _nonces.TypedValue!.Clear();
        _bodies.TypedValue!.Clear();
        _moved.TypedValue!.Clear();
        _movedTo.TypedValue!.Clear();
    }

    /// <summary>Reads entries as frames; returns their number.</summary>
    public async Task<int> ReadAsync(Lobby lobby, long after, int countMax, Page page)
    {
        await using var command = _source.CreateCommand(Page);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = lobby.Id });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = after });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = countMax });
        await using var reader = await command.ExecuteReaderAsync();
        var count = 0;
        while (await reader.ReadAsync())
        {
            var body = (int)reader.GetBytes(4, 0, null, 0, 0);
            var entry = new Entry(
                lobby.Number, reader.GetInt64(0), reader.GetDateTime(1).Ticks, reader.GetGuid(2), reader.GetGuid(3));
            page.Add(entry, body, out var buffer, out var offset);
            reader.GetBytes(4, 0, buffer, offset, body);
            count++;
        }
        return count;
    }

    public async ValueTask DisposeAsync()
    {
        await _append.DisposeAsync();
        await _writing.DisposeAsync();
        await _source.DisposeAsync();
    }
}
