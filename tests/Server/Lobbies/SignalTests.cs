using Conclave.Server.Lobbies;

namespace Conclave.Tests.Server.Lobbies;

public sealed class SignalTests
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Sets_before_a_wait_count_as_one()
    {
        var signal = new Signal();
        signal.Set();
        signal.Set();

        Assert.True(signal.WaitAsync().AsTask().IsCompletedSuccessfully);
        var second = signal.WaitAsync().AsTask();
        Assert.False(second.IsCompleted);
        signal.Set();
        await second.WaitAsync(Cancellation);
    }

    [Fact]
    public async Task Only_one_may_wait()
    {
        var signal = new Signal();
        var first = signal.WaitAsync().AsTask();
        await Assert.ThrowsAsync<InvalidOperationException>(() => signal.WaitAsync().AsTask());
        signal.Set();
        await first;
    }

    [Fact]
    public async Task No_set_is_lost_whoever_sets_and_whenever()
    {
        const int Setters = 4;
        const int SetsEach = 20_000;
        var signal = new Signal();
        var work = 0;
        var setting = Enumerable.Range(0, Setters).Select(_ => Task.Run(
            () =>
            {
                for (var turn = 0; turn < SetsEach; turn++)
                {
                    Interlocked.Increment(ref work);
                    signal.Set();
                }
            },
            Cancellation)).ToArray();

        // A lost set would leave this waiting with work to do.
        for (var done = 0; done < Setters * SetsEach; done += Interlocked.Exchange(ref work, 0))
            await signal.WaitAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(10), Cancellation);
        await Task.WhenAll(setting);
    }
}
