using Conclave.Protocol;
using Npgsql;

namespace Conclave.Server.Storage;

/// <summary>Which part of a log to read.</summary>
/// <param name="From">The entries after this seq, or before it if <paramref name="Backward"/>.</param>
/// <param name="Backward">Whether the page is filled from its newer end.</param>
/// <param name="CountMax">Entries at most.</param>
/// <param name="BytesMax">Bytes at most, or one entry.</param>
/// <param name="BodyBytesMax">Larger row_data is left out.</param>
readonly record struct PageRange(
    long From, bool Backward, int CountMax, int BytesMax, int BodyBytesMax = int.MaxValue);

/// <summary>The log: inserts entries and reads pages of it. Encrypts on insert and decrypts on read.</summary>
sealed class EntryStore(Database database)
{
    // What an entry costs beside its row_data, about: names, keys and the JSON around them.
    const int EntryOverheadBytes = 300;

    readonly People _people = new(database);

    /// <summary>When something expires, by the database's clock.</summary>
    public Expiry ExpiryAt(DateTimeOffset time) => new(time, database.Clock);

    /// <summary>A connection for <see cref="AppendAsync"/>. When this fails, nothing was sent.</summary>
    public ValueTask<NpgsqlConnection> ConnectAsync(CancellationToken cancellation) =>
        database.Writing.OpenConnectionAsync(cancellation);

    /// <summary>
    /// Appends entries, in one transaction and one flight to the database; judges each against the log as it stands
    /// inside that transaction. The caller sees to it that no nonce comes twice, and that a lobby's entry that
    /// changes members or its name is its last: the judgement is of the state before the batch.
    /// </summary>
    /// <param name="connection">From <see cref="ConnectAsync"/>.</param>
    /// <param name="entries">In order. No more than a few thousand.</param>
    /// <param name="limits">How many members and bytes a lobby may have.</param>
    /// <param name="patient">Whether to wait for locked lobbies; if not, they are passed over.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>What became of each entry, in the same order.</returns>
    public static async Task<Appended[]> AppendAsync(
        NpgsqlConnection connection,
        IReadOnlyList<NewEntry> entries,
        Limits limits,
        bool patient,
        CancellationToken cancellation)
    {
        var results = new Appended[entries.Count];
        await using var batch = new NpgsqlBatch(connection);
        if (patient)
            AppendSql.AddLock(batch, entries);
        // Those that change members or a name come last of their lobby, and so may come last of all.
        var creations = Add(IndexesOf(entries, EntryKind.LobbyCreated, EntryKind.LobbyCreated), AppendSql.AddCreations);
        var messages = Add(IndexesOf(entries, EntryKind.Message, EntryKind.Message), (batch, some) =>
            AppendSql.AddMessages(batch, some, limits.LobbyBytesMax));
        var changes = Add(IndexesOf(entries, EntryKind.MemberInvited, EntryKind.Message - 1), (batch, some) =>
            AppendSql.AddChanges(batch, some, limits.MembersPerLobbyMax));
        // Without an explicit transaction the whole batch is one: it commits at its end or not at all.
        await using (var reader = await batch.ExecuteReaderAsync(cancellation))
        {
            if (patient)
                await reader.NextResultAsync(cancellation);
            await ReadAsync(reader, creations, results, entries, cancellation);
            await ReadAsync(reader, messages, results, entries, cancellation);
            await ReadAsync(reader, changes, results, entries, cancellation);
            while (await reader.NextResultAsync(cancellation))
            {
                // Reading to the end is what makes sure that the commit succeeded.
            }
        }
        await CompareDuplicatesAsync(connection, entries, results, cancellation);
        return results;

        int[] Add(int[] indexes, Action<NpgsqlBatch, NewEntry[]> add)
        {
            if (indexes.Length > 0)
                add(batch, Array.ConvertAll(indexes, index => entries[index]));
            return indexes;
        }
    }

    /// <summary>A page of a log, ascending.</summary>
    public async Task<List<StoredEntry>> ReadAsync(
        LobbyInfo lobby, PageRange range, CancellationToken cancellation)
    {
        var rows = await ReadRowsAsync(lobby, range, cancellation);
        if (range.Backward)
            rows.Reverse();
        await ReadBodiesAsync(lobby, range, rows, cancellation);
        HashSet<Guid> named = [];
        foreach (var row in rows)
        {
            named.Add(row.Author);
            if (row.Member is { } member)
                named.Add(member);
        }
        var people = await _people.FindAsync(named, cancellation);
        return rows.ConvertAll(row => row.Open(lobby, people));
    }

    // As many rows as the page has room for, and at least one.
    async Task<List<EntryRow>> ReadRowsAsync(LobbyInfo lobby, PageRange range, CancellationToken cancellation)
    {
        var bodyBytesMax = (long)range.BodyBytesMax + LobbyKey.OverheadBytes;
        await using var command = database.Source.CreateCommand(PageSql.Of(lobby, range.Backward));
        command.Parameters.Add(new() { Value = lobby.LobbyId });
        command.Parameters.Add(new() { Value = range.From });
        command.Parameters.Add(new() { Value = range.CountMax });
        command.Parameters.Add(new() { Value = Math.Min(bodyBytesMax, PageSql.SmallBodyBytes) });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        List<EntryRow> rows = [];
        var bytes = 0L;
        while (bytes < range.BytesMax && await reader.ReadAsync(cancellation))
        {
            var row = EntryRow.Read(lobby, reader, database.Clock);
            rows.Add(row);
            bytes += EntryOverheadBytes + (row.BodyBytes <= bodyBytesMax ? row.BodyBytes : 0);
        }
        return rows;
    }

    // The bodies that were too large to come with their rows.
    async Task ReadBodiesAsync(LobbyInfo lobby, PageRange range, List<EntryRow> rows, CancellationToken cancellation)
    {
        var bodyBytesMax = (long)range.BodyBytesMax + LobbyKey.OverheadBytes;
        var missing = rows.FindAll(
            row => row is { Body: null, BodyBytes: > 0, IsGone: false } && row.BodyBytes <= bodyBytesMax);
        if (missing.Count == 0)
            return;
        await using var command = database.Source.CreateCommand(PageSql.Bodies);
        command.Parameters.Add(new() { Value = lobby.LobbyId });
        command.Parameters.Add(new() { Value = missing.ConvertAll(row => row.Seq) });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        Dictionary<long, byte[]> bodies = [];
        while (await reader.ReadAsync(cancellation))
            bodies.Add(reader.GetInt64(0), reader.GetFieldValue<byte[]>(1));
        foreach (var row in missing)
        {
            row.Body = bodies.GetValueOrDefault(row.Seq);
            // Erased since its row was read.
            row.IsGone = row.Body is null;
        }
    }

    static int[] IndexesOf(IReadOnlyList<NewEntry> entries, EntryKind first, EntryKind last)
    {
        List<int> indexes = new(entries.Count);
        for (var index = 0; index < entries.Count; index++)
        {
            if (entries[index].Kind >= first && entries[index].Kind <= last)
                indexes.Add(index);
        }
        return [.. indexes];
    }

    // Takes the result that is next, if there are entries to it.
    static async Task ReadAsync(
        NpgsqlDataReader reader,
        int[] indexes,
        Appended[] results,
        IReadOnlyList<NewEntry> entries,
        CancellationToken cancellation)
    {
        if (indexes.Length == 0)
            return;
        foreach (var index in indexes)
        {
            if (!await reader.ReadAsync(cancellation))
                throw new InvalidDataException("an append answered fewer rows than it was given");
            results[index] = new Appended(
                (Outcome)reader.GetInt32(0),
                entries[index].Kind == EntryKind.LobbyCreated ? reader.GetGuid(4) : entries[index].Lobby.LobbyId,
                reader.GetInt64(1),
                reader.IsDBNull(2) ? default : reader.GetFieldValue<DateTimeOffset>(2),
                reader.IsDBNull(3) ? null : reader.GetString(3));
        }
        await reader.NextResultAsync(cancellation);
    }

    // Bodies are encrypted: whether a repeated nonce stands for the same content is found out here and not in SQL.
    static async Task CompareDuplicatesAsync(
        NpgsqlConnection connection,
        IReadOnlyList<NewEntry> entries,
        Appended[] results,
        CancellationToken cancellation)
    {
        int[] duplicates = [.. Enumerable.Range(0, results.Length).Where(index =>
            results[index].Outcome == Outcome.Duplicate && entries[index].Kind != EntryKind.LobbyCreated)];
        if (duplicates.Length == 0)
            return;
        await using var batch = new NpgsqlBatch(connection);
        AppendSql.AddContents(batch, Array.ConvertAll(duplicates, index => (entries[index], results[index].Seq)));
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        foreach (var index in duplicates)
        {
            if (!await reader.ReadAsync(cancellation))
                throw new InvalidDataException("a duplicate is not where it was found");
            results[index] = HasContentOf(reader, entries[index], results[index].SentAt)
                ? results[index] with { IsGone = entries[index].Kind == EntryKind.Message && reader.GetBoolean(5) }
                : new Appended(Outcome.NonceReused);
        }
    }

    static bool HasContentOf(NpgsqlDataReader reader, NewEntry entry, DateTimeOffset sentAt)
    {
        Guid? member = reader.IsDBNull(1) ? null : reader.GetGuid(1);
        Rights? rights = reader.IsDBNull(2) ? null : (Rights)reader.GetInt16(2);
        var name = reader.IsDBNull(3) ? null : reader.GetString(3);
        if (reader.GetInt16(0) != (short)entry.Kind || member != entry.Member || rights != entry.Rights
            || name != entry.Name)
            return false;
        DateTimeOffset? expiresAt = reader.IsDBNull(4) ? null : reader.GetFieldValue<DateTimeOffset>(4);
        if (expiresAt != (entry.ExpiresIn > 0 ? sentAt.AddSeconds(entry.ExpiresIn) : null))
            return false;
        // With what is gone, nothing can be compared any more; who repeats a nonce repeats what it stood for.
        if (entry.Kind != EntryKind.Message || reader.GetBoolean(5))
            return true;
        if (reader.IsDBNull(6))
            return false;
        var stored = new byte[entry.RowData.Length];
        return entry.Lobby.Key.TryDecrypt(
                entry.Lobby.LobbyId, entry.Author.PublicToken, entry.Nonce, reader.GetFieldValue<byte[]>(6), stored)
            && entry.RowData.Span.SequenceEqual(stored);
    }
}
