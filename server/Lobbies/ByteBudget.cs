namespace Conclave.Server.Lobbies;

/// <summary>
/// Memory that many share. Whoever finds it used up waits, in order, and that is the back-pressure: nothing fails.
/// While holding a lease, only one of another budget is waited for, and always in the same order of budgets, so that
/// nobody waits in a circle.
/// </summary>
sealed class ByteBudget(long size)
{
    readonly long _bytesMax = size;
    readonly Lock _gate = new();
    readonly Queue<(long Bytes, TaskCompletionSource<Lease> Turn)> _waiting = new();
    long _free = size;

    /// <summary>Bytes that are taken now.</summary>
    public long BytesTaken
    {
        get
        {
            lock (_gate)
                return _bytesMax - _free;
        }
    }

    /// <summary>How many wait for bytes.</summary>
    public int Waiting
    {
        get
        {
            lock (_gate)
                return _waiting.Count;
        }
    }

    /// <summary>Takes bytes at once, if need be beyond the budget: for amounts too small to wait for.</summary>
    public Lease Take(long bytes)
    {
        lock (_gate)
            _free -= bytes;
        return new Lease(this, bytes);
    }

    /// <summary>Waits until bytes are free, and takes them. More than the whole budget waits for all of it.</summary>
    public async ValueTask<Lease> LeaseAsync(long bytes, CancellationToken cancellation)
    {
        bytes = Math.Min(bytes, _bytesMax);
        TaskCompletionSource<Lease> turn;
        lock (_gate)
        {
            if (_waiting.Count == 0 && _free >= bytes)
            {
                _free -= bytes;
                return new Lease(this, bytes);
            }
            turn = new TaskCompletionSource<Lease>(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue((bytes, turn));
        }
        await using (cancellation.Register(() => GiveUp(turn, cancellation)))
            return await turn.Task;
    }

    // Those behind may want less: nobody else would look at them before the next lease comes back.
    void GiveUp(TaskCompletionSource<Lease> turn, CancellationToken cancellation)
    {
        if (turn.TrySetCanceled(cancellation))
            Return(0);
    }

    void Return(long bytes)
    {
        lock (_gate)
        {
            _free += bytes;
            while (_waiting.TryPeek(out var next) && (next.Turn.Task.IsCanceled || _free >= next.Bytes))
            {
                _waiting.Dequeue();
                // A waiter may have given up this very moment.
                if (next.Turn.TrySetResult(new Lease(this, next.Bytes)))
                    _free -= next.Bytes;
            }
        }
    }

    /// <summary>Bytes taken from a budget, until disposed.</summary>
    public sealed class Lease(ByteBudget budget, long bytes) : IDisposable
    {
        long _bytes = bytes;
        Lease? _share;
        Action? _ended;

        /// <summary>Lets a share stand behind this one: it shrinks and ends with it.</summary>
        public void Behind(Lease share, Action ended) => (_share, _ended) = (share, ended);

        /// <summary>Gives back all but <paramref name="bytes"/>.</summary>
        public void ShrinkTo(long bytes)
        {
            _share?.ShrinkTo(bytes);
            var excess = _bytes - bytes;
            if (excess <= 0)
                return;
            _bytes = bytes;
            budget.Return(excess);
        }

        public void Dispose()
        {
            var held = Interlocked.Exchange(ref _bytes, 0);
            if (held > 0)
                budget.Return(held);
            if (Interlocked.Exchange(ref _ended, null) is not { } ended)
                return;
            _share!.Dispose();
            ended();
        }
    }
}
