using System.Threading.Channels;
using Conclave.Protocol;
using Conclave.Server.Lobbies;
using Conclave.Server.Storage;

namespace Conclave.Server.Writing;

/// <summary>
/// The only inserter of entries. While one batch commits, the next gathers; there is no timer, so a lone post goes at
/// once and a crowd shares one commit. Every path out of here answers every draft.
/// </summary>
sealed class EntryWriter : IAsyncDisposable
{
    // Drafts put off to the next batch; beyond this the inbox waits, and with it the readers.
    const int DeferredMax = 4096;

    // Of one lobby: with more, which takes a commit for each change among them, it goes on alone.
    const int DeferredOfLobbyMax = DeferredMax / 8;

    readonly Channel<Draft> _inbox;
    readonly Flight _flight;
    readonly Limits _limits;
    readonly StuckLobbies _stuck;
    readonly Task _loop;
    List<Draft> _deferred = [];

    /// <param name="entries">The log.</param>
    /// <param name="lobbies">Whom to tell of what was committed.</param>
    /// <param name="limits">The limits.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log of the server.</param>
    /// <param name="append">How to append; null for plain lobbies.</param>
    public EntryWriter(
        EntryStore entries, LiveLobbies lobbies, Limits limits, TimeProvider time, ILogger<EntryWriter> logger,
        Append? append = null)
    {
        append ??= (connection, drafts, patient) =>
            EntryStore.AppendAsync(connection, drafts, limits, patient, CancellationToken.None);
        _limits = limits;
        _inbox = Channel.CreateBounded<Draft>(new BoundedChannelOptions(limits.WriterInboxMax) { SingleReader = true });
        _flight = new Flight(entries, append, lobbies, limits, time, logger);
        _stuck = new StuckLobbies(_flight, limits);
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Batches that were committed since the start.</summary>
    public long Commits => _flight.Commits;

    /// <summary>Entries that were stored since the start.</summary>
    public long Stored => _flight.Stored;

    /// <summary>Where to tell of commits; null if nobody wants to know.</summary>
    public WriterFigures? Figures { init => _flight.Figures = value; }

    /// <summary>Drafts that wait for their commit.</summary>
    public int Waiting => _inbox.Reader.Count + Volatile.Read(ref _deferred).Count;

    /// <summary>Hands a draft in. Drafts of one lobby enter its log in the order in which this was called.</summary>
    public ValueTask SubmitAsync(Draft draft, CancellationToken cancellation) =>
        _inbox.Writer.TryWrite(draft) ? ValueTask.CompletedTask : WaitAsync(draft, cancellation);

    /// <summary>Hands an entry in and waits until it is decided.</summary>
    public async Task<Draft> WriteAsync(NewEntry entry, CancellationToken cancellation)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var draft = new Draft(entry, done.SetResult);
        await SubmitAsync(draft, cancellation);
        await done.Task;
        return draft;
    }

    /// <summary>Takes no more drafts, and ends when every one it has is answered.</summary>
    public async ValueTask DisposeAsync()
    {
        _inbox.Writer.TryComplete();
        await _loop;
        await _stuck.DisposeAsync();
    }

    async ValueTask WaitAsync(Draft draft, CancellationToken cancellation)
    {
        var isTaken = false;
        try
        {
            await _inbox.Writer.WriteAsync(draft, cancellation);
            isTaken = true;
        }
        finally
        {
            if (!isTaken)
                draft.Memory?.Dispose();
        }
    }

    async Task RunAsync()
    {
        while (_deferred.Count > 0 || await _inbox.Reader.WaitToReadAsync())
        {
            var batch = Gather();
            if (batch.Drafts.Count == 0)
                continue;
            foreach (var locked in await _flight.RunAsync(batch.Drafts, patient: false))
                _stuck.Add(locked);
            if (_deferred.Count > DeferredOfLobbyMax)
                PartWithBacklogs();
        }
    }

    // Between two flights, so that nothing of these lobbies is under way and their order holds.
    void PartWithBacklogs()
    {
        var backlogs = _deferred.CountBy(draft => draft.Entry.Lobby.LobbyId)
            .Where(lobby => lobby.Value > DeferredOfLobbyMax).Select(lobby => lobby.Key).ToHashSet();
        foreach (var draft in _deferred)
        {
            if (backlogs.Contains(draft.Entry.Lobby.LobbyId))
                _stuck.Add(draft);
        }
        _deferred = _deferred.FindAll(draft => !backlogs.Contains(draft.Entry.Lobby.LobbyId));
    }

    Batch Gather()
    {
        var batch = new Batch(_limits);
        List<Draft> deferred = [];
        foreach (var draft in _deferred)
            Place(draft);
        while (!batch.IsFull && deferred.Count < DeferredMax && _inbox.Reader.TryRead(out var draft))
            Place(draft);
        _deferred = deferred;
        return batch;

        void Place(Draft draft)
        {
            if (!_stuck.TryJoin(draft) && !batch.TryAdd(draft))
                deferred.Add(draft);
        }
    }
}
