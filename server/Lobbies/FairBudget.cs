namespace Conclave.Server.Lobbies;

/// <summary>
/// A budget of which one user gets a part only: whoever does not take what was made for them holds up nobody but
/// themselves.
/// </summary>
/// <param name="size">All of it, in bytes.</param>
/// <param name="share">What one user gets of it, in bytes.</param>
sealed class FairBudget(long size, long share)
{
    readonly Lock _gate = new();
    readonly Dictionary<Guid, (ByteBudget Share, int Holders)> _shares = [];

    /// <summary>All of it, for what is in nobody's share.</summary>
    public ByteBudget Whole { get; } = new(size);

    /// <summary>Waits until bytes are free, in the user's share and in the whole, and takes them.</summary>
    public async ValueTask<ByteBudget.Lease> LeaseAsync(Guid user, long bytes, CancellationToken cancellation)
    {
        var budget = Enter(user);
        ByteBudget.Lease? own = null;
        try
        {
            own = await budget.LeaseAsync(bytes, cancellation);
            // While holding another: it is always in this order, so that nobody waits in a circle.
            var lease = await Whole.LeaseAsync(bytes, cancellation);
            lease.Behind(own, () => Leave(user));
            return lease;
        }
        catch
        {
            own?.Dispose();
            Leave(user);
            throw;
        }
    }

    /// <summary>Users who hold something of it or wait for it.</summary>
    public int UserCount
    {
        get
        {
            lock (_gate)
                return _shares.Count;
        }
    }

    ByteBudget Enter(Guid user)
    {
        lock (_gate)
        {
            var (own, holders) = _shares.TryGetValue(user, out var known) ? known : (new ByteBudget(share), 0);
            _shares[user] = (own, holders + 1);
            return own;
        }
    }

    void Leave(Guid user)
    {
        lock (_gate)
        {
            var (own, holders) = _shares[user];
            if (holders > 1)
                _shares[user] = (own, holders - 1);
            else
                _shares.Remove(user);
        }
    }
}
