using Conclave.Server.Lobbies;
using CsCheck;

namespace Conclave.Tests.Server.Lobbies;

public sealed class ByteBudgetTests
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Who_finds_the_budget_used_up_waits_for_bytes_to_come_back()
    {
        var budget = new ByteBudget(100);
        var first = await budget.LeaseAsync(70, Cancellation);
        var second = budget.LeaseAsync(50, Cancellation).AsTask();
        Assert.False(second.IsCompleted);

        first.ShrinkTo(51);
        Assert.False(second.IsCompleted);
        first.ShrinkTo(50);
        using var lease = await second.WaitAsync(Patience, Cancellation);
        first.Dispose();
        first.Dispose();
        Assert.False(budget.LeaseAsync(51, Cancellation).AsTask().IsCompleted);
    }

    [Fact]
    public async Task Waiters_are_served_in_the_order_they_came_however_little_they_want()
    {
        var budget = new ByteBudget(100);
        var holder = await budget.LeaseAsync(100, Cancellation);
        var large = budget.LeaseAsync(100, Cancellation).AsTask();
        var small = budget.LeaseAsync(1, Cancellation).AsTask();

        holder.ShrinkTo(50);
        Assert.False(small.IsCompleted);
        holder.Dispose();
        var served = await large.WaitAsync(Patience, Cancellation);
        Assert.False(small.IsCompleted);
        served.Dispose();
        await small.WaitAsync(Patience, Cancellation);
    }

    [Fact]
    public async Task More_than_the_whole_budget_waits_for_all_of_it()
    {
        var budget = new ByteBudget(100);
        var small = await budget.LeaseAsync(1, Cancellation);
        var huge = budget.LeaseAsync(1000, Cancellation).AsTask();
        Assert.False(huge.IsCompleted);
        small.Dispose();
        (await huge.WaitAsync(Patience, Cancellation)).Dispose();
        Assert.True(budget.LeaseAsync(100, Cancellation).AsTask().IsCompletedSuccessfully);
    }

    [Fact]
    public async Task Waiter_that_gives_up_does_not_hold_up_those_behind_it()
    {
        var budget = new ByteBudget(100);
        using var impatient = new CancellationTokenSource();
        using var holder = await budget.LeaseAsync(50, Cancellation);
        var large = budget.LeaseAsync(100, impatient.Token).AsTask();
        var small = budget.LeaseAsync(50, Cancellation).AsTask();

        await impatient.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => large);
        (await small.WaitAsync(Patience, Cancellation)).Dispose();
    }

    [Fact]
    public async Task Bytes_taken_beyond_the_budget_are_made_up_for_before_the_next_is_served()
    {
        var budget = new ByteBudget(100);
        var over = budget.Take(150);
        var waiting = budget.LeaseAsync(10, Cancellation).AsTask();
        over.ShrinkTo(91);
        Assert.False(waiting.IsCompleted);
        over.ShrinkTo(90);
        (await waiting.WaitAsync(Patience, Cancellation)).Dispose();
    }

    [Fact]
    public async Task However_leases_are_asked_for_given_up_and_returned_none_is_lost()
    {
        var asking = Gen.Select(Gen.Int[1, 130], Gen.Bool, Gen.Int[0, 3]).Array[1, 60];
        await asking.SampleAsync(RunAsync, iter: 200, threads: 1);

        static async Task RunAsync((int Bytes, bool GivesUp, int Yields)[] asks)
        {
            var budget = new ByteBudget(100);
            await Task.WhenAll(asks.Select(ask => Task.Run(() => AskAsync(budget, ask), Cancellation)))
                .WaitAsync(Patience, Cancellation);
            Assert.True(budget.LeaseAsync(100, Cancellation).AsTask().IsCompletedSuccessfully, "bytes were lost");
            Assert.False(budget.LeaseAsync(1, Cancellation).AsTask().IsCompleted, "bytes were invented");
        }

        static async Task AskAsync(ByteBudget budget, (int Bytes, bool GivesUp, int Yields) ask)
        {
            using var patience = new CancellationTokenSource();
            var leasing = budget.LeaseAsync(ask.Bytes, patience.Token).AsTask();
            if (ask.GivesUp)
                await patience.CancelAsync();
            try
            {
                using var lease = await leasing;
                for (var turn = 0; turn < ask.Yields; turn++)
                    await Task.Yield();
                lease.ShrinkTo(ask.Bytes / 2);
                await Task.Yield();
            }
            catch (OperationCanceledException)
            {
                Assert.True(ask.GivesUp);
            }
        }
    }
}
