using System.Diagnostics;

namespace Conclave.Server.Accounts;

/// <summary>
/// Counts failures per key in a table of bounded size. Not safe for concurrent use; its owner locks.
/// </summary>
/// <remarks>
/// Each failure moves the moment when the key is <em>clean</em> again by <c>forgiveness</c>, so one number holds the
/// count and lets it fade. A full table gives a newcomer the entry that is clean first, <em>with what stands in it</em>
/// (the "space saving" counting of Metwally, Agrawal and El Abbadi, 2005): whoever floods the table pushes a victim's
/// entry out last, and when that key returns, at least as much stands against it. A flood only makes it stricter.
/// </remarks>
sealed class FailureTable<TKey>(int capacity, int freeCount, TimeSpan forgiveness)
    where TKey : notnull
{
    static readonly TimeSpan DelayMin = TimeSpan.FromSeconds(1);
    static readonly TimeSpan DelayMax = TimeSpan.FromMinutes(15);

    readonly Dictionary<TKey, Entry> _entries = [];
    readonly SortedSet<Entry> _firstClean = new(Comparer<Entry>.Create(
        (a, b) => a.CleanAt != b.CleanAt ? a.CleanAt.CompareTo(b.CleanAt) : a.Number.CompareTo(b.Number)));

    long _numbers;

    public int Count => _entries.Count;

    /// <summary>How long the key must wait until it may be charged; zero or less when it need not.</summary>
    public TimeSpan WaitOf(TKey key, TimeSpan now)
    {
        RemoveClean(now);
        // Without a delay there is no wait, also for one who looked at the clock before the last charge was made.
        return EntryFor(key) is { } entry && DelayOf(entry) is var delay && delay > TimeSpan.Zero
            ? entry.ChargedAt + delay - now
            : TimeSpan.Zero;
    }

    public void Charge(TKey key, TimeSpan now)
    {
        RemoveClean(now);
        var entry = EntryFor(key);
        if (entry is null)
        {
            entry = new Entry { Key = key, Number = _numbers++, CleanAt = now };
        }
        else
        {
            Remove(entry);
            if (!entry.Key.Equals(key))
            {
                entry.Key = key;
                entry.InheritedCleanAt = entry.CleanAt;
            }
        }

        entry.CleanAt += forgiveness;
        entry.ChargedAt = now;
        Add(entry);
    }

    /// <summary>Takes one charge back.</summary>
    public void Refund(TKey key)
    {
        if (_entries.TryGetValue(key, out var entry))
        {
            Lower(entry, entry.CleanAt - forgiveness);
        }
    }

    /// <summary>Takes all charges of this key back, but not those that its entry had from another key.</summary>
    public void Forget(TKey key)
    {
        if (_entries.TryGetValue(key, out var entry))
        {
            Lower(entry, TimeSpan.MinValue);
        }
    }

    Entry? EntryFor(TKey key) =>
        _entries.TryGetValue(key, out var own) ? own : _entries.Count < capacity ? null : _firstClean.Min;

    void Lower(Entry entry, TimeSpan cleanAt)
    {
        Remove(entry);
        entry.CleanAt = cleanAt > entry.InheritedCleanAt ? cleanAt : entry.InheritedCleanAt;
        if (entry.CleanAt > entry.ChargedAt)
        {
            Add(entry);
        }
    }

    TimeSpan DelayOf(Entry entry)
    {
        // Rounded up: a failure that is half forgiven still counts. Counted at the last charge, so that a wait that was
        // told does not change while it is waited for.
        var count = (entry.CleanAt - entry.ChargedAt + forgiveness - TimeSpan.FromTicks(1)).Ticks / forgiveness.Ticks;
        var doublings = (int)Math.Min(count - freeCount, 30);
        var delay = DelayMin * (1L << Math.Max(doublings, 0));
        return doublings < 0 ? TimeSpan.Zero : delay < DelayMax ? delay : DelayMax;
    }

    void RemoveClean(TimeSpan now)
    {
        while (_firstClean.Min is { } first && first.CleanAt <= now)
        {
            Remove(first);
        }
    }

    void Add(Entry entry)
    {
        Debug.Assert(_entries.Count < capacity);
        _entries.Add(entry.Key, entry);
        _firstClean.Add(entry);
    }

    void Remove(Entry entry)
    {
        _firstClean.Remove(entry);
        _entries.Remove(entry.Key);
    }

    sealed class Entry
    {
        public required TKey Key { get; set; }

        public required long Number { get; init; }

        /// <summary>When everything charged here is forgiven.</summary>
        public required TimeSpan CleanAt { get; set; }

        /// <summary>The part of <see cref="CleanAt"/> that another key, pushed out, was charged.</summary>
        public TimeSpan InheritedCleanAt { get; set; } = TimeSpan.MinValue;

        public TimeSpan ChargedAt { get; set; }
    }
}
