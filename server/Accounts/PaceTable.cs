using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Conclave.Server.Accounts;

/// <summary>How much may come: so many units in each period, evenly, and so many periods' worth at once.</summary>
sealed record Pace(long Units, TimeSpan Period, int Bursts = 1);

/// <summary>
/// Holds each key to one pace, in a table of bounded size. To take costs some ten nanoseconds and no allocation: it is
/// asked for every message.
/// </summary>
/// <remarks>
/// One number for each key: the moment at which all it took will have been earned (the "generic cell rate algorithm" of
/// ATM Forum, Traffic Management 4.0; a token bucket without a timer). What is earned already says nothing, and may go.
/// A full table gives a newcomer the number that is earned first, with what stands in it, like
/// <see cref="FailureTable{TKey}"/>.
/// </remarks>
sealed class PaceTable<TKey>
    where TKey : notnull
{
    // Callers of different keys seldom meet at one lock.
    const int ShardCount = 16;

    readonly Shard[] _shards = new Shard[ShardCount];
    readonly TimeProvider _time;
    readonly Pace _pace;
    readonly int _shardCapacity;
    readonly long _period;
    readonly long _burst;

    // As limits say that there is none.
    readonly bool _isBoundless;

    public PaceTable(Pace pace, int capacity, TimeProvider time)
    {
        _time = time;
        _isBoundless = pace.Units >= int.MaxValue / 2;
        _pace = pace;
        _shardCapacity = Math.Max(1, capacity / ShardCount);
        _period = (long)(pace.Period.TotalSeconds * time.TimestampFrequency);
        _burst = pace.Bursts * _period;
        for (var index = 0; index < ShardCount; index++)
            _shards[index] = new Shard();
    }

    /// <summary>Takes units for a key, or none. More than a burst is taken as a burst.</summary>
    /// <param name="key">Who takes them.</param>
    /// <param name="units">How many.</param>
    /// <param name="retryAfter">If false: how long until there are enough, more than zero.</param>
    public bool TryTake(TKey key, long units, out TimeSpan retryAfter)
    {
        retryAfter = TimeSpan.Zero;
        if (_isBoundless)
            return true;
        var now = _time.GetTimestamp();
        var cost = CostOf(units);
        var shard = _shards[ShardOf(key)];
        long tooEarly;
        lock (shard.Gate)
        {
            ref var earnedAt = ref CollectionsMarshal.GetValueRefOrAddDefault(shard.EarnedAt, key, out var exists);
            if (!exists && shard.EarnedAt.Count > _shardCapacity)
            {
                shard.EarnedAt.Remove(key);
                var inherited = shard.MakeRoom(_shardCapacity, now);
                earnedAt = ref CollectionsMarshal.GetValueRefOrAddDefault(shard.EarnedAt, key, out _);
                earnedAt = inherited;
            }
            var taken = Math.Max(earnedAt, now) + cost;
            tooEarly = taken - now - _burst;
            if (tooEarly <= 0)
                earnedAt = taken;
        }
        if (tooEarly <= 0)
            return true;
        retryAfter = _time.GetElapsedTime(0, tooEarly);
        return false;
    }

    /// <summary>Gives back what was taken and not used.</summary>
    public void Return(TKey key, long units)
    {
        var shard = _shards[ShardOf(key)];
        lock (shard.Gate)
        {
            ref var earnedAt = ref CollectionsMarshal.GetValueRefOrNullRef(shard.EarnedAt, key);
            if (!Unsafe.IsNullRef(ref earnedAt))
                earnedAt -= CostOf(units);
        }
    }

    /// <summary>How many keys are in the table.</summary>
    public int Count
    {
        get
        {
            var count = 0;
            foreach (var shard in _shards)
            {
                lock (shard.Gate)
                    count += shard.EarnedAt.Count;
            }
            return count;
        }
    }

    long CostOf(long units) => Math.Min((long)((Int128)units * _period / _pace.Units), _burst);

    static int ShardOf(TKey key) => key.GetHashCode() & (ShardCount - 1);

    sealed class Shard
    {
        public Lock Gate { get; } = new();

        public Dictionary<TKey, long> EarnedAt { get; } = [];

        /// <summary>Lets go of what is earned, or else of what will be first; returns when that is.</summary>
        public long MakeRoom(int capacity, long now)
        {
            var (first, firstAt) = (default(TKey), long.MaxValue);
            foreach (var (key, earnedAt) in EarnedAt)
            {
                if (earnedAt <= now)
                    EarnedAt.Remove(key);
                else if (earnedAt < firstAt)
                    (first, firstAt) = (key, earnedAt);
            }
            if (EarnedAt.Count < capacity)
                return now;
            EarnedAt.Remove(first!);
            return firstAt;
        }
    }
}
