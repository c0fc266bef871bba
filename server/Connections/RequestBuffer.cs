using System.Buffers;
using Conclave.Server.Lobbies;

namespace Conclave.Server.Connections;

/// <summary>The bytes of a request as they come, and what they hold of a budget. Empty, it holds no memory.</summary>
sealed class RequestBuffer : IDisposable
{
    // Most requests fit. So small a piece is in no budget: a caller sends one request at a time, and what waits for
    // the writer is bounded by its inbox.
    const int SmallBytes = 4 << 10;

    byte[] _bytes = [];
    ByteBudget.Lease? _lease;

    /// <summary>How many bytes have come.</summary>
    public int Count { get; private set; }

    /// <summary>What has come; until <see cref="Release"/>.</summary>
    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, Count);

    /// <summary>Where the next bytes go; <see cref="Advance"/> says how many did.</summary>
    public Span<byte> Room => _bytes.AsSpan(Count);

    /// <summary>Whether it holds a share of a budget.</summary>
    public bool IsLeased => _lease is not null;

    /// <summary>Makes room for a small request, if there is no memory yet.</summary>
    public void Open()
    {
        if (_bytes.Length == 0)
            _bytes = ArrayPool<byte>.Shared.Rent(SmallBytes);
    }

    public void Advance(int count) => Count += count;

    /// <summary>Waits for a share of <paramref name="budget"/>, in place of the one held so far.</summary>
    public async ValueTask LeaseAsync(ByteBudget budget, int bytes, CancellationToken cancellation)
    {
        // Given back only then. It is no waiting in a circle: who holds the larger share waits for no smaller one.
        using var smaller = _lease;
        _lease = await budget.LeaseAsync(bytes, cancellation);
    }

    /// <summary>Makes it larger, up to <paramref name="bytesMax"/>.</summary>
    public void Grow(long bytesMax)
    {
        var larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(4L * _bytes.Length, bytesMax));
        Written.Span.CopyTo(larger);
        Wipe();
        _bytes = larger;
    }

    /// <summary>The request is whole: gives back what it does not need of the budget.</summary>
    public void Settle() => _lease?.ShrinkTo(Count);

    /// <summary>Hands over what the request holds of the budget; null for a small one.</summary>
    public ByteBudget.Lease? TakeLease()
    {
        var lease = _lease;
        _lease = null;
        return lease;
    }

    /// <summary>Done with the request.</summary>
    public void Release()
    {
        if (_bytes.Length > 0)
            Wipe();
        _bytes = [];
        Count = 0;
        TakeLease()?.Dispose();
    }

    public void Dispose() => Release();

    // It may have been a password.
    void Wipe()
    {
        _bytes.AsSpan(0, Count).Clear();
        ArrayPool<byte>.Shared.Return(_bytes);
    }
}
