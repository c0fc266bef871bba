using Conclave.Protocol;

namespace Conclave.Server.Writing;

/// <summary>
/// Lobbies whose row another transaction had locked when their batch went. Each goes on alone, on a connection of its
/// own that waits for the lock, so that one stuck lobby never stalls the others. Until it is through, its later drafts
/// join it here, so that order holds.
/// </summary>
sealed class StuckLobbies(Flight flight, Limits limits) : IAsyncDisposable
{
    // Waiting for a lock takes a connection; the writer needs one more.
    const int WaitersMax = 8;

    readonly Lock _gate = new();
    readonly Dictionary<Guid, Queue<Draft>> _queues = [];
    readonly SemaphoreSlim _waiters = new(WaitersMax);
    readonly HashSet<Task> _running = [];

    /// <summary>Takes the draft if its lobby is stuck.</summary>
    public bool TryJoin(Draft draft)
    {
        lock (_gate)
        {
            if (!_queues.TryGetValue(draft.Entry.Lobby.LobbyId, out var queue))
                return false;
            queue.Enqueue(draft);
            return true;
        }
    }

    /// <summary>Takes a draft that found its lobby locked.</summary>
    public void Add(Draft draft)
    {
        if (TryJoin(draft))
            return;
        var lobbyId = draft.Entry.Lobby.LobbyId;
        lock (_gate)
        {
            _queues[lobbyId] = new Queue<Draft>([draft]);
            var run = Task.Run(() => RunAsync(lobbyId));
            _running.Add(run);
            _ = run.ContinueWith(Forget, TaskScheduler.Default);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task[] running;
        lock (_gate)
            running = [.. _running];
        await Task.WhenAll(running);
    }

    void Forget(Task run)
    {
        lock (_gate)
            _running.Remove(run);
    }

    async Task RunAsync(Guid lobbyId)
    {
        await _waiters.WaitAsync();
        try
        {
            List<Draft> left = [];
            while (Gather(lobbyId, left) is { } batch)
                left = await flight.RunAsync(batch.Drafts, patient: true);
        }
        finally
        {
            _waiters.Release();
        }
    }

    // Null when the lobby has nothing left, and is stuck no more.
    Batch? Gather(Guid lobbyId, List<Draft> left)
    {
        var batch = new Batch(limits);
        foreach (var draft in left)
            batch.TryAdd(draft);
        lock (_gate)
        {
            var queue = _queues[lobbyId];
            while (queue.TryPeek(out var next) && batch.TryAdd(next))
                queue.Dequeue();
            if (batch.Drafts.Count > 0)
                return batch;
            _queues.Remove(lobbyId);
            return null;
        }
    }
}
