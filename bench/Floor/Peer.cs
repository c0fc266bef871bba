using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace Conclave.Bench.Floor;

/// <summary>
/// One connection: reads frames, and sends acknowledgements and what its subscriptions have not had yet. A position
/// is all that is kept for a subscription, so a slow reader costs nothing more.
/// </summary>
sealed class Peer(ConnectionContext connection, Writer writer, Store store)
{
    const int PageCount = 1000;

    // Enough for one send; a larger one only fills the socket's buffer.
    const int SendBytes = 64 << 10;

    // Of a post, all before the body; other frames are shorter.
    const int HeadBytesMax = 25;

    readonly PipeReader _input = connection.Transport.Input;
    readonly PipeWriter _output = connection.Transport.Output;
    readonly Lock _gate = new();
    readonly List<Subscription> _subscriptions = [];
    readonly List<Draft> _drafts = [];
    ArrayBufferWriter<byte> _replies = new(256);
    ArrayBufferWriter<byte> _leaving = new(256);
    Page? _page;
    bool _isSending;
    bool _isWoken;
    bool _isOver;

    /// <summary>There are no users: each connection is an author.</summary>
    public Guid Author { get; } = Guid.NewGuid();

    public async Task RunAsync()
    {
        try
        {
            while (true)
            {
                var read = await _input.ReadAsync();
                var rest = read.Buffer;
                while (TryTake(ref rest, out var frame))
                    await HandleAsync(frame);
                if (_drafts.Count > 0)
                    writer.Add(_drafts);
                _drafts.Clear();
                _input.AdvanceTo(rest.Start, rest.End);
                if (read.IsCompleted)
                    return;
            }
        }
        catch (Exception fault) when (fault is IOException or ConnectionAbortedException)
        {
            // The peer is gone.
        }
        finally
        {
            lock (_gate)
            {
                _isOver = true;
                foreach (var subscription in _subscriptions)
                    subscription.Lobby.Remove(this);
            }
        }
    }

    public void Acknowledge(uint id, long seq)
    {
        lock (_gate)
        {
            Wire.WriteAck(_replies.GetSpan(Wire.AckBytes), id, seq);
            _replies.Advance(Wire.AckBytes);
        }
    }

    /// <summary>Sends what there is, unless that goes on already; then it looks again.</summary>
    public void Wake()
    {
        lock (_gate)
        {
            _isWoken = true;
            if (_isSending || _isOver)
                return;
            _isSending = true;
        }
        _ = SendAllAsync();
    }

    static bool TryTake(ref ReadOnlySequence<byte> rest, out ReadOnlySequence<byte> frame)
    {
        frame = default;
        if (rest.Length < Wire.HeaderBytes)
            return false;
        Span<byte> length = stackalloc byte[4];
        rest.Slice(0, 4).CopyTo(length);
        var bytes = BinaryPrimitives.ReadInt32LittleEndian(length);
        if (rest.Length < 4 + bytes)
            return false;
        frame = rest.Slice(4, bytes);
        rest = rest.Slice(4 + bytes);
        return true;
    }

    // Only what a lobby is named in for the first time, or reads from the database, has to wait.
    ValueTask HandleAsync(ReadOnlySequence<byte> frame)
    {
        Span<byte> head = stackalloc byte[HeadBytesMax];
        head = head[..(int)Math.Min(HeadBytesMax, frame.Length)];
        frame.Slice(0, head.Length).CopyTo(head);
        var lobby = BinaryPrimitives.ReadInt32LittleEndian(head[1..]);
        switch (head[0])
        {
            case Wire.Post:
                var id = BinaryPrimitives.ReadUInt32LittleEndian(head[5..]);
                var nonce = new Guid(head[9..HeadBytesMax]);
                var body = frame.Slice(HeadBytesMax).ToArray();
                if (writer.Find(lobby) is not { } open)
                    return PostAsync(lobby, id, nonce, body);
                _drafts.Add(new Draft(this, open, id, nonce, body));
                return default;
            case Wire.Subscribe:
                return SubscribeAsync(lobby, after: BinaryPrimitives.ReadInt64LittleEndian(head[5..]));
            case Wire.Read:
                var count = BinaryPrimitives.ReadInt32LittleEndian(head[13..]);
                return ReadAsync(lobby, after: BinaryPrimitives.ReadInt64LittleEndian(head[5..]), count);
            default:
                throw new IOException("a frame of no known kind");
        }
    }

    async ValueTask PostAsync(int lobby, uint id, Guid nonce, byte[] body) =>
        _drafts.Add(new Draft(this, await writer.OpenAsync(lobby), id, nonce, body));

    async ValueTask SubscribeAsync(int number, long after)
    {
        var lobby = await writer.OpenAsync(number);
        lock (_gate)
        {
            var position = lobby.Add(this, after);
            _subscriptions.Add(new Subscription(lobby) { Position = position });
            Reply(Wire.Subscribed, lobby.Number, lobby.LastSeq, []);
        }
        Wake();
    }

    async ValueTask ReadAsync(int number, long after, int count)
    {
        var lobby = await writer.OpenAsync(number);
        var page = new Page();
        await store.ReadAsync(lobby, after, count, page);
        lock (_gate)
            Reply(Wire.ReadEnd, lobby.Number, lobby.LastSeq, page.Frames);
        Wake();
    }

    void Reply(byte kind, int lobby, long lastSeq, ReadOnlySpan<byte> entries)
    {
        _replies.Write(entries);
        Wire.WriteEnd(_replies.GetSpan(Wire.EndBytes), kind, lobby, lastSeq);
        _replies.Advance(Wire.EndBytes);
    }

    async Task SendAllAsync()
    {
        try
        {
            while (TakeReplies())
            {
                _output.Write(_leaving.WrittenSpan);
                _leaving.ResetWrittenCount();
                // Only the reading half adds to the list, and this looks again after it did.
                for (var index = 0; index < _subscriptions.Count; index++)
                    await AddEntriesAsync(_subscriptions[index]);
                var flushed = await _output.FlushAsync();
                if (flushed.IsCompleted)
                    return;
            }
        }
        catch (Exception fault) when (fault is IOException or ConnectionAbortedException)
        {
            // The peer is gone.
        }
    }

    bool TakeReplies()
    {
        lock (_gate)
        {
            _isSending = _isWoken;
            _isWoken = false;
            if (_isSending)
                (_replies, _leaving) = (_leaving, _replies);
            return _isSending;
        }
    }

    async ValueTask AddEntriesAsync(Subscription subscription)
    {
        var lobby = subscription.Lobby;
        while (subscription.Position < lobby.LastSeq)
        {
            if (_output.UnflushedBytes >= SendBytes && (await _output.FlushAsync()).IsCompleted)
                return;
            var position = subscription.Position;
            var frames = lobby.Take(ref position);
            if (!frames.IsEmpty)
            {
                _output.Write(frames.Span);
                subscription.Position = position;
                continue;
            }
            _page ??= new Page();
            _page.Clear();
            await store.ReadAsync(lobby, subscription.Position, PageCount, _page);
            if (_page.Count == 0)
                return;
            _output.Write(_page.Frames);
            subscription.Position = _page.LastSeq;
        }
    }

    sealed class Subscription(Lobby lobby)
    {
        public Lobby Lobby => lobby;

        public long Position { get; set; }
    }
}
