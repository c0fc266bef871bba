using Conclave.Server.Lobbies;

namespace Conclave.Tests.Server.Lobbies;

public sealed class FairBudgetTests
{
    static readonly Guid Alice = Guid.NewGuid();
    static readonly Guid Bob = Guid.NewGuid();

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task User_waits_for_their_own_share_and_for_nobody_elses()
    {
        var budget = new FairBudget(size: 100, share: 40);
        var first = await budget.LeaseAsync(Alice, 40, Cancellation);
        var second = budget.LeaseAsync(Alice, 10, Cancellation).AsTask();
        Assert.False(second.IsCompleted);
        using (await budget.LeaseAsync(Bob, 40, Cancellation))
            Assert.Equal(80, budget.Whole.BytesTaken);

        first.ShrinkTo(30);
        (await second).Dispose();
        first.Dispose();
        first.Dispose();
        Assert.Equal((0, 0L), (budget.UserCount, budget.Whole.BytesTaken));
    }

    [Fact]
    public async Task More_than_a_share_waits_for_all_of_it_and_who_gives_up_leaves_nothing_behind()
    {
        var budget = new FairBudget(size: 100, share: 40);
        using var givingUp = new CancellationTokenSource();
        var all = await budget.LeaseAsync(Alice, 1000, Cancellation);
        var mine = budget.LeaseAsync(Alice, 1, givingUp.Token).AsTask();
        using var rest = budget.Whole.Take(100);
        var others = budget.LeaseAsync(Bob, 1, givingUp.Token).AsTask();
        await givingUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => mine);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => others);
        Assert.Equal(1, budget.UserCount);

        all.Dispose();
        rest.Dispose();
        Assert.Equal((0, 0L), (budget.UserCount, budget.Whole.BytesTaken));
    }
}
