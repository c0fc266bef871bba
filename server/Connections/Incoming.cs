using System.Buffers;
using System.Net.WebSockets;
using Conclave.Protocol;
using Conclave.Server.Lobbies;

namespace Conclave.Server.Connections;

/// <summary>The memory budgets of requests: of callers that have shown a valid token, and of the others.</summary>
sealed class RequestBudgets(Limits limits)
{
    public ByteBudget Known { get; } = new(limits.RequestBytesBudget);

    public ByteBudget Anonymous { get; } = new(limits.AnonymousRequestBytesBudget);
}

/// <summary>One request as it came, and its share of the budget. Disposed when nothing needs it any more.</summary>
sealed class IncomingFrame(byte[] buffer, int count, ByteBudget.Lease lease) : IDisposable
{
    public ReadOnlyMemory<byte> Bytes => buffer.AsMemory(0, count);

    /// <summary>What it holds of the budget; whoever goes on using a copy of the bytes keeps it.</summary>
    public ByteBudget.Lease Lease { get; } = lease;

    public void Dispose() => ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
}

/// <summary>Reads requests from a WebSocket; a connection without one holds no buffer.</summary>
sealed class Incoming(WebSocket socket, RequestBudgets budgets, Limits limits, TimeProvider time)
{
    // Most requests fit, and so small a piece is not worth waiting for.
    const int SmallBytes = 4 << 10;

    long _growingSince;

    /// <summary>Since when a request that is not small has been arriving, as a timestamp; 0 if none is.</summary>
    public long GrowingSince => Interlocked.Read(ref _growingSince);

    /// <summary>The next request; or null and why there is none: the peer closes, or must be closed.</summary>
    /// <param name="isKnown">Whether the caller has shown a valid token.</param>
    /// <param name="cancellation">Aborts the connection.</param>
    public async ValueTask<(IncomingFrame? Frame, int CloseCode)> ReadAsync(
        bool isKnown, CancellationToken cancellation)
    {
        // Waits without a buffer; says what comes.
        var first = await socket.ReceiveAsync(Memory<byte>.Empty, cancellation);
        if (first.MessageType == WebSocketMessageType.Close)
            return (null, CloseCode.Done);
        if (first.MessageType == WebSocketMessageType.Binary)
            return (null, CloseCode.Binary);
        var bytesMax = isKnown ? limits.RequestBytesMax : limits.AnonymousRequestBytesMax;
        var budget = isKnown ? budgets.Known : budgets.Anonymous;
        var lease = budget.Take(SmallBytes);
        var buffer = ArrayPool<byte>.Shared.Rent(SmallBytes);
        var count = 0;
        var isWhole = first.EndOfMessage;
        var hasGrown = false;
        try
        {
            while (!isWhole)
            {
                if (count == buffer.Length)
                {
                    if (!hasGrown)
                    {
                        // All it may become, at once: growing step by step, many could wait for each other.
                        hasGrown = true;
                        lease.Dispose();
                        lease = await budget.LeaseAsync(bytesMax, cancellation);
                        Interlocked.Exchange(ref _growingSince, time.GetTimestamp());
                    }
                    buffer = Grow(buffer, count, bytesMax);
                }
                var part = await socket.ReceiveAsync(buffer.AsMemory(count), cancellation);
                if (part.MessageType == WebSocketMessageType.Close)
                    return (null, CloseCode.Done);
                count += part.Count;
                isWhole = part.EndOfMessage;
                if (count > bytesMax)
                    return (null, CloseCode.TooBig);
            }
            lease.ShrinkTo(count);
            var frame = new IncomingFrame(buffer, count, lease);
            (buffer, lease) = ([], null!);
            return (frame, 0);
        }
        finally
        {
            Interlocked.Exchange(ref _growingSince, 0);
            lease?.Dispose();
            if (buffer.Length > 0)
                ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
        }
    }

    static byte[] Grow(byte[] buffer, int count, int bytesMax)
    {
        // One byte more than allowed, so that a request of just the limit is told from a larger one.
        var larger = ArrayPool<byte>.Shared.Rent(Math.Min(4 * count, bytesMax + 1));
        buffer.AsSpan(0, count).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
        return larger;
    }
}
