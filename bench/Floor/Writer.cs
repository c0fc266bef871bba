using System.Collections.Concurrent;
using System.Threading.Channels;

namespace Conclave.Bench.Floor;

/// <summary>A post on its way into the log.</summary>
sealed class Draft(Peer peer, Lobby lobby, uint id, Guid nonce, byte[] body)
{
    public Peer Peer => peer;

    public Lobby Lobby => lobby;

    public uint Id => id;

    public Guid Nonce => nonce;

    public byte[] Body => body;

    public long Seq { get; set; }
}

/// <summary>
/// The one writer: while a commit is in flight posts gather, and all of them make the next one. After the commit the
/// frames of a batch are made once for each lobby, and each connection concerned is woken once.
/// </summary>
sealed class Writer(Store store, TimeProvider time)
{
    // A bound on what one commit takes, far above what the workloads have in flight.
    const int BatchCountMax = 4096;

    readonly Lock _gate = new();
    readonly Channel<bool> _due = Channel.CreateBounded<bool>(1);
    readonly ConcurrentDictionary<int, Lobby> _lobbies = new();
    readonly List<Lobby> _moved = [];
    readonly HashSet<Peer> _woken = [];
    List<Draft> _gathered = [];
    List<Draft> _batch = [];
    bool _isWaiting;

    public Lobby? Find(int number) => _lobbies.GetValueOrDefault(number);

    // Two that come at once both look, and both use what the first one put in.
    public async ValueTask<Lobby> OpenAsync(int number) =>
        Find(number) ?? _lobbies.GetOrAdd(number, new Lobby(number, await store.OpenLobbyAsync(Lobby.IdOf(number))));

    public void Add(List<Draft> drafts)
    {
        bool wake;
        lock (_gate)
        {
            _gathered.AddRange(drafts);
            wake = _isWaiting;
            _isWaiting = false;
        }
        if (wake)
            _due.Writer.TryWrite(true);
    }

    public async Task RunAsync()
    {
        while (true)
        {
            if (!TryTake())
            {
                await _due.Reader.ReadAsync();
                continue;
            }
            foreach (var draft in _batch)
            {
                draft.Seq = draft.Lobby.NextSeq++;
                if (draft.Lobby.Batch.Count == 0)
                    _moved.Add(draft.Lobby);
                draft.Lobby.Batch.Add(draft);
            }
            var now = time.GetUtcNow().UtcDateTime;
            await store.AppendAsync(_moved, now);
            Publish(now.Ticks);
            _batch.Clear();
        }
    }

    bool TryTake()
    {
        lock (_gate)
        {
            _isWaiting = _gathered.Count == 0;
            if (_gathered.Count <= BatchCountMax)
            {
                (_gathered, _batch) = (_batch, _gathered);
            }
            else
            {
                _batch.AddRange(_gathered.GetRange(0, BatchCountMax));
                _gathered.RemoveRange(0, BatchCountMax);
            }
        }
        return _batch.Count > 0;
    }

    void Publish(long ticks)
    {
        foreach (var draft in _batch)
        {
            draft.Peer.Acknowledge(draft.Id, draft.Seq);
            _woken.Add(draft.Peer);
        }
        foreach (var lobby in _moved)
        {
            var frames = lobby.HasSubscribers ? Encode(lobby.Batch, ticks) : null;
            lobby.Append(lobby.NextSeq - 1, frames, _woken);
            lobby.Batch.Clear();
        }
        foreach (var peer in _woken)
            peer.Wake();
        _moved.Clear();
        _woken.Clear();
    }

    static byte[] Encode(List<Draft> drafts, long ticks)
    {
        var frames = GC.AllocateUninitializedArray<byte>(drafts.Sum(draft => Wire.EntryBytes + draft.Body.Length));
        var at = 0;
        foreach (var draft in drafts)
        {
            Wire.WriteEntry(
                frames.AsSpan(at),
                new Entry(draft.Lobby.Number, draft.Seq, ticks, draft.Peer.Author, draft.Nonce),
                draft.Body.Length);
            draft.Body.CopyTo(frames, at + Wire.EntryBytes);
            at += Wire.EntryBytes + draft.Body.Length;
        }
        return frames;
    }
}
