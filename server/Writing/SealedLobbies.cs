using System.Collections.Concurrent;
using System.Diagnostics;
using Conclave.Protocol;
using Conclave.Roster;
using Conclave.Server.Storage;

namespace Conclave.Server.Writing;

/// <summary>
/// The sealed lobbies that are written to here, each as far as its judgement needs. All of it comes out of the log, so
/// that nothing is lost with a server, and what lies unused may go.
/// </summary>
sealed class SealedLobbies(SealedStore store, Limits limits, TimeProvider time) : IDisposable
{
    // To read a long roster takes a processor: each signature in it is checked.
    const int LoadersMax = 4;

    readonly ConcurrentDictionary<Guid, SealedLobby> _lobbies = new();
    readonly SemaphoreSlim _loaders = new(LoadersMax);

    // Whoever prepares something does not hold up the writer, which holds up everybody.
    readonly SemaphoreSlim _writersLoader = new(1);

    /// <summary>The lobby as it is known here, which may be behind; null if there is no such lobby.</summary>
    public ValueTask<SealedLobby?> FindAsync(LobbyInfo lobby, CancellationToken cancellation) =>
        FindAsync(lobby, _loaders, cancellation);

    /// <summary>The same for the writer.</summary>
    public ValueTask<SealedLobby?> FindForWriterAsync(LobbyInfo lobby) =>
        FindAsync(lobby, _writersLoader, CancellationToken.None);

    /// <summary>Whether the lobby need not be read.</summary>
    public bool IsKnown(Guid lobbyId) => _lobbies.ContainsKey(lobbyId);

    /// <summary>Forgets a lobby: it is read again from its log when it is needed.</summary>
    public void Forget(Guid lobbyId) => _lobbies.TryRemove(lobbyId, out _);

    /// <summary>The accepted identities that rows of rosters bring in.</summary>
    public async Task<Dictionary<Digest, IdentityRecord>> IdentitiesAsync(
        IEnumerable<JudgedRow> rows, CancellationToken cancellation)
    {
        HashSet<Digest> named = [];
        foreach (var row in rows)
        {
            if (row.Roster is { } bytes && BroughtInBy(SealedRow.Parse(bytes.Span).Entry) is { } fingerprint)
                named.Add(fingerprint);
        }
        Dictionary<Digest, IdentityRecord> identities = [];
        if (named.Count == 0)
            return identities;
        foreach (var (fingerprint, told) in await store.RecordsAsync(named, cancellation))
        {
            if (Base64Text.TryDecode(told.Record, out var record)
                && IdentityRecord.Accept(told.Login, record, out var identity) == Verdict.Accepted)
                identities[fingerprint] = identity!;
        }
        return identities;
    }

    public void Dispose()
    {
        _loaders.Dispose();
        _writersLoader.Dispose();
    }

    async ValueTask<SealedLobby?> FindAsync(
        LobbyInfo lobby, SemaphoreSlim loaders, CancellationToken cancellation)
    {
        if (!_lobbies.TryGetValue(lobby.LobbyId, out var known))
        {
            await loaders.WaitAsync(cancellation);
            try
            {
                // Those who waited for the same one find it now.
                if (!_lobbies.TryGetValue(lobby.LobbyId, out known))
                {
                    if (await LoadAsync(lobby, cancellation) is not { } loaded)
                        return null;
                    MakeRoom(loaded.Weight);
                    known = _lobbies.GetOrAdd(lobby.LobbyId, loaded);
                }
            }
            finally
            {
                loaders.Release();
            }
        }
        known.LastUsed = Stopwatch.GetTimestamp();
        return known;
    }

    static Digest? BroughtInBy(RosterEntry? entry) => entry?.Change switch
    {
        RosterChange.Create => entry.Author,
        RosterChange.Invite invite => invite.Member,
        RosterChange.Succeed succeed => succeed.Successor,
        _ => null,
    };

    async Task<SealedLobby?> LoadAsync(LobbyInfo lobby, CancellationToken cancellation)
    {
        if (await store.StateAsync(lobby.LobbyId, cancellation) is not (var lastSeq, var room))
            return null;
        // One more than the window: the transcript goes on from there.
        var after = Math.Max(0, lastSeq - LobbyLog.WindowRows - 1);
        var rows = await store.RowsAsync(lobby, after, 2 * LobbyLog.WindowRows, cancellation);
        if (rows.Count == 0)
            return null;
        // What was added since belongs to later.
        var roster = await store.RosterAsync(lobby, 0, int.MaxValue, cancellation);
        roster.RemoveAll(entry => entry.Seq > rows[^1].Seq);
        var start = new LogPoint(0, Transcript.Start(lobby.LobbyId));
        if (rows[0].Seq > 1)
        {
            start = new LogPoint((ulong)rows[0].Seq, rows[0].Hash);
            rows.RemoveAt(0);
        }
        var state = Fold(roster, await IdentitiesAsync(roster, cancellation));
        // Which of them are messages is left out: by author and id the database finds every message there was.
        var log = LobbyLog.Restore(
            lobby.LobbyId, state, start, rows.Select(row => new LogRow((ulong)row.Seq, row.Hash, row.RowHash, null)),
            isConfirmed: true, reader: null);
        var loaded = new SealedLobby(log, limits, time) { Room = room };
        foreach (var entry in roster.Where(entry => Parse(entry).Change is RosterChange.Succeed))
            loaded.NoteSuccession(entry.Author, entry.SentAt);
        return loaded;
    }

    static RosterState Fold(List<JudgedRow> roster, Dictionary<Digest, IdentityRecord> identities)
    {
        RosterState? state = null;
        foreach (var row in roster)
        {
            if (RosterState.Apply(state, Parse(row), identities, out var next) != Verdict.Accepted)
                throw new InvalidDataException("the roster of a sealed lobby does not hold");
            state = next;
        }
        return state ?? throw new InvalidDataException("a sealed lobby has no roster");
    }

    static RosterEntry Parse(JudgedRow row) => SealedRow.Parse(row.Roster!.Value.Span).Entry
        ?? throw new InvalidDataException("a stored entry of a roster is none");

    // Those that were used last stay.
    void MakeRoom(long weight)
    {
        var heldMax = limits.SealedRowsHeld;
        var held = weight + _lobbies.Values.Sum(lobby => lobby.Weight);
        if (held <= heldMax)
            return;
        foreach (var lobby in _lobbies.Values.OrderBy(lobby => lobby.LastUsed))
        {
            if (held <= heldMax / 10 * 9)
                return;
            Forget(lobby.LobbyId);
            held -= lobby.Weight;
        }
    }
}
