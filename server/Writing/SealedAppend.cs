using Conclave.Roster;
using Conclave.Server.Storage;
using Npgsql;

namespace Conclave.Server.Writing;

/// <summary>
/// Appends to sealed lobbies. Each entry is judged here, against what is known of its lobby, and the statement that
/// puts it in finds out whether that is still all there is. If not, this server catches up and judges again.
/// </summary>
sealed class SealedAppend(SealedLobbies lobbies)
{
    // With other servers writing to the same lobby all the time, its turn comes by waiting for its lock.
    const int RoundsMax = 8;

    const string NotItsLog = "the log of a sealed lobby does not end where its row says";

    /// <summary>What became of each entry. The order of entries of one lobby is that of the list.</summary>
    public async Task<Appended[]> RunAsync(NpgsqlConnection connection, IReadOnlyList<NewEntry> entries, bool patient)
    {
        var results = new Appended[entries.Count];
        var isDone = false;
        try
        {
            await AppendMessagesAsync(connection, entries, results, patient);
            // They come last of their lobby, and so may come last of all.
            for (var index = 0; index < entries.Count; index++)
            {
                if (entries[index].Kind != EntryKind.Message)
                    results[index] = await AppendChangeAsync(connection, entries, results, index, patient);
            }
            isDone = true;
            return results;
        }
        finally
        {
            // Nobody knows what of it was committed: the log does.
            if (!isDone)
            {
                foreach (var entry in entries)
                    lobbies.Forget(entry.Lobby.LobbyId);
            }
        }
    }

    async Task AppendMessagesAsync(
        NpgsqlConnection connection, IReadOnlyList<NewEntry> entries, Appended[] results, bool patient)
    {
        var parts = Enumerable.Range(0, entries.Count)
            .Where(index => entries[index].Kind == EntryKind.Message)
            .GroupBy(index => entries[index].Lobby.LobbyId)
            .Select(part => new Part(entries[part.First()].Lobby, [.. part])).ToList();
        if (parts.Count == 0)
            return;
        await using var transaction = patient ? await connection.BeginTransactionAsync() : null;
        if (patient)
            await SealedSql.LockAsync(connection, [.. parts.Select(part => part.Lobby.LobbyId)], patient: true);
        for (var round = 0; parts.Count > 0; round++)
        {
            foreach (var part in parts)
                await JudgeAsync(connection, part, entries, results);
            var found = await SendAsync(connection, parts, entries, results);
            parts = [.. parts.Where((part, number) => !Settle(part, found[number], entries, results, round))];
            // Who holds the locks is not in anybody's way, and would get here again and again.
            if (patient && results.Any(result => result.Outcome == Outcome.Locked))
                throw new InvalidDataException(NotItsLog);
            foreach (var part in parts)
                await CatchUpAsync(connection, part.Lobby, part.State!, part.LastSeq);
        }
        if (transaction is not null)
            await transaction.CommitAsync();
    }

    // Leaves in the results what became of each, as long as nothing else is found in the log.
    async Task JudgeAsync(
        NpgsqlConnection connection, Part part, IReadOnlyList<NewEntry> entries, Appended[] results)
    {
        part.State = await lobbies.FindForWriterAsync(part.Lobby);
        if (part.State is not { } state)
            return;
        part.Base = state.LastSeq;
        Judge(part, state, entries, results);
        if (!part.Indexes.Any(index => results[index].Outcome == Outcome.LobbyFull))
            return;
        // It has more room than is known here if something was erased, or the operator gave it some.
        state.RewindTo(part.Base);
        state.Room = await SealedSql.RoomAsync(connection, part.Lobby.LobbyId);
        Judge(part, state, entries, results);
    }

    static void Judge(Part part, SealedLobby state, IReadOnlyList<NewEntry> entries, Appended[] results)
    {
        foreach (var index in part.Indexes)
        {
            if (results[index].Outcome == Outcome.Duplicate)
                continue;
            var outcome = state.JudgeMessage(entries[index]);
            results[index] = new Appended(
                outcome, part.Lobby.LobbyId, outcome == Outcome.Stored ? state.LastSeq : 0);
        }
    }

    static async Task<FoundLobby[]> SendAsync(
        NpgsqlConnection connection, List<Part> parts, IReadOnlyList<NewEntry> entries, Appended[] results)
    {
        List<(int Lobby, PlacedRow Row)> rows = [];
        List<int> indexes = [];
        for (var number = 0; number < parts.Count; number++)
        {
            foreach (var index in parts[number].Indexes.Where(index => results[index].Outcome != Outcome.Duplicate))
            {
                var entry = entries[index];
                rows.Add((number, new PlacedRow(entry, results[index].Seq, entry.Sealed!.Hash)));
                indexes.Add(index);
            }
        }
        var (found, known) = await SealedSql.AppendAsync(
            connection, [.. parts.Select(part => (part.Lobby.LobbyId, part.Base))], [.. rows]);
        foreach (var (row, place) in known)
        {
            results[indexes[row]] = DuplicateOf(entries[indexes[row]], place);
        }
        return found;
    }

    // Whether there is nothing more to do for a lobby.
    static bool Settle(
        Part part, FoundLobby found, IReadOnlyList<NewEntry> entries, Appended[] results, int round)
    {
        if (part.State is not { } state || found.State == FoundState.Gone)
        {
            part.Fill(results, Outcome.NoSuchLobby);
            return true;
        }
        if (found.State == FoundState.Written)
        {
            foreach (var index in part.Indexes.Where(index => results[index].Outcome == Outcome.Stored))
                results[index] = results[index] with { SentAt = found.Time };
            state.Room = found.Room - part.StoredBytes(entries, results);
            return true;
        }
        state.RewindTo(part.Base);
        state.Room = found.Room;
        part.LastSeq = found.LastSeq;
        if (found.State == FoundState.Changed && round < RoundsMax)
            return false;
        part.Fill(results, Outcome.Locked);
        return true;
    }

    async Task<Appended> AppendChangeAsync(
        NpgsqlConnection connection, IReadOnlyList<NewEntry> entries, Appended[] results, int index, bool patient)
    {
        var entry = entries[index];
        var lobbyId = entry.Lobby.LobbyId;
        // What came before it in the same batch has to wait, and so it does.
        for (var before = 0; before < index; before++)
        {
            if (results[before].Outcome == Outcome.Locked && entries[before].Lobby.LobbyId == lobbyId)
                return new Appended(Outcome.Locked, lobbyId);
        }
        try
        {
            await using var transaction = await connection.BeginTransactionAsync();
            var result = entry.Kind == EntryKind.LobbyCreated
                ? await CreateAsync(connection, entry)
                : await ChangeAsync(connection, entry, patient);
            if (result.Outcome == Outcome.Stored)
                await transaction.CommitAsync();
            return result;
        }
        catch (PostgresException fault) when (entries.Count > 1 && !Database.IsAway(fault))
        {
            // What the flight has committed before stays, and is answered now. This one goes again, alone at last.
            lobbies.Forget(lobbyId);
            return new Appended(Outcome.Locked, lobbyId);
        }
    }

    static async Task<Appended> CreateAsync(NpgsqlConnection connection, NewEntry entry)
    {
        var part = entry.Sealed!;
        var judgement = LobbyLog.Begin(entry.Lobby.LobbyId).Judge(
            part.Row, entry.Author.PublicToken, part.Identities);
        if (judgement.Verdict != Verdict.Accepted)
            return Unsealable(entry, judgement.Verdict);
        if (KeyWrapForm.Check(part.Row.Entry!, judgement.Roster!, part.Wraps) != Verdict.Accepted)
            return Unsealable(entry, Verdict.BadWraps);
        // Its own name too if the lobby is there already: then this very entry has made it.
        if (!await SealedSql.TryNameAsync(connection, entry.Lobby.LobbyId, entry.Name!))
            return new Appended(Outcome.NameTaken);
        if (await SealedSql.FindAsync(connection, entry) is { } known)
            return DuplicateOf(entry, known);
        if (await SealedSql.ExistsAsync(connection, entry.Lobby.LobbyId))
            return new Appended(Outcome.NameTaken);
        part.Hash = new LogPoint(0, Transcript.Start(entry.Lobby.LobbyId))
            .Next(entry.Author.PublicToken, part.Row.Hash).Hash;
        var time = await SealedSql.CreateAsync(connection, entry, part.Hash);
        return new Appended(Outcome.Stored, entry.Lobby.LobbyId, 1, time);
    }

    async Task<Appended> ChangeAsync(NpgsqlConnection connection, NewEntry entry, bool patient)
    {
        var part = entry.Sealed!;
        var lobbyId = entry.Lobby.LobbyId;
        var found = await SealedSql.LockAsync(connection, [lobbyId], patient);
        if (found.State != FoundState.Written)
            return new Appended(found.State == FoundState.Locked ? Outcome.Locked : Outcome.NoSuchLobby, lobbyId);
        if (await SealedSql.FindAsync(connection, entry) is { } known)
            return DuplicateOf(entry, known);
        var state = await lobbies.FindForWriterAsync(entry.Lobby);
        if (state is not null && state.LastSeq != found.LastSeq)
            state = await CatchUpAsync(connection, entry.Lobby, state, found.LastSeq);
        if (state is null)
            return new Appended(Outcome.NoSuchLobby, lobbyId);
        // Nobody else writes: it would be put in a wrong place.
        if (state.LastSeq != found.LastSeq)
            throw new InvalidDataException(NotItsLog);
        state.Room = found.Room;
        var outcome = state.JudgeChange(entry, out var judgement);
        if (outcome != Outcome.Stored)
            return new Appended(outcome, lobbyId);
        if (entry.Name is not null && !await SealedSql.TryNameAsync(connection, lobbyId, entry.Name))
            return new Appended(Outcome.NameTaken, lobbyId);
        var before = state.Roster;
        var after = judgement.Roster!;
        part.Hash = state.HashOfNext(judgement);
        var place = new RosterPlace(
            (long)judgement.Seq, (long)after.Height, part.Hash, (long)after.Generation,
            // A newcomer to a lobby whose history starts at joining gets the keys that come after.
            after.History == History.All ? 1 : (long)before.Generation + 1);
        var time = await SealedSql.ChangeAsync(connection, entry, place);
        state.Append(judgement);
        if (part.Row.Entry!.Change is RosterChange.Succeed)
            state.NoteSuccession(entry.Author.PublicToken, time);
        return new Appended(Outcome.Stored, lobbyId, place.Seq, time, part.Target?.Login);
    }

    // What other servers have put in. Too much is read anew, and so is a log that ends before what is known of it: then
    // the database has lost what was committed last, as a standby may have that took over.
    async Task<SealedLobby?> CatchUpAsync(
        NpgsqlConnection connection, LobbyInfo lobby, SealedLobby state, long lastSeq)
    {
        var rows = state.LastSeq > lastSeq
            ? null
            : await SealedStore.RowsAsync(connection, lobby, state.LastSeq, LobbyLog.WindowRows);
        if (rows?.Count < LobbyLog.WindowRows)
        {
            var identities = await lobbies.IdentitiesAsync(rows, CancellationToken.None);
            foreach (var row in rows)
                state.TakeIn(row, identities);
            return state;
        }
        lobbies.Forget(lobby.LobbyId);
        return await lobbies.FindForWriterAsync(lobby);
    }

    static Appended DuplicateOf(NewEntry entry, KnownRow known)
    {
        var part = entry.Sealed!;
        part.Hash = known.Hash;
        part.IsAsStored = known.RowHash == part.Row.Hash
            && known.ExpiresAt == (entry.ExpiresIn > 0 ? known.SentAt.AddSeconds(entry.ExpiresIn) : null);
        return new Appended(
            Outcome.Duplicate, entry.Lobby.LobbyId, known.Seq, known.SentAt, part.Target?.Login,
            known.IsGone && entry.Kind == EntryKind.Message);
    }

    static Appended Unsealable(NewEntry entry, Verdict refusal)
    {
        entry.Sealed!.Refusal = refusal;
        return new Appended(Outcome.Unsealable, entry.Lobby.LobbyId);
    }

    /// <summary>The messages of one lobby in a flight.</summary>
    sealed class Part(LobbyInfo lobby, int[] indexes)
    {
        public LobbyInfo Lobby => lobby;

        public int[] Indexes => indexes;

        public SealedLobby? State { get; set; }

        /// <summary>The entry after which they were judged.</summary>
        public long Base { get; set; }

        /// <summary>The entry that was found to be the last one.</summary>
        public long LastSeq { get; set; }

        public void Fill(Appended[] results, Outcome outcome)
        {
            foreach (var index in indexes.Where(index => results[index].Outcome != Outcome.Duplicate))
                results[index] = new Appended(outcome, lobby.LobbyId);
        }

        public long StoredBytes(IReadOnlyList<NewEntry> entries, Appended[] results) => indexes
            .Where(index => results[index].Outcome == Outcome.Stored).Sum(index => entries[index].Body!.Length);
    }
}
