using Conclave.Protocol;
using Conclave.Server.Storage;

namespace Conclave.Server.Lobbies;

/// <summary>
/// Erases messages and deletes lobbies, and sees to it that nothing of them is handed out here from then on. First the
/// database, then what is kept here of it, then the answer: so whoever asks after the answer finds nothing.
/// </summary>
sealed class Erasures(ErasureStore store, LobbyStore lobbies, LiveLobbies live)
{
    // Rows that are cleaned away in one go are many small transactions; posts come in between.
    const int StepsMax = 100;

    // Deleted lobbies that are read at one time.
    const int PageCount = 1000;

    // A deletion shows up when it is committed, which may be after a later one.
    static readonly TimeSpan Overlap = TimeSpan.FromMinutes(1);

    // Who finds a message erased already must not be answered before whoever erased it has got so far, so those of one
    // lobby go one after the other. Lobbies that share a turn wait for each other; it is a commit at most.
    readonly SemaphoreSlim[] _turns = [.. Enumerable.Range(0, 64).Select(_ => new SemaphoreSlim(1))];

    // The last one that was told of, and those shortly before it, so that nobody is told again and again.
    DeletedLobby _lastDeleted = new(Guid.Empty, DateTimeOffset.UnixEpoch + Overlap);
    HashSet<Guid> _deleted = [];

    /// <summary>Erases a message for one of the lobby's members.</summary>
    public Task<Outcome> EraseAsync(LobbyInfo lobby, Person author, long seq) => InTurnAsync(lobby.LobbyId, async () =>
    {
        var (outcome, isDone) = await store.EraseAsync(lobby.LobbyId, author.PublicToken, seq);
        // Also what was erased before, or by a commit whose answer was lost: then nobody here has forgotten it yet.
        if (outcome is Outcome.Stored or Outcome.Unknown)
            live.Erase(lobby.LobbyId, [seq], isDone ? ErasureReason.Deleted : null);
        return outcome;
    });

    /// <summary>Deletes a lobby for one of its members.</summary>
    public Task<Outcome> DeleteAsync(LobbyInfo lobby, Person author) => InTurnAsync(lobby.LobbyId, async () =>
    {
        var (outcome, isDone) = await store.DeleteAsync(lobby.LobbyId, author.PublicToken);
        if (isDone)
            Drop(lobby.LobbyId);
        return outcome;
    });

    /// <summary>Erases what has expired. Called again and again.</summary>
    public async Task EraseExpiredAsync(CancellationToken cancellation)
    {
        await store.ReadClockAsync(cancellation);
        List<Guid> passedOver = [];
        bool more;
        do
        {
            (var erased, more) = await store.EraseExpiredAsync(passedOver, cancellation);
            foreach (var ofLobby in erased.GroupBy(message => message.LobbyId, message => message.Seq))
                live.Erase(ofLobby.Key, [.. ofLobby], ErasureReason.Expired);
        }
        while (more);
    }

    /// <summary>
    /// Finds out which lobbies were deleted by another server or the operator. Called again and again.
    /// </summary>
    public async Task NoticeAsync(CancellationToken cancellation)
    {
        HashSet<Guid> deleted = [];
        var last = _lastDeleted with { LobbyId = Guid.Empty, DeletedAt = _lastDeleted.DeletedAt - Overlap };
        List<DeletedLobby> page;
        do
        {
            page = await store.FindDeletedAsync(last, PageCount, cancellation);
            foreach (var lobby in page)
            {
                last = lobby;
                if (deleted.Add(lobby.LobbyId) && !_deleted.Contains(lobby.LobbyId))
                    Drop(lobby.LobbyId);
            }
        }
        while (page.Count == PageCount);
        _deleted = deleted;
        if (deleted.Count > 0)
            _lastDeleted = last;
    }

    /// <summary>Removes rows of deleted lobbies, step by step. Called again and again.</summary>
    public async Task CleanAsync(CancellationToken cancellation)
    {
        var steps = 0;
        foreach (var lobbyId in await store.FindUncleanAsync(StepsMax, cancellation))
        {
            while (steps++ < StepsMax && await store.CleanAsync(lobbyId, cancellation))
            {
                // A step is a transaction; what is left when the server stops goes when one runs again.
            }
        }
    }

    void Drop(Guid lobbyId)
    {
        lobbies.Forget(lobbyId);
        live.Delete(lobbyId);
    }

    async Task<Outcome> InTurnAsync(Guid lobbyId, Func<Task<Outcome>> work)
    {
        var turn = _turns[(lobbyId.GetHashCode() & int.MaxValue) % _turns.Length];
        await turn.WaitAsync();
        try
        {
            return await work();
        }
        finally
        {
            turn.Release();
        }
    }
}
