using System.IO.Pipelines;
using System.Net;
using System.Text;
using Conclave.Protocol;
using Conclave.Server.Actions;
using Conclave.Server.Connections;
using Conclave.Server.Lobbies;
using Conclave.Tests.Support;

namespace Conclave.Tests.Server.Connections;

/// <summary>Whoever sends more than a limit allows is read later, and refused nothing.</summary>
public sealed class BackpressureTests(PostgresCluster postgres)
{
    [Fact]
    public async Task Request_beyond_those_in_flight_is_read_when_one_is_answered()
    {
        await using var server = await TestServer.StartAsync(postgres, new Limits { InFlightMax = 4 });
        await using var client = await server.ConnectAsync();
        await client.SignUpAsync("alice");
        await client.DoAsync("""{"action":"create_lobby","lobby_name":"locked"}""");
        await client.DoAsync("""{"action":"create_lobby","lobby_name":"free"}""");
        await using var watcher = await server.ConnectAsync();
        await watcher.SignInAsync("alice");
        await watcher.DoAsync("""{"action":"subscribe","lobby_name":"free"}""");
        await using var held = await LobbyLock.TakeAsync(server.Database, "locked");

        // Three wait for the lock; the fourth overtakes them, and the fifth is not even read.
        string[] lobbies = ["locked", "locked", "locked", "free", "free"];
        foreach (var lobby in lobbies)
            await client.SendAsync($$"""{"action":"message","lobby_name":"{{lobby}}","row_data":"pressed"}""");
        Assert.Equal("pressed", (await watcher.EventAsync())["row_data"]!.GetValue<string>());
        for (var time = 0; time < 10; time++)
            await watcher.DoAsync("""{"action":"message","lobby_name":"free","row_data":"between"}""");
        for (var time = 0; time < 10; time++)
            Assert.Equal("between", (await watcher.EventAsync())["row_data"]!.GetValue<string>());
        await held.LetGoAsync();
        foreach (var seq in (int[])[2, 3, 4, 2, 13])
            Assert.Equal(seq, (await client.ReplyAsync())["seq"]!.GetValue<int>());
    }

    [Fact]
    public async Task Requests_that_share_a_small_budget_all_complete()
    {
        await using var server = await TestServer.StartAsync(postgres, new Limits
        {
            RequestBytesBudget = 100_000,
            AnonymousRequestBytesBudget = 20_000,
        });
        await using (var owner = await server.ConnectAsync())
        {
            await owner.SignUpAsync("alice");
            await owner.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
        }
        var body = new string('x', 60_000);
        await Task.WhenAll(Enumerable.Range(0, 6).Select(number => FloodAsync(isKnown: number % 2 == 0)));

        async Task FloodAsync(bool isKnown)
        {
            await using var client = await server.ConnectAsync();
            if (isKnown)
                await client.SignInAsync("alice");
            for (var number = 0; number < 20; number++)
            {
                await client.SendAsync(isKnown
                    ? $$"""{"action":"message","lobby_name":"den","row_data":"{{body}}"}"""
                    : $$"""{"action":"get_public_token","login":"alice","x":"{{body}}"}""");
            }
            for (var number = 0; number < 20; number++)
                Assert.Equal("ok", Outcomes.Of(await client.ReplyAsync()));
        }
    }

    [Fact]
    public async Task Request_that_does_not_come_to_its_end_makes_room_for_those_that_wait()
    {
        await using var server = await TestServer.StartAsync(postgres, new Limits
        {
            AnonymousRequestBytesBudget = 20_000,
            RequestTimeMax = TimeSpan.FromMilliseconds(400),
        });
        await using var slow = await server.ConnectAsync();
        await slow.Socket.SendAsync(
            Encoding.UTF8.GetBytes(new string('x', 5000)), System.Net.WebSockets.WebSocketMessageType.Text,
            endOfMessage: false, TestContext.Current.CancellationToken);
        await using var client = await server.ConnectAsync();
        var body = new string('x', 6000);

        var code = await client.RefusedAsync($$"""{"action":"get_public_token","login":"nobody","x":"{{body}}"}""");

        Assert.Equal("no_such_user", code);
        Assert.Equal(CloseCode.Overload, await slow.ClosedAsync());
    }

    [Fact]
    public async Task Pipelined_requests_before_a_token_are_all_answered()
    {
        await using var server = await TestServer.StartAsync(postgres);
        await using var client = await server.ConnectAsync();
        for (var id = 0; id < 500; id++)
            await client.SendAsync($$"""{"id":{{id}},"action":"get_public_token","login":"nobody"}""");
        for (var id = 0; id < 500; id++)
            Assert.Equal(id, (await client.ReplyAsync())["id"]!.GetValue<int>());
    }

    [Theory]
    [InlineData(false, 4)]
    [InlineData(true, 64)]
    public async Task Stranger_has_fewer_answers_under_way_than_one_with_a_token(bool isKnown, int edge)
    {
        await using var server = await TestServer.StartAsync(postgres);
        using var aborted = new CancellationTokenSource();
        var signal = new Signal();
        var outbox = new Outbox(
            new FrameWriter(new Pipe().Writer, TimeProvider.System), signal,
            new Subscriptions(server.Rooms.Live, signal), server.Rooms, aborted.Token);
        for (var count = 0; count < edge; count++)
        {
            Assert.True(outbox.WaitForRoomAsync(isKnown).AsTask().IsCompletedSuccessfully);
            outbox.Add(Answer.Of(new DoneReply()), default, "ping");
        }
        var next = outbox.WaitForRoomAsync(isKnown).AsTask();
        Assert.False(next.IsCompleted);

        // They go out, and there is room again.
        var writing = outbox.RunAsync();
        await next;
        await aborted.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing);
    }

    [Fact]
    public async Task Large_replies_that_nobody_reads_hold_back_the_requests_behind_them()
    {
        await using var server = await TestServer.StartAsync(postgres);
        await using var client = await server.ConnectAsync();
        await client.SignUpAsync("alice");
        await client.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
        await client.DoAsync(
            $$"""{"action":"message","lobby_name":"den","row_data":"{{new string('x', 1_000_000)}}"}""");
        // Sent much, then read: what was asked for comes, in order.
        for (var id = 0; id < 40; id++)
            await client.SendAsync($$"""{"id":{{id}},"action":"history","lobby_name":"den","limit":1}""");
        for (var id = 0; id < 40; id++)
        {
            var frame = Encoding.UTF8.GetString((await client.FrameAsync())!);
            Assert.StartsWith($$"""{"id":{{id}},"action":"history","ok":true,""", frame, StringComparison.Ordinal);
        }

        // The half that writes, with a socket that takes nothing: it asks for no more than what it holds already.
        using var aborted = new CancellationTokenSource();
        var signal = new Signal();
        var pipe = new StalledPipe();
        var stalled = new FrameWriter(pipe.Output, TimeProvider.System);
        var outbox = new Outbox(
            stalled, signal, new Subscriptions(server.Rooms.Live, signal), server.Rooms, aborted.Token);
        var writing = outbox.RunAsync();
        var held = 0;
        while (outbox.WaitForRoomAsync(isKnown: true).AsTask().IsCompletedSuccessfully)
        {
            outbox.Add(Answer.Of(new RegisterReply
            {
                Login = new string('x', 1 << 20),
                PublicToken = Guid.Empty,
            }), default, "register");
            held++;
        }
        // One on its way, one that waits, and one that came in the same moment.
        Assert.InRange(held, 1, 3);
        await pipe.LeaveAsync();
        await Assert.ThrowsAnyAsync<IOException>(() => writing);
    }

    [Fact]
    public async Task Large_reply_holds_its_share_of_one_budget_until_it_is_sent_or_its_reader_is_gone()
    {
        const int Budget = 1 << 20;
        await using var server = await TestServer.StartAsync(postgres, new Limits { FrameBytesBudget = Budget });
        var stalled = await server.ConnectAsync();
        await stalled.SignUpAsync("alice");
        await stalled.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
        await stalled.DoAsync(
            $$"""{"action":"message","lobby_name":"den","row_data":"{{new string('x', 1_000_000)}}"}""");
        for (var id = 0; id < 40; id++)
            await stalled.SendAsync("""{"action":"history","lobby_name":"den","limit":1}""");

        // The socket takes the first few; then one reply waits, and with it the whole budget is used up.
        var share = server.Rooms.Live.FrameBytes.LeaseAsync(Budget, TestContext.Current.CancellationToken).AsTask();
        while (share.IsCompletedSuccessfully)
        {
            (await share).Dispose();
            await Task.Yield();
            share = server.Rooms.Live.FrameBytes.LeaseAsync(Budget, TestContext.Current.CancellationToken).AsTask();
        }
        await stalled.DisposeAsync();
        (await share.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken)).Dispose();

        await using var reader = await server.ConnectAsync();
        await reader.SignInAsync("alice");
        for (var time = 0; time < 3; time++)
            await reader.DoAsync("""{"action":"history","lobby_name":"den","limit":1}""");
    }

    [Fact]
    public async Task User_who_takes_no_large_reply_holds_up_nobody_else()
    {
        await using var server = await TestServer.StartAsync(postgres, new Limits { FrameBytesBudget = 4 << 20 });
        await using var owner = await server.ConnectAsync();
        var token = await owner.SignUpAsync("alice");
        await owner.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
        await owner.DoAsync(
            $$"""{"action":"message","lobby_name":"den","row_data":"{{new string('x', 1_000_000)}}"}""");
        List<RawPeer> stalled = [];
        for (var count = 0; count < 6; count++)
        {
            stalled.Add(await RawPeer.ConnectAsync(server.Url, receiveBytes: 4096));
            for (var id = 0; id < 40; id++)
                await stalled[^1].SendAsync($$"""{"action":"history","token":"{{token}}","lobby_name":"den"}""");
        }
        // All of them want a share, and together they have one.
        var budget = server.Rooms.Live.FrameBytes;
        while (budget.BytesTaken < 900_000)
            await Task.Yield();

        await using var bob = await server.ConnectAsync();
        await bob.SignUpAsync("bob");
        for (var time = 0; time < 20; time++)
        {
            await bob.DoAsync("""{"action":"my_lobbies"}""");
            Assert.InRange(budget.BytesTaken, 0, 2 << 20);
        }
        foreach (var peer in stalled)
            await peer.DisposeAsync();
        while (budget.BytesTaken > 0 || server.Rooms.Live.ReplyBytes.UserCount > 0)
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    [Fact]
    public async Task Large_entries_come_to_everyone_in_order_however_little_memory_there_is()
    {
        const int Messages = 20;
        await using var server = await TestServer.StartAsync(
            postgres, TestServer.Unhurried with { FrameBytesBudget = 1 << 20, TailBytesBudget = 2 << 20 });
        await using var alice = await server.ConnectAsync();
        var token = await alice.SignUpAsync("alice");
        await alice.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
        string Post(int number) => $$"""
            {"action":"message","lobby_name":"den","row_data":"{{new string('x', 50_000 * (1 + number % 18))}}"}
            """;
        for (var number = 0; number < Messages; number++)
            await alice.DoAsync(Post(number));

        // Half of it is read from the log, and the other half comes meanwhile.
        List<RawPeer> readers = [];
        for (var count = 0; count < 6; count++)
        {
            readers.Add(await RawPeer.ConnectAsync(server.Url, receiveBytes: 4096));
            await readers[^1].SendAsync(
                $$"""{"action":"subscribe","token":"{{token}}","lobby_name":"den","after":1}""");
        }
        var posting = Task.Run(async () =>
        {
            for (var number = 0; number < Messages; number++)
                await alice.DoAsync(Post(number));
        }, TestContext.Current.CancellationToken);
        await Task.WhenAll(readers.Select(ReadAllAsync));
        await posting;
        foreach (var reader in readers)
            await reader.DisposeAsync();

        static async Task ReadAllAsync(RawPeer reader)
        {
            Assert.Contains("\"ok\":true", (await reader.ReadAsync())!.Text, StringComparison.Ordinal);
            for (var seq = 2; seq < 2 + 2 * Messages; seq++)
            {
                var entry = System.Text.Json.Nodes.JsonNode.Parse((await reader.ReadAsync())!.Text)!;
                Assert.Equal(seq, entry["seq"]!.GetValue<int>());
            }
        }
    }

    [Fact]
    public async Task Wrong_passwords_slow_down_one_login_from_one_address_and_nobody_else()
    {
        await using var server = await TestServer.StartAsync(postgres);
        await using var client = await server.ConnectAsync();
        await client.SignUpAsync("alice");
        await client.SignUpAsync("bob");
        const string Wrong = """{"action":"auth","login":"alice","password":"wrong password"}""";
        const string Right = """{"action":"auth","login":"alice","password":"password of alice"}""";
        for (var attempt = 0; attempt < 5; attempt++)
            Assert.Equal("bad_credentials", await client.RefusedAsync(Wrong));
        foreach (var request in (string[])[Wrong, Right, Wrong])
        {
            var reply = await client.AskAsync(request);
            Assert.Equal("rate_limited", Outcomes.Of(reply));
            Assert.InRange(reply["error"]!["retry_after_ms"]!.GetValue<long>(), 1, 1000);
        }
        await client.SignInAsync("bob");
        await using var elsewhere = await RawPeer.ConnectAsync(server.Url, from: IPAddress.Parse("127.0.0.2"));
        await elsewhere.SendAsync(Right);
        Assert.Contains("\"ok\":true", (await elsewhere.ReadAsync())!.Text, StringComparison.Ordinal);
    }
}
