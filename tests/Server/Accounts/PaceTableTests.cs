using Conclave.Server.Accounts;
using CsCheck;
using Microsoft.Extensions.Time.Testing;

namespace Conclave.Tests.Server.Accounts;

public sealed class PaceTableTests
{
    static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    readonly FakeTimeProvider _time = new();

    [Fact]
    public void Burst_may_come_at_once_and_then_what_is_earned()
    {
        var table = new PaceTable<string>(new Pace(500, Second, Bursts: 2), 1000, _time);
        for (var taken = 0; taken < 1000; taken++)
            Assert.True(table.TryTake("alice", 1, out _));

        Assert.False(table.TryTake("alice", 1, out var wait));
        Assert.Equal(TimeSpan.FromMilliseconds(2), wait);
        Assert.True(table.TryTake("bob", 1, out _));
        _time.Advance(wait - TimeSpan.FromTicks(1));
        Assert.False(table.TryTake("alice", 1, out wait));
        _time.Advance(wait);
        Assert.True(table.TryTake("alice", 1, out _));
        Assert.False(table.TryTake("alice", 1, out _));
        _time.Advance(Second);
        Assert.True(table.TryTake("alice", 500, out _));
        Assert.False(table.TryTake("alice", 1, out _));
    }

    [Fact]
    public void What_is_given_back_may_be_taken_again_and_more_than_a_burst_takes_a_burst()
    {
        var table = new PaceTable<string>(new Pace(10, Second), 1000, _time);
        Assert.True(table.TryTake("alice", 1000, out _));
        Assert.False(table.TryTake("alice", 1, out _));
        table.Return("alice", 3);
        table.Return("nobody", 3);
        Assert.True(table.TryTake("alice", 3, out _));
        Assert.False(table.TryTake("alice", 1, out _));
    }

    [Fact]
    public void No_schedule_takes_more_than_the_pace_and_every_wait_is_long_enough_and_not_too_long()
    {
        var attempt = Gen.Select(Gen.Int[0, 800], Gen.Long[1, 12]);
        Gen.Select(Gen.Long[1, 50], Gen.Int[1, 3], attempt.Array[1, 60]).Sample((units, bursts, attempts) =>
        {
            var time = new FakeTimeProvider();
            var table = new PaceTable<int>(new Pace(units, Second, bursts), 100, time);
            var burst = units * bursts;
            List<(double At, long Units)> taken = [];
            var now = 0.0;
            foreach (var (milliseconds, wanted) in attempts)
            {
                time.Advance(TimeSpan.FromMilliseconds(milliseconds));
                now += milliseconds / 1000.0;
                var cost = Math.Min(wanted, burst);
                if (table.TryTake(1, wanted, out var wait))
                {
                    taken.Add((now, cost));
                    continue;
                }
                Assert.True(wait > TimeSpan.Zero);
                time.Advance(wait - TimeSpan.FromTicks(1));
                Assert.False(table.TryTake(1, wanted, out _));
                time.Advance(TimeSpan.FromTicks(1));
                now += wait.TotalSeconds;
                Assert.True(table.TryTake(1, wanted, out _));
                taken.Add((now, cost));
            }
            for (var first = 0; first < taken.Count; first++)
            {
                var sum = 0L;
                foreach (var (at, cost) in taken.Skip(first))
                {
                    sum += cost;
                    Assert.True(sum <= burst + (at - taken[first].At) * units + 1e-3);
                }
            }
        });
    }

    [Fact]
    public async Task Those_who_take_at_one_time_get_exactly_the_burst()
    {
        var table = new PaceTable<Guid>(new Pace(1000, Second), 1000, _time);
        var key = Guid.NewGuid();
        var taken = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(
            () => Enumerable.Range(0, 1000).Count(_ => table.TryTake(key, 1, out var _)))));
        Assert.Equal(1000, taken.Sum());
    }

    [Fact]
    public void Flood_of_keys_neither_grows_the_table_nor_frees_one_that_took_too_much()
    {
        var table = new PaceTable<int>(new Pace(2, TimeSpan.FromMinutes(1)), 256, _time);
        Assert.True(table.TryTake(-1, 2, out _));
        for (var key = 0; key < 20_000; key++)
            table.TryTake(key, 1, out _);

        Assert.InRange(table.Count, 1, 256);
        Assert.False(table.TryTake(-1, 1, out _));
        _time.Advance(TimeSpan.FromHours(1));
        Assert.True(table.TryTake(-1, 1, out _));
    }

    [Fact]
    public void Pace_without_a_bound_holds_nobody_back()
    {
        var table = new PaceTable<int>(new Pace(int.MaxValue / 2, Second), 256, _time);
        for (var taken = 0; taken < 1000; taken++)
            Assert.True(table.TryTake(1, int.MaxValue, out _));
        Assert.Equal(0, table.Count);
    }
}
