using Conclave.Protocol;
using Conclave.Sdk;
using Microsoft.Extensions.Time.Testing;

namespace Conclave.Tests.Sdk;

public sealed class ConnectionTests
{
    [Theory(Timeout = 30_000)]
    [InlineData(CloseCode.ServerLeaves)]
    [InlineData(CloseCode.Restart)]
    [InlineData(CloseCode.Overload)]
    [InlineData(CloseCode.DeadReader)]
    public async Task Client_comes_back_after_a_close_that_allows_it(int code)
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var server = await ScriptedServer.StartAsync(async talk =>
        {
            var request = await talk.ReadAsync();
            if (talk.Number == 1)
            {
                await talk.CloseAsync(code);
                return;
            }
            await talk.ReplyAsync(request, "\"server_time\":\"2026-01-01T00:00:00.000Z\"");
            await talk.ReadAsync();
        });
        await using var client = new ConclaveClient(server.Options);

        var hints = client.HintsAsync(cancel).Take(2).ToListAsync(cancel).AsTask();
        await client.PingAsync(cancel);

        Assert.Equal([ConnectionHint.Lost, ConnectionHint.Restored], (await hints).Select(hint => hint.Event));
        Assert.True(client.IsConnected);
    }

    [Theory(Timeout = 30_000)]
    [InlineData(CloseCode.Done)]
    [InlineData(CloseCode.Binary)]
    [InlineData(CloseCode.NotUtf8)]
    [InlineData(CloseCode.TooBig)]
    [InlineData(CloseCode.TooManyConnections)]
    public async Task Client_stays_away_after_any_other_close(int code)
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var server = await ScriptedServer.StartAsync(async talk =>
        {
            await talk.ReadAsync();
            await talk.CloseAsync(code);
        });
        await using var client = server.Connect();

        var disconnected = await Assert.ThrowsAsync<DisconnectedException>(() => client.PingAsync(cancel));

        Assert.Equal(code, disconnected.CloseCode);
        Assert.Equal(1, server.TalkCount);
        Assert.False(client.IsConnected);
    }

    [Fact(Timeout = 30_000)]
    public async Task Server_that_is_not_there_is_told_at_once()
    {
        var cancel = TestContext.Current.CancellationToken;
        Uri address;
        await using (var server = await ScriptedServer.StartAsync(_ => Task.CompletedTask))
        {
            address = server.Address;
        }
        await using var client = new ConclaveClient(
            ConclaveOptions.Default with { Server = address, RequestTimeout = Timeout.InfiniteTimeSpan });

        var disconnected = await Assert.ThrowsAsync<DisconnectedException>(() => client.ConnectAsync(cancel));

        Assert.Contains("Connection refused", disconnected.Message, StringComparison.Ordinal);
        Assert.Contains($"ws://127.0.0.1:{address.Port}/ws", disconnected.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 30_000)]
    public async Task Silence_ends_with_the_timeout()
    {
        var cancel = TestContext.Current.CancellationToken;
        var time = new FakeTimeProvider();
        var asked = new TaskCompletionSource();
        await using var server = await ScriptedServer.StartAsync(async talk =>
        {
            await talk.ReadAsync();
            asked.SetResult();
            await talk.ReadAsync();
        });
        await using var client = server.Connect(
            ConclaveOptions.Default with { Server = server.Address, TimeProvider = time });

        var post = client.PostAsync("keys", "secret", cancellationToken: cancel);
        await asked.Task;
        time.Advance(TimeSpan.FromSeconds(29));
        Assert.False(post.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(1));

        var disconnected = await Assert.ThrowsAsync<DisconnectedException>(() => post);
        Assert.Contains("within 30 s", disconnected.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 30_000)]
    public async Task Disposed_client_answers_everybody_who_waits()
    {
        var cancel = TestContext.Current.CancellationToken;
        var asked = new TaskCompletionSource();
        await using var server = await ScriptedServer.StartAsync(async talk =>
        {
            await talk.ReadAsync();
            asked.SetResult();
            await talk.ReadAsync();
        });
        var client = server.Connect();
        var ping = client.PingAsync(cancel);
        await asked.Task;

        await client.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => ping);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.PingAsync(cancel));
    }

    [Theory(Timeout = 30_000)]
    [InlineData("no JSON")]
    [InlineData("[]")]
    [InlineData("""{"id":null,"action":null,"ok":false,"error":{"code":"bad_json","message":"No."}}""")]
    [InlineData("""{"event":"message","lobby_id":"nonsense","seq":1}""")]
    public async Task Nonsense_from_the_server_ends_the_connection_by_name(string frame)
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var server = await ScriptedServer.StartAsync(async talk =>
        {
            await talk.ReadAsync();
            await talk.SendAsync(frame);
            await talk.ReadAsync();
        });
        await using var client = server.Connect();

        await Assert.ThrowsAsync<BrokenServerException>(() => client.PingAsync(cancel));
    }

    [Fact(Timeout = 30_000)]
    public async Task Server_that_does_not_come_back_is_told_with_the_timeout()
    {
        var cancel = TestContext.Current.CancellationToken;
        var server = await ScriptedServer.StartAsync(async talk =>
        {
            await talk.ReplyAsync(await talk.ReadAsync(), "\"server_time\":\"2026-01-01T00:00:00.000Z\"");
            await talk.ReadAsync();
        });
        await using var client = new ConclaveClient(
            server.Options with { RequestTimeout = TimeSpan.FromMilliseconds(300) });
        await client.ConnectAsync(cancel);
        await server.DisposeAsync();

        var disconnected = await Assert.ThrowsAsync<DisconnectedException>(() => client.PingAsync(cancel));

        Assert.Contains("Check", disconnected.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 30_000)]
    public async Task Server_that_answers_no_ping_is_left_for_a_new_connection()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var server = await ScriptedServer.StartAsync(async talk =>
        {
            var request = await talk.ReadAsync();
            if (talk.Number == 1)
            {
                // Pongs are sent by whoever reads, and nobody does here.
                await new TaskCompletionSource().Task.WaitAsync(talk.Gone);
            }
            await talk.ReplyAsync(request, "\"server_time\":\"2026-01-01T00:00:00.000Z\"");
            await talk.ReadAsync();
        });
        await using var client = new ConclaveClient(
            server.Options with { PingInterval = TimeSpan.FromMilliseconds(50) });

        await client.PingAsync(cancel);

        Assert.Equal(2, server.TalkCount);
    }

    [Fact(Timeout = 30_000)]
    public async Task Whoever_waits_for_hints_is_known_to_each_connection()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var server = await ScriptedServer.StartAsync(async talk =>
        {
            var request = await talk.ReadAsync();
            if ((request.Action, request.Text("token")) == ("whoami", LobbyModel.Token))
            {
                await talk.SendAsync($$"""{"event":"number {{talk.Number}}"}""");
            }
            if (talk.Number > 1)
            {
                await talk.ReadAsync();
            }
        });
        await using var client = server.Connect();

        // The first hint may be lost with its connection, as hints may.
        var hint = await client.HintsAsync(cancel).FirstAsync(hint => hint.Event == "number 2", cancel);

        Assert.Equal("number 2", hint.Event);
    }
}
