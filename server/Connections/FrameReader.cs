using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text.Unicode;
using Conclave.Protocol;
using Conclave.Server.Lobbies;

namespace Conclave.Server.Connections;

/// <summary>The memory budgets of requests: of callers that have shown a valid token, and of the others.</summary>
sealed class RequestBudgets(Limits limits)
{
    public ByteBudget Known { get; } = new(limits.RequestBytesBudget);

    public ByteBudget Anonymous { get; } = new(limits.AnonymousRequestBytesBudget);
}

/// <summary>
/// Reads requests from the bytes of an upgraded connection (RFC 6455, section 5), one at a time. While none is there
/// it holds no buffer.
/// </summary>
sealed class FrameReader(PipeReader input, RequestBudgets budgets, Limits limits, TimeProvider time) : IDisposable
{
    readonly RequestBuffer _buffer = new();
    FrameHeader _frame;

    // Of the payload of the frame that is being read; -1 while none is.
    long _bytesLeft = -1;
    bool _isInMessage;
    int _bytesMax;
    long _readingSince;
    long _growingSince;
    byte[]? _ping;

    /// <summary>Since when we wait for the peer to send something, as a timestamp; 0 if we do not.</summary>
    public long ReadingSince => Interlocked.Read(ref _readingSince);

    /// <summary>Since when a request that is not small has been arriving, as a timestamp; 0 if none is.</summary>
    public long GrowingSince => Interlocked.Read(ref _growingSince);

    /// <summary>The request that was read; until <see cref="Release"/>.</summary>
    public ReadOnlyMemory<byte> Request => _buffer.Written;

    /// <summary>Called with what a ping carries, to be sent back.</summary>
    public required Action<byte[]> Pinged { get; init; }

    /// <summary>Waits for the next request.</summary>
    /// <param name="isKnown">Whether the caller has shown a valid token.</param>
    /// <param name="cancellation">Gives up waiting for memory.</param>
    /// <returns>0 when it is there; else why there is none: the peer closes, or must be closed.</returns>
    /// <exception cref="IOException">The connection is gone.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<int> ReadAsync(bool isKnown, CancellationToken cancellation)
    {
        _bytesMax = isKnown ? limits.RequestBytesMax : limits.AnonymousRequestBytesMax;
        while (true)
        {
            var reading = input.ReadAsync(CancellationToken.None);
            if (!reading.IsCompleted)
                Interlocked.Exchange(ref _readingSince, time.GetTimestamp());
            var result = await reading;
            Interlocked.Exchange(ref _readingSince, 0);
            var (step, closeCode) = Take(result.Buffer);
            if (_ping is { } ping)
            {
                _ping = null;
                Pinged(ping);
            }
            switch (step)
            {
                case Step.Done:
                    return closeCode;
                case Step.More when result.IsCompleted:
                    throw new EndOfStreamException("the peer left without a goodbye");
                case Step.Full:
                    await GrowAsync(isKnown ? budgets.Known : budgets.Anonymous, cancellation);
                    break;
                default:
                    break;
            }
        }
    }

    /// <summary>Throws away what the peer still sends, until it says goodbye or is gone.</summary>
    public async Task DiscardAsync()
    {
        Release();
        while (true)
        {
            var result = await input.ReadAsync(CancellationToken.None);
            var left = result.Buffer;
            var isOver = SkipToClose(ref left) || result.IsCompleted;
            input.AdvanceTo(left.Start, left.End);
            if (isOver)
                return;
        }
    }

    /// <summary>Hands over what the request holds of the budget; null for a small one.</summary>
    public ByteBudget.Lease? TakeLease() => _buffer.TakeLease();

    /// <summary>Done with the request.</summary>
    public void Release()
    {
        _buffer.Release();
        Interlocked.Exchange(ref _growingSince, 0);
    }

    public void Dispose() => _buffer.Dispose();

    bool SkipToClose(ref ReadOnlySequence<byte> buffer)
    {
        try
        {
            while (true)
            {
                var skipped = Math.Min(Math.Max(_bytesLeft, 0), buffer.Length);
                buffer = buffer.Slice(skipped);
                _bytesLeft -= skipped;
                if (_bytesLeft > 0 || !FrameHeader.TryRead(ref buffer, out var header))
                    return false;
                if (header.Kind == FrameKind.Close)
                    return true;
                _bytesLeft = header.Bytes;
            }
        }
        catch (InvalidDataException)
        {
            // No frames at all: no close can be told from the rest, and all there is to wait for is the end.
            _bytesLeft = long.MaxValue;
            buffer = buffer.Slice(buffer.End);
            return false;
        }
    }

    // Takes what there is, up to the end of a message.
    (Step Step, int CloseCode) Take(ReadOnlySequence<byte> buffer)
    {
        var end = buffer.End;
        var outcome = (Step: Step.Next, CloseCode: 0);
        try
        {
            while (outcome.Step == Step.Next)
            {
                if (!TryBegin(ref buffer, out var closeCode))
                    outcome = (Step.More, 0);
                else
                    outcome = closeCode != 0 ? (Step.Done, closeCode) : TakePayload(ref buffer);
            }
        }
        catch (InvalidDataException)
        {
            outcome = (Step.Done, CloseCode.ProtocolError);
        }
        input.AdvanceTo(buffer.Start, outcome.Step == Step.More ? end : buffer.Start);
        return outcome;
    }

    // Comes to the payload of a frame of a message. False if that is not there yet.
    bool TryBegin(ref ReadOnlySequence<byte> buffer, out int closeCode)
    {
        closeCode = 0;
        while (_bytesLeft < 0)
        {
            var ahead = buffer;
            if (!FrameHeader.TryRead(ref ahead, out var header))
                return false;
            if (header.IsControl)
            {
                if (ahead.Length < header.Bytes)
                    return false;
                if (header.Kind == FrameKind.Close)
                    closeCode = CloseCode.Done;
                else if (header.Kind == FrameKind.Ping)
                    _ping = Payload(header, ahead);
                buffer = ahead.Slice(header.Bytes);
                if (closeCode != 0)
                    return true;
                continue;
            }
            buffer = ahead;
            if (header.Kind == FrameKind.Binary)
                closeCode = CloseCode.Binary;
            else if (header.Kind == FrameKind.Continuation != _isInMessage)
                closeCode = CloseCode.ProtocolError;
            else if (header.Bytes > _bytesMax - _buffer.Count)
                closeCode = CloseCode.TooBig;
            (_frame, _bytesLeft, _isInMessage) = (header, header.Bytes, true);
        }
        return true;
    }

    (Step Step, int CloseCode) TakePayload(ref ReadOnlySequence<byte> buffer)
    {
        _buffer.Open();
        while (_bytesLeft > 0 && !buffer.IsEmpty)
        {
            var room = _buffer.Room;
            if (room.IsEmpty)
                return (Step.Full, 0);
            var piece = buffer.FirstSpan;
            piece = piece[..(int)Math.Min(Math.Min(_bytesLeft, room.Length), piece.Length)];
            _frame.Unmask(piece, room, _frame.Bytes - _bytesLeft);
            _buffer.Advance(piece.Length);
            _bytesLeft -= piece.Length;
            buffer = buffer.Slice(piece.Length);
        }
        if (_bytesLeft > 0)
            return (Step.More, 0);
        _bytesLeft = -1;
        if (!_frame.IsFinal)
            return (Step.Next, 0);
        _isInMessage = false;
        _buffer.Settle();
        Interlocked.Exchange(ref _growingSince, 0);
        return (Step.Done, Utf8.IsValid(Request.Span) ? 0 : CloseCode.NotUtf8);
    }

    static byte[] Payload(in FrameHeader header, ReadOnlySequence<byte> buffer)
    {
        var payload = buffer.Slice(0, header.Bytes).ToArray();
        header.Unmask(payload, payload, 0);
        return payload;
    }

    async ValueTask GrowAsync(ByteBudget budget, CancellationToken cancellation)
    {
        // All it may become, at once: growing step by step, many could wait for each other.
        if (!_buffer.IsLeased)
        {
            await _buffer.LeaseAsync(budget, _bytesMax, cancellation);
            Interlocked.Exchange(ref _growingSince, time.GetTimestamp());
        }
        _buffer.Grow(_bytesMax);
    }

    enum Step
    {
        /// <summary>Nothing is left to take: more must come.</summary>
        More,

        /// <summary>A part of the message is taken; its next may be there.</summary>
        Next,

        /// <summary>The buffer is full: it must grow.</summary>
        Full,
        Done,
    }
}
