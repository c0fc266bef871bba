using Conclave.Protocol;
using Conclave.Sdk;
using Conclave.Tests.Support;
using CsCheck;

namespace Conclave.Tests.Sdk;

public sealed class RealServerTests(PostgresCluster postgres)
{
    [Fact]
    public async Task Whole_story_goes_through_the_typed_client()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var server = await TestServer.StartAsync(postgres);
        await using var listening = FrameProxy.Recording(server.Url);
        await using var alice = new ConclaveClient(OptionsFor(listening.Url));
        await using var bob = new ConclaveClient(OptionsFor(listening.Url));

        await alice.RegisterAsync("Alice", "password of alice", cancel);
        var signedIn = await alice.SignInAsync("alice", "password of alice", cancel);
        var registered = await bob.RegisterAsync("bob", "password of bob", cancel);
        await bob.SignInAsync("bob", "password of bob", cancel);
        Assert.Equal(new Person("alice", signedIn.PublicToken), alice.User);
        Assert.Equal("alice", (await alice.WhoamiAsync(cancel)).Login);

        var made = await alice.CreateLobbyAsync("first_lobby", cancellationToken: cancel);
        Assert.Equal(made.LobbyId, (await bob.FindLobbyAsync("First_Lobby", cancel)).LobbyId);
        Assert.Equal("first_lobby", (await bob.FindLobbyAsync(made.LobbyId, cancel)).LobbyName);
        var forbidden = await Assert.ThrowsAsync<RefusedException>(
            () => bob.PostAsync("first_lobby", "let me in", cancellationToken: cancel));
        Assert.Equal(ErrorCode.Forbidden, forbidden.Code);

        var hint = bob.HintsAsync(cancel).FirstAsync(hint => hint.Event == EventName.Invited, cancel).AsTask();
        var found = await alice.FindUserAsync("bob", cancel);
        Assert.Equal(registered.PublicToken, found.PublicToken);
        await alice.InviteAsync(made.LobbyId, found.PublicToken, cancellationToken: cancel);
        Assert.Equal(made.LobbyId, (await hint).LobbyId);

        var posted = await alice.PostAsync("first_lobby", "Новый пароль 'test123'", cancellationToken: cancel);
        await using var subscription = await bob.SubscribeAsync("first_lobby", Position.Start, cancel);
        Assert.Equal((3, Rights.Default), (subscription.LastSeq, subscription.Rights));
        await bob.PostAsync(made.LobbyId, Content.OfJson("""{"b" : 1.0,"a":[ ]}"""), cancellationToken: cancel);
        var entries = await subscription.ReadAllAsync(cancel).Take(4).ToListAsync(cancel);
        Assert.Equal(
            [EventName.LobbyCreated, EventName.MemberInvited, EventName.Message, EventName.Message],
            entries.Select(entry => entry.Event));
        Assert.Equal("bob", entries[1].Member?.Login);
        Assert.Equal((posted.Seq, "Новый пароль 'test123'"), (entries[2].Seq, entries[2].Content?.Text));
        Assert.Equal("""{"b" : 1.0,"a":[ ]}""", entries[3].Content?.Json.ToJson());

        var page = await alice.HistoryAsync("first_lobby", after: 2, limit: 1, cancellationToken: cancel);
        Assert.Equal((3L, 4L, true), (Assert.Single(page.Entries).Seq, page.LastSeq, page.More));
        Assert.Equal("first_lobby", Assert.Single(await bob.MyLobbiesAsync(cancel)).LobbyName);
        Assert.Equal(["alice", "bob"], (await bob.MembersAsync("first_lobby", cancel)).Select(member => member.Login));

        await alice.SignOutAsync(cancel);
        Assert.Null(alice.User);
        alice.UseToken(signedIn.Token);
        var ended = await Assert.ThrowsAsync<RefusedException>(() => alice.WhoamiAsync(cancel));
        Assert.Equal(ErrorCode.BadToken, ended.Code);
        await alice.SignOutAsync(cancel);
    }

    [Fact]
    public async Task Large_content_passes_on_a_connection_the_server_does_not_know_yet()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var server = await TestServer.StartAsync(postgres);
        string token;
        await using (var first = new ConclaveClient(OptionsFor(server.Url)))
        {
            token = await SignUpAsync(first, "alice");
            await first.CreateLobbyAsync("keys", cancellationToken: cancel);
        }
        await using var client = new ConclaveClient(OptionsFor(server.Url));
        client.UseToken(token);
        var large = new string('x', 1_000_000);

        await client.PostAsync("keys", large, cancellationToken: cancel);

        var entry = await client.ReadAsync("keys", new Position(1), cancel).FirstAsync(cancel);
        Assert.Equal(large, entry.Content?.Text);
    }

    [Fact]
    public async Task Lines_cut_anywhere_lose_nothing_and_double_nothing()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var server = await TestServer.StartAsync(postgres, TestServer.Unhurried);
        string token;
        await using (var first = new ConclaveClient(OptionsFor(server.Url)))
        {
            token = await SignUpAsync(first, "alice");
        }
        await Gen.Int[200, 6000].Array[0, 8].SampleAsync(
            async bytesUntilCut =>
            {
                const int Count = 60;
                await using var proxy = new CuttingProxy(server.Url, bytesUntilCut);
                await using var client = new ConclaveClient(OptionsFor(proxy.Address));
                client.UseToken(token);
                await UntilConnectedAsync(client, cancel);
                var made = await client.CreateLobbyAsync(Guid.NewGuid().ToString(), cancellationToken: cancel);
                var lobby = made.LobbyId;
                var reading = client.ReadAsync(lobby, new Position(1), cancel).Take(Count).ToListAsync(cancel).AsTask();

                var replies = await Task.WhenAll(Enumerable.Range(2, Count).Select(
                    seq => client.PostAsync(lobby, Text(seq), cancellationToken: cancel)));

                var expected = Enumerable.Range(2, Count).Select(seq => ((long)seq, Text(seq))).ToArray();
                Assert.Equal(expected, (await reading).Select(entry => (entry.Seq, entry.Content!.Text!)));
                Assert.Equal(expected.Select(pair => pair.Item1), replies.Select(reply => reply.Seq));
            },
            iter: 15, threads: 1);
    }

    [Fact]
    public async Task Restart_of_the_server_is_passed_over_in_silence()
    {
        const int Count = 300;
        var cancel = TestContext.Current.CancellationToken;
        var server = await TestServer.StartAsync(postgres);
        try
        {
            await using var proxy = new CuttingProxy(server.Url);
            await using var client = new ConclaveClient(OptionsFor(proxy.Address) with { InFlightMax = 4 });
            await SignUpAsync(client, "alice");
            await client.CreateLobbyAsync("keys", cancellationToken: cancel);
            await using var subscription = await client.SubscribeAsync("keys", new Position(1), cancel);
            var reading = subscription.ReadAllAsync(cancel).Take(Count).ToListAsync(cancel).AsTask();

            var posts = Enumerable.Range(2, Count).Select(
                seq => client.PostAsync("keys", Text(seq), cancellationToken: cancel)).ToArray();
            await posts[Count / 10];
            server = await server.RestartAsync();
            proxy.Target = server.Url;
            var replies = await Task.WhenAll(posts);

            Assert.Equal(Enumerable.Range(2, Count), replies.Select(reply => (int)reply.Seq));
            Assert.Equal(Enumerable.Range(2, Count).Select(Text), (await reading).Select(entry => entry.Content!.Text));
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    // The line may be cut before the client has ever been connected, which is told at once and not repaired.
    static async Task UntilConnectedAsync(ConclaveClient client, CancellationToken cancel)
    {
        while (!client.IsConnected)
        {
            try
            {
                await client.ConnectAsync(cancel);
            }
            catch (DisconnectedException)
            {
                // The next line lasts longer.
            }
        }
    }

    static async Task<string> SignUpAsync(ConclaveClient client, string login)
    {
        var cancel = TestContext.Current.CancellationToken;
        await client.RegisterAsync(login, $"password of {login}", cancel);
        return (await client.SignInAsync(login, $"password of {login}", cancel)).Token;
    }

    static ConclaveOptions OptionsFor(Uri server) => ConclaveOptions.Default with
    {
        Server = server,
        ReconnectWaitMin = TimeSpan.FromMilliseconds(1),
        ReconnectWaitMax = TimeSpan.FromMilliseconds(20),
    };

    static string Text(int number) => string.Create(null, $"secret {number}");
}
