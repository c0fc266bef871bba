using Conclave.Server.Accounts;
using CsCheck;

namespace Conclave.Tests.Server.Accounts;

/// <summary>The table against a plainly right model: one record per key, for ever, each counted by hand.</summary>
public sealed class FailureTableTests
{
    const int Free = 3;
    static readonly TimeSpan Forgiveness = TimeSpan.FromSeconds(100);

    static readonly Gen<Step> Steps = Gen.Select(
        Gen.Enum<What>(), Gen.Int[0, 4], Gen.Int[0, 2000], (what, key, tenths) => new Step(what, key, tenths));

    enum What
    {
        Try,
        TryAgain,
        Refund,
        Forget,
        Wait,
    }

    [Fact]
    public void Free_attempt_that_read_the_clock_before_another_was_charged_need_not_wait()
    {
        var table = new FailureTable<int>(capacity: 5, Free, Forgiveness);
        var now = TimeSpan.FromSeconds(10);

        table.Charge(1, now);

        Assert.Equal(TimeSpan.Zero, Positive(table.WaitOf(1, now - TimeSpan.FromMilliseconds(3))));
    }

    [Fact]
    public void Table_that_is_large_enough_does_what_the_model_does() => Steps.Array[0, 200].Sample(steps =>
    {
        var table = new FailureTable<int>(capacity: 5, Free, Forgiveness);
        var model = new Model();
        var now = TimeSpan.Zero;
        foreach (var (what, key, tenths) in steps)
        {
            switch (what)
            {
                case What.Refund when model.MayRefund(key, now):
                    model.Refund(key);
                    table.Refund(key);
                    break;
                case What.Forget:
                    model.Forget(key);
                    table.Forget(key);
                    break;
                case What.Wait:
                    now += TimeSpan.FromSeconds(tenths / 10.0);
                    break;
                default:
                    var wait = model.WaitOf(key, now);
                    Assert.Equal(wait, Positive(table.WaitOf(key, now)));
                    if (wait == TimeSpan.Zero)
                    {
                        model.Charge(key, now);
                        table.Charge(key, now);
                    }

                    break;
            }
        }
    });

    [Fact]
    public void Key_has_no_more_free_attempts_in_a_table_that_is_too_small() =>
        Gen.Select(Gen.Int[1, 6], Gen.Int[0, 20].Array[0, 400]).Sample((capacity, keys) =>
        {
            var table = new FailureTable<int>(capacity, Free, Forgiveness);
            var permitted = new int[21];
            foreach (var key in keys)
            {
                if (table.WaitOf(key, TimeSpan.Zero) <= TimeSpan.Zero)
                {
                    table.Charge(key, TimeSpan.Zero);
                    permitted[key]++;
                }
            }

            Assert.All(permitted, count => Assert.InRange(count, 0, Free));
            Assert.InRange(table.Count, 0, capacity);
        });

    [Fact]
    public void Success_of_a_newcomer_does_not_clear_what_it_took_over()
    {
        var table = new FailureTable<string>(capacity: 1, Free, Forgiveness);
        table.Charge("victim", TimeSpan.Zero);
        table.Charge("victim", TimeSpan.Zero);
        table.Charge("own", TimeSpan.Zero);
        table.Forget("own");
        table.Charge("victim", TimeSpan.Zero);

        Assert.True(table.WaitOf("victim", TimeSpan.Zero) > TimeSpan.Zero);
    }

    [Fact]
    public void Newcomer_takes_over_the_entry_that_is_clean_first()
    {
        var table = new FailureTable<string>(capacity: 2, Free, Forgiveness);
        table.Charge("once", TimeSpan.Zero);
        for (var i = 0; i < Free; i++)
        {
            table.Charge("punished", TimeSpan.Zero);
        }

        table.Charge("newcomer", TimeSpan.Zero);

        Assert.True(table.WaitOf("newcomer", TimeSpan.Zero) <= TimeSpan.Zero);
        Assert.True(table.WaitOf("punished", TimeSpan.Zero) > TimeSpan.Zero);
    }

    [Fact]
    public void Clean_keys_leave_the_table()
    {
        var table = new FailureTable<int>(capacity: 1000, Free, Forgiveness);
        for (var key = 0; key < 1000; key++)
        {
            table.Charge(key, TimeSpan.Zero);
        }

        table.Charge(1000, Forgiveness);

        Assert.Equal(1, table.Count);
    }

    static TimeSpan Positive(TimeSpan wait) => wait > TimeSpan.Zero ? wait : TimeSpan.Zero;

    sealed record Step(What What, int Key, int Tenths);

    /// <summary>A bucket that leaks one failure per forgiveness, and the last charge.</summary>
    sealed class Model
    {
        readonly (int Count, TimeSpan LeakedAt, int CountThen, TimeSpan ChargedAt)[] _keys =
            new (int, TimeSpan, int, TimeSpan)[5];

        public TimeSpan WaitOf(int key, TimeSpan now)
        {
            var (_, _, count, chargedAt) = _keys[key];
            var seconds = count < Free ? 0 : Math.Min(900, Math.Pow(2, count - Free));
            return Positive(chargedAt + TimeSpan.FromSeconds(seconds) - now);
        }

        public bool MayRefund(int key, TimeSpan now) => _keys[key].CountThen > 0 && _keys[key].ChargedAt == now;

        public void Charge(int key, TimeSpan now)
        {
            var (count, leakedAt, _, _) = _keys[key];
            while (count > 0 && leakedAt + Forgiveness <= now)
            {
                count--;
                leakedAt += Forgiveness;
            }

            if (count == 0)
            {
                leakedAt = now;
            }

            _keys[key] = (count + 1, leakedAt, count + 1, now);
        }

        public void Refund(int key)
        {
            var (count, leakedAt, countThen, chargedAt) = _keys[key];
            _keys[key] = (count - 1, leakedAt, countThen - 1, chargedAt);
        }

        public void Forget(int key) => _keys[key] = default;
    }
}
