using System.Collections.Concurrent;
using System.Net;
using System.Net.WebSockets;
using Conclave.Tests.Support;

namespace Conclave.Tests.Server.Accounts;

/// <summary>Passwords are guessed and users registered by the thousand; a signed-in pair notices nothing.</summary>
public sealed class FloodTests(PostgresCluster postgres)
{
    // Ample for a machine that has other things to do: without the bounds the password work alone takes minutes.
    static readonly TimeSpan ExchangeMax = TimeSpan.FromSeconds(5);

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Ten_thousand_wrong_passwords_and_a_flood_of_registrations_do_not_disturb_a_signed_in_pair()
    {
        const int Guessers = 20;
        const int GuessesEach = 500;
        await using var server = await TestServer.StartAsync(postgres);
        await using var alice = await server.ConnectAsync();
        await using var bob = await server.ConnectAsync();
        await alice.SignUpAsync("alice");
        await alice.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
        await bob.SignInAsync("alice");
        await bob.DoAsync("""{"action":"subscribe","lobby_name":"den"}""");
        using var over = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        ConcurrentDictionary<string, int> outcomes = new();

        var registering = Task.WhenAll(Enumerable.Range(0, 8).Select(
            number => RegisterAsync(server, number, outcomes, over.Token)));
        var guessing = Task.WhenAll(Enumerable.Range(0, Guessers).Select(
            number => GuessAsync(server, number, GuessesEach, outcomes)));
        var exchanges = 0;
        while (!guessing.IsCompleted || exchanges < 100)
        {
            var began = TimeProvider.System.GetTimestamp();
            await alice.DoAsync($$"""{"action":"message","lobby_name":"den","row_data":{{++exchanges}}}""");
            Assert.Equal(exchanges, (await bob.EntryAsync())["row_data"]!.GetValue<int>());
            Assert.InRange(TimeProvider.System.GetElapsedTime(began), TimeSpan.Zero, ExchangeMax);
            // And whoever has the password gets in, from where nobody guesses.
            if (exchanges == 50)
                await SignInFromElsewhereAsync(server);
        }
        await guessing;
        await over.CancelAsync();
        await registering;

        var guesses = outcomes.Where(outcome => outcome.Key.StartsWith("auth", StringComparison.Ordinal)).ToArray();
        Assert.Equal(Guessers * GuessesEach, guesses.Sum(outcome => outcome.Value));
        Assert.Equal(["auth bad_credentials", "auth rate_limited"], guesses.Select(outcome => outcome.Key).Order());
        // The free ones of the address, and what came due while the flood went on.
        Assert.InRange(outcomes["auth bad_credentials"], 20, 40);
        Assert.DoesNotContain(outcomes.Keys, key => key.Contains("internal", StringComparison.Ordinal));
    }

    static async Task SignInFromElsewhereAsync(TestServer server)
    {
        await using var peer = await RawPeer.ConnectAsync(server.Url, from: IPAddress.Parse("127.0.0.2"));
        await peer.SendAsync("""{"action":"auth","login":"alice","password":"password of alice"}""");
        Assert.Contains("\"ok\":true", (await peer.ReadAsync())!.Text, StringComparison.Ordinal);
    }

    static async Task GuessAsync(
        TestServer server, int number, int count, ConcurrentDictionary<string, int> outcomes)
    {
        await using var client = await server.ConnectAsync();
        var sending = Task.Run(async () =>
        {
            for (var guess = 0; guess < count; guess++)
            {
                await client.SendAsync(
                    $$"""{"action":"auth","login":"u{{number}}.{{guess % 50}}","password":"guess"}""");
            }
        }, Cancellation);
        for (var guess = 0; guess < count; guess++)
            outcomes.AddOrUpdate("auth " + Outcomes.Of(await client.ReplyAsync()), 1, (_, sum) => sum + 1);
        await sending;
    }

    static async Task RegisterAsync(
        TestServer server, int number, ConcurrentDictionary<string, int> outcomes, CancellationToken over)
    {
        await using var client = await server.ConnectAsync();
        for (var login = 0; !over.IsCancellationRequested; login++)
        {
            var reply = await client.AskAsync(
                $$"""{"action":"register","login":"new{{number}}.{{login}}","password":"password"}""");
            outcomes.AddOrUpdate("register " + Outcomes.Of(reply), 1, (_, sum) => sum + 1);
        }
        await client.Socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, Cancellation);
    }
}
