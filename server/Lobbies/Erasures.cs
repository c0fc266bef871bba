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

    // Who finds a message erased already must not be answered before whoever erased it has got so far, so those of one
    // lobby go one after the other. Lobbies that share a turn wait for each other; it is a commit at most.
    readonly SemaphoreSlim[] _turns = [.. Enumerable.Range(0, 64).Select(_ => new SemaphoreSlim(1))];

    // Those that were told of and may have rows left, so that nobody is told again and again.
    HashSet<Guid> _deleted = [];

    /// <summary>Erases a message for one of the lobby's members.</summary>
    public Task<Verdict> EraseAsync(LobbyInfo lobby, Person author, long seq) => InTurnAsync(lobby.LobbyId, async () =>
    {
        var (verdict, isDone) = await store.EraseAsync(lobby.LobbyId, author.PublicToken, seq);
        if (isDone)
            live.Erase(lobby.LobbyId, [seq], ErasureReason.Deleted);
        return verdict;
    });

    /// <summary>Deletes a lobby for one of its members.</summary>
    public Task<Verdict> DeleteAsync(LobbyInfo lobby, Person author) => InTurnAsync(lobby.LobbyId, async () =>
    {
        var (verdict, isDone) = await store.DeleteAsync(lobby.LobbyId, author.PublicToken);
        if (isDone)
            Drop(lobby.LobbyId);
        return verdict;
    });

    /// <summary>Erases what has expired. Called again and again.</summary>
    public async Task EraseExpiredAsync(CancellationToken cancellation)
    {
        await store.ReadClockAsync(cancellation);
        bool more;
        do
        {
            (var erased, more) = await store.EraseExpiredAsync(cancellation);
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
        var deleted = await store.FindDeletedAsync(cancellation);
        foreach (var lobbyId in deleted.Where(lobbyId => !_deleted.Contains(lobbyId)))
            Drop(lobbyId);
        _deleted = [.. deleted];
    }

    /// <summary>Removes rows of deleted lobbies, step by step. Called again and again.</summary>
    public async Task CleanAsync(CancellationToken cancellation)
    {
        var steps = 0;
        foreach (var lobbyId in await store.FindDeletedAsync(cancellation))
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

    async Task<Verdict> InTurnAsync(Guid lobbyId, Func<Task<Verdict>> work)
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
