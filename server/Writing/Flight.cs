using System.Diagnostics;
using Conclave.Protocol;
using Conclave.Server.Lobbies;
using Conclave.Server.Storage;
using Npgsql;

namespace Conclave.Server.Writing;

/// <summary>Appends entries by a connection, and says what became of each, in the same order.</summary>
/// <param name="connection">The connection.</param>
/// <param name="entries">In order.</param>
/// <param name="patient">Whether to wait for locked lobbies; if not, they are passed over.</param>
delegate Task<Appended[]> Append(NpgsqlConnection connection, IReadOnlyList<NewEntry> entries, bool patient);

/// <summary>
/// Brings one batch through one commit, whatever happens on the way: a fault in the data is narrowed down to its
/// entry, a database that went away is waited for, and a lost answer is found out by sending the batch again, whose
/// nonces then tell what was stored.
/// </summary>
sealed partial class Flight(
    EntryStore entries, Append append, LiveLobbies lobbies, Limits limits, TimeProvider time, ILogger logger)
{
    static readonly TimeSpan RetryWait = TimeSpan.FromMilliseconds(100);

    long _commits;
    long _stored;

    // When the database was first found away; 0 since it answered. What comes later does not wait all over again.
    long _awaySince;

    /// <summary>Where to tell of commits; null if nobody wants to know.</summary>
    public WriterFigures? Figures { get; set; }

    public long Commits => Interlocked.Read(ref _commits);

    public long Stored => Interlocked.Read(ref _stored);

    /// <summary>Appends the drafts and completes them.</summary>
    /// <returns>Those that were passed over because their lobby is locked; they are not completed.</returns>
    public async Task<List<Draft>> RunAsync(List<Draft> drafts, bool patient)
    {
        var started = time.GetTimestamp();
        var awaySince = long.MaxValue;
        while (true)
        {
            try
            {
                return await AppendAsync(drafts, patient);
            }
            catch (Exception fault) when (Database.IsAway(fault))
            {
                var now = time.GetTimestamp();
                var since = Interlocked.CompareExchange(ref _awaySince, now, 0);
                // It may be away for this flight alone, while others get through and have it that it answers.
                awaySince = Math.Min(awaySince, since == 0 ? now : since);
                if (awaySince != now && time.GetElapsedTime(awaySince, now) >= limits.DatabaseWaitMax)
                    return GiveUp(drafts, fault);
            }
            catch (Exception fault) when (IsConflict(fault))
            {
                if (time.GetElapsedTime(started) >= limits.DatabaseWaitMax)
                    return GiveUp(drafts, fault);
            }
#pragma warning disable CA1031 // Whatever it is, every draft gets an answer and the writer lives on.
            catch (Exception fault)
#pragma warning restore CA1031
            {
                return await NarrowAsync(drafts, patient, fault);
            }
            await Task.Delay(RetryWait, time);
        }
    }

    async Task<List<Draft>> AppendAsync(List<Draft> drafts, bool patient)
    {
        using var span = Traces.Source.StartActivity("commit");
        span?.SetTag("conclave.entries", drafts.Count);
        var began = time.GetTimestamp();
        var results = await SendAsync(drafts, patient);
        Figures?.Committed(time.GetElapsedTime(began), results);
        Interlocked.Exchange(ref _awaySince, 0);
        List<Draft> locked = [];
        var stored = 0;
        for (var index = 0; index < results.Length; index++)
        {
            if (results[index].Outcome == Outcome.Locked)
            {
                locked.Add(drafts[index]);
                continue;
            }
            drafts[index].Decide(results[index]);
            stored += results[index].Outcome == Outcome.Stored ? 1 : 0;
        }
        Interlocked.Increment(ref _commits);
        Interlocked.Add(ref _stored, stored);
        // All are decided before anybody is woken, so that who has many gets them with one write.
        Publish(drafts, results);
        for (var index = 0; index < results.Length; index++)
        {
            if (results[index].Outcome != Outcome.Locked)
                drafts[index].Tell();
        }
        return locked;
    }

    void Publish(List<Draft> drafts, Appended[] results)
    {
        Dictionary<Guid, List<StoredEntry>> committed = [];
        for (var index = 0; index < results.Length; index++)
        {
            var result = results[index];
            // What a flight without an answer has stored shows up as a duplicate, when the writer sends it again or the
            // client does. A tail passes over what it has.
            if (result.Outcome is Outcome.Stored or Outcome.Duplicate && lobbies.IsFollowed(result.LobbyId)
                && drafts[index].Entry.Sealed is not { IsAsStored: false })
                Collect(committed, drafts[index].Entry, result);
        }
        foreach (var (lobbyId, log) in committed)
        {
            log.Sort(static (left, right) => left.Seq.CompareTo(right.Seq));
            lobbies.Append(lobbyId, log);
        }
    }

    async Task<Appended[]> SendAsync(List<Draft> drafts, bool patient)
    {
        await using var connection = await entries.ConnectAsync(CancellationToken.None);
        try
        {
            return await append(connection, drafts.ConvertAll(draft => draft.Entry), patient);
        }
        catch (Exception fault) when (fault is not PostgresException || Database.IsAway(fault))
        {
            // The commit may have been on its way. Sending the same nonces again is safe, and tells.
            foreach (var draft in drafts)
                draft.MayBeStored = true;
            throw;
        }
    }

    void Collect(Dictionary<Guid, List<StoredEntry>> committed, NewEntry entry, Appended result)
    {
        if (!committed.TryGetValue(result.LobbyId, out var log))
            committed[result.LobbyId] = log = [];
        log.Add(new StoredEntry
        {
            LobbyId = result.LobbyId,
            Seq = result.Seq,
            Kind = entry.Kind,
            SentAt = result.SentAt,
            Author = entry.Author,
            Nonce = entry.Nonce,
            Member = entry.Member is { } member ? new Person(result.MemberLogin!, member) : null,
            Rights = entry.Rights,
            Name = entry.Name,
            Sealed = entry.Sealed?.ToMark(),
            RowData = result.IsGone ? default : entry.RowData,
            RowBytes = result.IsGone ? 0 : entry.RowData.Length,
            Expiry = entry.ExpiresIn > 0 ? entries.ExpiryAt(result.SentAt.AddSeconds(entry.ExpiresIn)) : null,
            IsGone = result.IsGone,
        });
    }

    List<Draft> GiveUp(List<Draft> drafts, Exception fault)
    {
        LogAway(logger, drafts.Count, fault.GetType().Name);
        foreach (var draft in drafts)
            Complete(draft, new Appended(draft.MayBeStored ? Outcome.Unknown : Outcome.Unavailable));
        return [];
    }

    void Complete(Draft draft, Appended result, string? trace = null)
    {
        Figures?.Lost(result.Outcome);
        draft.Decide(result, trace);
        draft.Tell();
    }

    // Halves the batch until the culprit stands alone.
    async Task<List<Draft>> NarrowAsync(List<Draft> drafts, bool patient, Exception fault)
    {
        if (drafts.Count == 1)
        {
            var trace = ActivityTraceId.CreateRandom().ToHexString();
            LogBroken(logger, trace, NameOf(fault), fault.StackTrace ?? "");
            Complete(drafts[0], new Appended(Outcome.Broken), trace);
            return [];
        }
        var half = drafts.Count / 2;
        var locked = await RunAsync(drafts.GetRange(0, half), patient);
        var lockedLobbies = locked.Select(draft => draft.Entry.Lobby.LobbyId).ToHashSet();
        var rest = drafts.GetRange(half, drafts.Count - half);
        // A lobby that was passed over in the first half stays behind in the second, so that order holds.
        locked.AddRange(rest.Where(draft => lockedLobbies.Contains(draft.Entry.Lobby.LobbyId)));
        rest.RemoveAll(draft => lockedLobbies.Contains(draft.Entry.Lobby.LobbyId));
        if (rest.Count > 0)
            locked.AddRange(await RunAsync(rest, patient));
        return locked;
    }

    // Another server was in the way, and the transaction was rolled back.
    static bool IsConflict(Exception fault) => fault is PostgresException
    {
        SqlState: PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected
            or PostgresErrorCodes.LockNotAvailable
    };

    static string NameOf(Exception fault) =>
        fault is PostgresException { SqlState: var state } ? "SQLSTATE " + state : fault.GetType().FullName ?? "";

    [LoggerMessage(201, LogLevel.Error, "The database takes no posts ({Fault}); {Count} are refused")]
    static partial void LogAway(ILogger logger, int count, string fault);

    // The kind and the place, not the message: that of a fault in other people's code may quote what it choked on.
    [LoggerMessage(202, LogLevel.Error, "An entry could not be appended: {Fault}; trace {Trace}\n{Place}")]
    static partial void LogBroken(ILogger logger, string trace, string fault, string place);
}
