using Conclave.Protocol;
using Conclave.Sdk;

namespace Conclave.Tests.Sdk;

public sealed class SubscriptionTests
{
    const string Subscribed =
        $"""
        "lobby_id":"{LobbyModel.LobbyId}","lobby_name":"keys","rights":["read"],"last_seq":9,"epoch":"e"
        """;

    const string Nonce = "11111111-2222-4333-8444-555555555555";

    [Fact(Timeout = 30_000)]
    public async Task Removal_is_the_last_entry_and_then_says_so()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var server = await ServeAsync(Removal(10));
        await using var client = server.Connect();
        List<Entry> entries = [];

        var removed = await Assert.ThrowsAsync<RemovedException>(() => TakeAsync(client, entries, cancel, after: 9));

        Assert.Equal((10L, Guid.Parse(LobbyModel.LobbyId)), (removed.Seq, removed.LobbyId));
        var entry = Assert.Single(entries);
        Assert.Equal((EventName.MemberRemoved, "me", "boss"), (entry.Event, entry.Member?.Login, entry.From.Login));
    }

    [Fact(Timeout = 30_000)]
    public async Task Removal_before_the_last_invitation_is_an_entry_like_any_other()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var server = await ServeAsync(Removal(6), LobbyModel.Event(7, (Nonce, "secret")));
        await using var client = server.Connect();

        var entries = await client.ReadAsync("keys", new Position(5), cancel).Take(2).ToListAsync(cancel);

        Assert.Equal([EventName.MemberRemoved, EventName.Message], entries.Select(entry => entry.Event));
    }

    [Theory(Timeout = 30_000)]
    [InlineData(6, 8)]
    [InlineData(6, 6)]
    [InlineData(7)]
    [InlineData(5)]
    public async Task Entry_out_of_its_place_is_never_shown(params int[] seqs)
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var server = await ServeAsync([.. seqs.Select(seq => LobbyModel.Event(seq, (Nonce, "secret")))]);
        await using var client = server.Connect();
        List<Entry> entries = [];

        await Assert.ThrowsAsync<BrokenServerException>(() => TakeAsync(client, entries, cancel));

        Assert.Equal(seqs[..^1].Select(seq => (long)seq), entries.Select(entry => entry.Seq));
    }

    [Theory(Timeout = 30_000)]
    [InlineData("log_changed", typeof(LogChangedException))]
    [InlineData("bad_token", typeof(RefusedException))]
    [InlineData("forbidden", typeof(RefusedException))]
    public async Task Refusal_to_go_on_ends_the_loop_by_name(string code, Type type)
    {
        var cancel = TestContext.Current.CancellationToken;
        string? resumed = null;
        var subscribed = new TaskCompletionSource();
        await using var server = await ScriptedServer.StartAsync(async talk =>
        {
            while (true)
            {
                var request = await talk.ReadAsync();
                if (request.Action == ActionName.Whoami)
                {
                    await talk.ReplyAsync(request, LobbyModel.Whoami);
                }
                else if (talk.Number == 1)
                {
                    await talk.ReplyAsync(request, Subscribed);
                    await talk.SendAsync(LobbyModel.Event(6, (Nonce, "secret")));
                    await subscribed.Task;
                    return;
                }
                else if (request.Action == ActionName.Subscribe)
                {
                    resumed = $"{request.Number("after")} {request.Text("epoch")} {request.Text("token")}";
                    await talk.RefuseAsync(request, code);
                }
            }
        });
        await using var client = server.Connect();
        await using var subscription = await client.SubscribeAsync("keys", new Position(5), cancel);
        await using var entries = subscription.ReadAllAsync(cancel).GetAsyncEnumerator(cancel);
        Assert.True(await entries.MoveNextAsync());
        subscribed.SetResult();

        var refused = await Assert.ThrowsAsync(type, async () => await entries.MoveNextAsync());

        Assert.Equal(code, Assert.IsAssignableFrom<RefusedException>(refused).Code);
        Assert.Equal($"6 e {LobbyModel.Token}", resumed);
    }

    [Fact(Timeout = 30_000)]
    public async Task Subscription_nobody_waits_for_any_more_is_ended_at_the_server()
    {
        var cancel = TestContext.Current.CancellationToken;
        var asked = new TaskCompletionSource();
        var abandoned = new TaskCompletionSource();
        var unsubscribed = new TaskCompletionSource<string?>();
        await using var server = await ScriptedServer.StartAsync(async talk =>
        {
            await talk.ReplyAsync(await talk.ReadAsync(), LobbyModel.Whoami);
            var subscribe = await talk.ReadAsync();
            asked.SetResult();
            await abandoned.Task;
            await talk.ReplyAsync(subscribe, Subscribed);
            unsubscribed.SetResult((await talk.ReadAsync()).Text("lobby_id"));
            await talk.ReadAsync();
        });
        await using var client = server.Connect();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);

        var subscribing = client.SubscribeAsync("keys", cancellationToken: patience.Token);
        await asked.Task;
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => subscribing);
        abandoned.SetResult();

        Assert.Equal(LobbyModel.LobbyId, await unsubscribed.Task);
    }

    [Fact(Timeout = 30_000)]
    public async Task Disposed_client_ends_loops_calmly()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var server = await ServeAsync();
        var client = server.Connect();
        var subscription = await client.SubscribeAsync("keys", new Position(5), cancel);
        var reading = subscription.ReadAllAsync(cancel).ToListAsync(cancel).AsTask();
        var hints = client.HintsAsync(cancel).ToListAsync(cancel).AsTask();

        await client.DisposeAsync();

        Assert.Empty(await reading);
        Assert.Empty(await hints);
    }

    [Fact(Timeout = 30_000)]
    public async Task Hints_come_as_they_are_and_unknown_shapes_are_passed_over()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var server = await ServeAsync(
            """{"event":"of_the_future","from":[1]}""",
            $$"""
            {"event":"invited","lobby_id":"{{LobbyModel.LobbyId}}","lobby_name":"keys",
             "from":{"login":"boss","public_token":"{{LobbyModel.Me}}"},
             "rights":["read","write"]}
            """,
            """{"event":"server_closing"}""");
        await using var client = server.Connect();
        await using var subscription = await client.SubscribeAsync("keys", new Position(5), cancel);

        var hints = await client.HintsAsync(cancel).Take(2).ToListAsync(cancel);

        Assert.Equal(
            [
                new Hint(EventName.Invited, Guid.Parse(LobbyModel.LobbyId), "keys",
                    new Person("boss", Guid.Parse(LobbyModel.Me)), Rights.Default),
                new Hint(EventName.ServerClosing),
            ], hints);
    }

    /// <summary>A server that answers a subscription and then sends these frames.</summary>
    static Task<ScriptedServer> ServeAsync(params string[] frames) => ScriptedServer.StartAsync(async talk =>
    {
        while (true)
        {
            var request = await talk.ReadAsync();
            await talk.ReplyAsync(request, request.Action == ActionName.Whoami ? LobbyModel.Whoami : Subscribed);
            if (request.Action != ActionName.Subscribe)
            {
                continue;
            }
            foreach (var frame in frames)
            {
                await talk.SendAsync(frame);
            }
        }
    });

    static string Removal(long seq) =>
        $$"""
        {"event":"member_removed","lobby_id":"{{LobbyModel.LobbyId}}","lobby_name":"keys","seq":{{seq}},
         "sent_at":"2026-01-01T00:00:00.000Z","from":{"login":"boss","public_token":"{{Guid.NewGuid()}}"},
         "member":{"login":"me","public_token":"{{LobbyModel.Me}}"} }
        """;

    static async Task TakeAsync(
        ConclaveClient client, List<Entry> entries, CancellationToken cancel, long after = 5)
    {
        await foreach (var entry in client.ReadAsync("keys", new Position(after), cancel))
        {
            entries.Add(entry);
        }
    }
}
