using Conclave.Protocol;
using Conclave.Sdk;

namespace Conclave.Tests.Sdk;

public sealed class OutboxTests
{
    [Fact]
    public async Task Outbox_with_nothing_to_send_lets_its_connection_wait_until_something_comes()
    {
        var outbox = new Outbox(ConclaveOptions.Default);
        Assert.Null(outbox.Take(out var wait));
        Assert.Null(wait);

        var waiting = outbox.WaitAsync(wait, TestContext.Current.CancellationToken);
        // A connection whose wait ends by itself keeps a processor busy for as long as it is open.
        for (var turn = 0; turn < 10_000 && !waiting.IsCompleted; turn++)
            await Task.Yield();
        Assert.False(waiting.IsCompleted);

        outbox.Add(new Request<DoneReply>(outbox.NextId(), RequestKind.Ask, []));
        await waiting;
        Assert.NotNull(outbox.Take(out _));
    }
}
