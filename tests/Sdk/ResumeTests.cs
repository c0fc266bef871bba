using Conclave.Sdk;
using CsCheck;

namespace Conclave.Tests.Sdk;

public sealed class ResumeTests
{
    [Fact(Timeout = 60_000)]
    public Task Posts_and_entries_survive_any_disconnects_in_order_and_once()
    {
        var cancel = TestContext.Current.CancellationToken;
        return Gen.Select(Gen.Int[3, 40].Array[0, 12], Gen.Int[1, 20], Gen.Int[1, 20]).SampleAsync(
            async (framesUntilDrop, inFlightMax, bufferedMax) =>
            {
                const int Count = 40;
                var model = new LobbyModel(framesUntilDrop);
                await using var server = await ScriptedServer.StartAsync(model.ServeAsync);
                await using var client = server.Connect(
                    server.Options with { InFlightMax = inFlightMax, BufferedEntriesMax = bufferedMax });
                await client.ConnectAsync(cancel);

                var reading = ReadAsync(client, Count, cancel);
                var replies = await Task.WhenAll(Enumerable.Range(1, Count).Select(
                    number => client.PostAsync("keys", Text(number), cancellationToken: cancel)));

                string[] expected = [.. Enumerable.Range(1, Count).Select(Text)];
                Assert.Equal(expected, model.Log);
                Assert.Equal(Enumerable.Range(1, Count), replies.Select(reply => (int)reply.Seq));
                Assert.Equal(expected, await reading);
            },
            iter: 40, threads: 2);
    }

    [Fact(Timeout = 30_000)]
    public async Task Slow_consumer_holds_a_bounded_buffer_and_loses_nothing()
    {
        var cancel = TestContext.Current.CancellationToken;
        const int Count = 1000;
        var model = new LobbyModel([]);
        for (var number = 1; number <= Count; number++)
        {
            model.Append(Text(number));
        }
        await using var server = await ScriptedServer.StartAsync(model.ServeAsync);
        await using var client = server.Connect(server.Options with { BufferedEntriesMax = 16 });

        await using var subscription = await client.SubscribeAsync("keys", Position.Start, cancel);
        var seq = 0;
        await foreach (var entry in subscription.ReadAllAsync(cancel))
        {
            Assert.Equal(++seq, entry.Seq);
            Assert.Equal(Text(seq), entry.Content?.Text);
            Assert.InRange(subscription.BufferedCount, 0, 16);
            // A full buffer must not keep answers from whoever is to empty it.
            if (seq % 10 == 0)
            {
                await client.PingAsync(cancel);
            }
            if (seq == Count)
            {
                break;
            }
        }
        Assert.Contains("unsubscribe", model.Actions);
        Assert.Equal(new Position(Count, "e"), subscription.Position);
    }

    [Fact(Timeout = 30_000)]
    public async Task Second_subscription_to_a_lobby_is_refused_and_the_first_goes_on()
    {
        var cancel = TestContext.Current.CancellationToken;
        var model = new LobbyModel([]);
        await using var server = await ScriptedServer.StartAsync(model.ServeAsync);
        await using var client = server.Connect();
        model.Append(Text(1));
        await using var first = await client.SubscribeAsync("keys", Position.Start, cancel);

        await Assert.ThrowsAsync<InvalidOperationException>(
            () => client.SubscribeAsync("keys", Position.Start, cancel));
        model.Append(Text(2));

        var entries = await first.ReadAllAsync(cancel).Take(2).ToListAsync(cancel);
        Assert.Equal([1, 2], entries.Select(entry => entry.Seq));
    }

    [Fact(Timeout = 30_000)]
    public async Task Disposed_subscription_ends_calmly_and_makes_room_for_another()
    {
        var cancel = TestContext.Current.CancellationToken;
        var model = new LobbyModel([]);
        await using var server = await ScriptedServer.StartAsync(model.ServeAsync);
        await using var client = server.Connect();
        model.Append(Text(1));
        var first = await client.SubscribeAsync("keys", cancellationToken: cancel);
        var reading = first.ReadAllAsync(cancel).ToListAsync(cancel).AsTask();
        await first.DisposeAsync();
        Assert.Empty(await reading);

        await foreach (var entry in client.ReadAsync("keys", Position.Start, cancel))
        {
            Assert.Equal(1, entry.Seq);
            break;
        }
    }

    static async Task<List<string>> ReadAsync(ConclaveClient client, int count, CancellationToken cancel)
    {
        List<string> texts = [];
        var next = 1;
        await foreach (var entry in client.ReadAsync("keys", Position.Start, cancel))
        {
            Assert.Equal(next++, entry.Seq);
            texts.Add(entry.Content!.Text!);
            if (texts.Count == count)
            {
                break;
            }
        }
        return texts;
    }

    static string Text(int number) => string.Create(null, $"secret {number}");
}
