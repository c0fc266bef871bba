using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Conclave.Protocol;
using Conclave.Sdk.Sealing;

namespace Conclave.Sdk;

/// <summary>
/// A place in a lobby's log that moves along it: each entry after it, once and in order, first the stored ones, then
/// the live ones, however often the connection breaks. Made by <see cref="ConclaveClient.SubscribeAsync"/>.
/// </summary>
/// <remarks>
/// A consumer slower than the server costs a bounded buffer: when it is full, the server is told to stop, and
/// when half of it is used up, to go on from there. Nothing is lost and other work on the connection is not held up:
/// a loop that posts for each entry it reads cannot block itself.
/// </remarks>
public sealed class Subscription : IAsyncDisposable
{
    /// <summary>What an entry without its content takes, roughly, in bytes.</summary>
    const int EntryBytes = 256;

    /// <summary>Entries of a sealed lobby that are judged and kept in one go.</summary>
    const int KeptAtOnce = 1000;

    enum State
    {
        /// <summary>
        /// Asked the server to go on from a position; until it answers, entries belong to another one.
        /// </summary>
        Asking,

        /// <summary>The next entry is the one after the last.</summary>
        Flowing,

        /// <summary>The buffer was full; what comes is dropped, to be asked for again when there is room.</summary>
        Full,

        Over,
    }

    readonly Lock _gate = new();
    readonly Outbox _outbox;
    readonly Subscriptions _all;
    readonly ConclaveOptions _options;
    readonly string _token;
    readonly Guid _me;
    readonly Channel<Entry> _buffer;

    State _state = State.Asking;
    long _liveAfter;
    long _lastBuffered;

    // The end of the log at which the server last found the user to be a member.
    long _memberAt;
    int _bufferedBytes;

    internal Subscription(
        Outbox outbox, Subscriptions all, ConclaveOptions options, string token, Guid me)
    {
        _outbox = outbox;
        _all = all;
        _options = options;
        _token = token;
        _me = me;
        _buffer = Channel.CreateBounded<Entry>(
            new BoundedChannelOptions(options.BufferedEntriesMax) { SingleWriter = true });
    }

    public Guid LobbyId { get; private set; }

    /// <summary>The lobby's name when the subscription began.</summary>
    public string LobbyName { get; private set; } = "";

    /// <summary>What the signed-in user might do in the lobby when the subscription began.</summary>
    public Rights Rights { get; private set; }

    /// <summary>The seq of the lobby's newest entry when the subscription began: up to here it is history.</summary>
    public long LastSeq { get; private set; }

    /// <summary>Which log the positions belong to; it changes only when the operator restores a backup.</summary>
    public string Epoch { get; private set; } = "";

    /// <summary>Where to go on from later: after the entry that was handed out last.</summary>
    public Position Position { get; private set; }

    /// <summary>Of a sealed lobby: how many messages had been erased there when the subscription began.</summary>
    internal long? Erasures { get; private set; }

    /// <summary>The lobby, if it is sealed: entries are judged and opened before they are handed out.</summary>
    internal SealedLobby? Sealed { get; init; }

    internal int BufferedCount => _buffer.Reader.Count;

    /// <summary>Whether entries that come now are wanted.</summary>
    internal bool IsTaking
    {
        get
        {
            lock (_gate)
                return _state == State.Flowing;
        }
    }

    /// <summary>
    /// The entries, without end while the subscription lives; for one loop at a time. Leaving the loop does not
    /// unsubscribe: another one goes on where it stopped.
    /// </summary>
    /// <exception cref="RemovedException">
    /// The user was removed from the lobby; the entry that says so came before.
    /// </exception>
    /// <exception cref="LogChangedException">The operator restored a backup while the connection was lost.</exception>
    /// <exception cref="RefusedException">
    /// The server would not go on: <see cref="ErrorCode.BadToken"/> when the session has ended,
    /// <see cref="ErrorCode.Forbidden"/> when the user was removed meanwhile, <see cref="ErrorCode.NoSuchLobby"/> when
    /// the lobby was deleted.
    /// </exception>
    /// <exception cref="DisconnectedException">The server closed the connection for good.</exception>
    /// <exception cref="BrokenServerException">An entry was missing, or came twice.</exception>
    /// <exception cref="AlarmException">
    /// Of a sealed lobby: the server shows another history than before. A single entry that fails verification is no
    /// exception but a <see cref="Verdict"/>.
    /// </exception>
    public async IAsyncEnumerable<Entry> ReadAllAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        if (Sealed is not null)
        {
            await foreach (var entry in ReadSealedAsync(Sealed, cancellationToken).ConfigureAwait(false))
                yield return entry;
            yield break;
        }
        while (await _buffer.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            while (_buffer.Reader.TryRead(out var entry))
            {
                MakeRoom(SizeOf(entry));
                Position = Position with { After = entry.Seq };
                yield return entry;
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }

    /// <summary>Entries before the first live one come from what this client has verified already.</summary>
    internal void BeginAt(long after) => Position = Position with { After = after };

    async IAsyncEnumerable<Entry> ReadSealedAsync(
        SealedLobby lobby, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (Position.After < _liveAfter)
        {
            var kept = await lobby.InTurnAsync(
                () => lobby.ReadAsync(
                    (ulong)Position.After, (ulong)_liveAfter + 1, KeptAtOnce, null, cancellationToken),
                cancellationToken).ConfigureAwait(false);
            foreach (var entry in kept)
            {
                Position = Position with { After = entry.Seq };
                yield return entry;
                cancellationToken.ThrowIfCancellationRequested();
            }
            if (kept.Count == 0)
                break;
        }
        List<LobbyEvent> batch = [];
        while (await _buffer.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            batch.Clear();
            while (batch.Count < KeptAtOnce && _buffer.Reader.TryRead(out var raw))
            {
                MakeRoom(SizeOf(raw));
                batch.Add(raw.Wire);
            }
            var opened = await lobby.OpenAsync(batch, cancellationToken).ConfigureAwait(false);
            // A loop that is left here is taken up by another one, which finds the rest among what is kept.
            _liveAfter = batch[^1].Seq;
            foreach (var entry in opened)
            {
                Position = Position with { After = entry.Seq };
                yield return entry;
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }

    /// <summary>Unsubscribes. A loop over the entries ends calmly.</summary>
    public ValueTask DisposeAsync()
    {
        End(exception: null);
        // What is still in the buffer is not wanted, and a loop that waits is to end now.
        while (_buffer.Reader.TryRead(out _))
        {
        }
        return default;
    }

    /// <summary>The request that opens the subscription, or opens it again.</summary>
    /// <param name="lobby">Which lobby.</param>
    /// <param name="from">Where to begin; null at the end of the log.</param>
    internal Request<SubscribeReply> Ask(LobbyRef lobby, Position? from)
    {
        var id = _outbox.NextId();
        var frame = RequestFrame.Write(id, ActionName.Subscribe, _token, json =>
        {
            json.WriteLobby(lobby);
            if (from is { } position)
                json.WriteNumber("after"u8, position.After);
            if (from?.Epoch is { } epoch)
                json.WriteString("epoch"u8, epoch);
        });
        return new Request<SubscribeReply>(
            id, RequestKind.Follow, frame, reply => Begin(reply, from?.After ?? reply.LastSeq), End)
        { Token = _token };
    }

    /// <summary>Whether the first answer found the lobby's place free.</summary>
    internal bool IsOpen { get; private set; }

    /// <summary>
    /// Has the server go on from here, because it does not any more: the connection is another one, or somebody moved
    /// the position.
    /// </summary>
    internal void Resume()
    {
        lock (_gate)
        {
            if (_state == State.Flowing)
                AskAgain();
        }
    }

    /// <summary>Called on the reading loop with each entry, in the order they come.</summary>
    internal void Take(LobbyEvent wire)
    {
        lock (_gate)
        {
            if (_state != State.Flowing)
                return;
            if (wire.Seq != _lastBuffered + 1)
            {
                EndCore(new BrokenServerException(
                    $"after entry {_lastBuffered} of {LobbyName} it sent entry {wire.Seq}"));
                return;
            }
            var entry = new Entry(wire);
            var size = SizeOf(entry);
            var isTooMuch = _bufferedBytes > 0 && _bufferedBytes + size > _options.BufferedBytesMax;
            if (isTooMuch || !_buffer.Writer.TryWrite(entry))
            {
                _state = State.Full;
                Unsubscribe();
                return;
            }
            _bufferedBytes += size;
            _lastBuffered = wire.Seq;
            // One at or before that seq was made good by an invitation since.
            if (wire.Event == EventName.MemberRemoved && wire.Member?.PublicToken == _me && wire.Seq > _memberAt)
                EndCore(new RemovedException(LobbyId, wire.LobbyName, wire.Seq));
        }
    }

    /// <summary>No more entries after those in the buffer; then <paramref name="exception"/>, or a calm end.</summary>
    internal void End(Exception? exception)
    {
        lock (_gate)
            EndCore(exception);
    }

    void EndCore(Exception? exception)
    {
        if (_state == State.Over)
            return;
        _state = State.Over;
        _buffer.Writer.TryComplete(exception);
        if (!IsOpen)
            return;
        _all.Remove(this);
        Unsubscribe();
    }

    void Begin(SubscribeReply reply, long after)
    {
        lock (_gate)
        {
            _memberAt = reply.LastSeq;
            if (!IsOpen)
                Open(reply, after);
            else if (_state == State.Asking && !string.Equals(reply.Epoch, Epoch, StringComparison.Ordinal))
                EndCore(RefusedException.From(new Refusal(ErrorCode.LogChanged, "The log is another one")));
            else if (_state == State.Asking)
                _state = State.Flowing;
        }
    }

    void Open(SubscribeReply reply, long after)
    {
        (LobbyId, LobbyName, Rights) = (reply.LobbyId, reply.LobbyName, reply.Rights);
        (LastSeq, Epoch, Erasures) = (reply.LastSeq, reply.Epoch, reply.Erasures);
        Position = new Position(after, reply.Epoch);
        _lastBuffered = after;
        _liveAfter = after;
        if (_state == State.Over)
        {
            // Whoever asked has gone meanwhile; the server must not go on sending to nobody.
            if (_all.Find(LobbyId) is { } other)
                other.Resume();
            else
                Unsubscribe();
        }
        else if (_all.Enter(this) is { } first)
        {
            // Our request moved the position of the first one, which has to put it back.
            first.Resume();
            _state = State.Over;
        }
        else
        {
            IsOpen = true;
            _state = State.Flowing;
        }
    }

    void MakeRoom(int size)
    {
        lock (_gate)
        {
            _bufferedBytes -= size;
            if (_state == State.Full && _bufferedBytes <= _options.BufferedBytesMax / 2
                && _buffer.Reader.Count <= _options.BufferedEntriesMax / 2)
                AskAgain();
        }
    }

    void AskAgain()
    {
        _state = State.Asking;
        _outbox.Add(Ask(LobbyId, new Position(_lastBuffered, Epoch)));
    }

    void Unsubscribe()
    {
        var id = _outbox.NextId();
        var frame = RequestFrame.Write(id, ActionName.Unsubscribe, _token, json => json.WriteLobby(LobbyId));
        _outbox.Add(new Request<DoneReply>(id, RequestKind.Ask, frame) { Token = _token });
    }

    static int SizeOf(Entry entry) => EntryBytes + (entry.Wire.RowData?.Utf8.Length ?? 0);
}
