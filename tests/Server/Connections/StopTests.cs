using System.Net;
using System.Net.WebSockets;
using System.Text.Json.Nodes;
using Conclave.Protocol;
using Conclave.Server.Connections;
using Conclave.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Conclave.Tests.Server.Connections;

/// <summary>A server that stops answers what it has begun, says that it leaves, and closes.</summary>
public sealed class StopTests(PostgresCluster postgres)
{
    [Theory]
    [InlineData("""{"action":"invite_lobby","lobby_name":"den","public_token":"BOB"}""")]
    [InlineData("""{"action":"message","lobby_name":"den","row_data":1}""")]
    public async Task Request_in_flight_is_answered_before_the_server_leaves(string request)
    {
        await using var server = await TestServer.StartAsync(postgres);
        await using var client = await server.ConnectAsync();
        await client.SignUpAsync("bob");
        var bob = (await client.DoAsync("""{"action":"whoami"}"""))["public_token"]!.GetValue<string>();
        await client.SignUpAsync("alice");
        await client.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");

        await using var held = await LobbyLock.TakeAsync(server.Database);
        await client.SendAsync(request.Replace("BOB", bob, StringComparison.Ordinal));
        // The writer passes a locked lobby over once before it waits for it.
        await held.UntilWantedAsync();

        var stopping = server.DisposeAsync().AsTask();
        Assert.Equal(EventName.ServerClosing, (await client.EventAsync())["event"]!.GetValue<string>());
        await held.LetGoAsync();
        var reply = await client.ReplyAsync();
        Assert.Equal("ok", Outcomes.Of(reply));
        Assert.Equal(2, reply["seq"]!.GetValue<int>());
        Assert.Equal(CloseCode.Restart, await client.ClosedAsync());
        await client.Socket.CloseOutputAsync(
            WebSocketCloseStatus.NormalClosure, null, TestContext.Current.CancellationToken);
        await stopping;
    }

    [Fact]
    public async Task Whatever_is_in_the_log_after_a_stop_was_acknowledged_and_the_other_way_round()
    {
        var server = await TestServer.StartAsync(postgres, TestServer.Unhurried);
        await using var client = await server.ConnectAsync();
        await client.SignUpAsync("alice");
        await client.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
        var posting = PostAsync(client);
        List<JsonObject> replies = [await client.ReplyAsync()];
        var restarting = server.RestartAsync();
        while (await client.FrameAsync() is { } frame)
        {
            var read = JsonNode.Parse(frame)!.AsObject();
            if (read["action"] is not null)
                replies.Add(read);
        }
        Assert.Equal(CloseCode.Restart, (int)client.CloseStatus!);
        await client.Socket.CloseOutputAsync(
            WebSocketCloseStatus.NormalClosure, null, TestContext.Current.CancellationToken);
        await posting;
        await using var restarted = await restarting;
        await using var again = await restarted.ConnectAsync();
        await again.SignInAsync("alice");
        var page = await again.DoAsync("""{"action":"history","lobby_name":"den","limit":1}""");
        Assert.All(replies, reply => Assert.Equal("ok", Outcomes.Of(reply)));
        Assert.Equal(page["last_seq"]!.GetValue<int>(), replies.Count + 1);
    }

    [Fact]
    public async Task Server_whose_times_have_no_limit_stops_like_any_other()
    {
        var never = TimeSpan.FromDays(10_000);
        var server = await TestServer.StartAsync(
            postgres, new Limits { PingInterval = never, WriteStallMax = never, RequestTimeMax = never });
        await using (var client = await server.ConnectAsync())
            await client.DoAsync("""{"action":"ping"}""");
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Connection_that_has_just_ended_may_still_be_cut()
    {
        await using var server = await TestServer.StartAsync(postgres);
        var connection = new Connection(
            new Peer(new StalledPipe(), null, IPAddress.Loopback, null, static () => { }), server.Rooms,
            new RequestBudgets(Limits.Default), NullLogger.Instance);
        await connection.DisposeAsync();

        await connection.AbortAsync();
    }

    static async Task PostAsync(WireClient client)
    {
        try
        {
            for (var number = 0; number < 100_000; number++)
                await client.SendAsync("""{"action":"message","lobby_name":"den","row_data":1}""");
        }
        catch (Exception fault) when (fault is WebSocketException or InvalidOperationException)
        {
            // The server has left.
        }
    }
}
