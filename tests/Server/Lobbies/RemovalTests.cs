using System.Text.Json.Nodes;
using Conclave.Protocol;
using Conclave.Tests.Support;

namespace Conclave.Tests.Server.Lobbies;

/// <summary>Removal cuts at its place in the log, on every way by which a client could see more.</summary>
public sealed class RemovalTests(PostgresCluster postgres)
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Removed_member_sees_nothing_after_the_removal_and_everything_when_invited_again()
    {
        await using var server = await TestServer.StartAsync(postgres);
        await using var alice = await server.ConnectAsync();
        await using var live = await server.ConnectAsync();
        await using var late = await server.ConnectAsync();
        await alice.SignUpAsync("alice");
        await live.SignUpAsync("bob");
        await late.SignInAsync("bob");
        var member = await PersonAsync(server, "bob");
        await alice.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
        var invitation = $$"""{"action":"invite_lobby","lobby_name":"den","public_token":"{{member.PublicToken}}"}""";
        await alice.DoAsync(invitation);
        await live.DoAsync("""{"action":"subscribe","lobby_name":"den"}""");
        await PostAsync(alice, "before");
        await alice.DoAsync(Removal(member));
        await PostAsync(alice, "after");

        foreach (var refused in (string[])[
            """{"action":"history","lobby_name":"den"}""",
            """{"action":"history","lobby_name":"den","after":0}""",
            """{"action":"subscribe","lobby_name":"den","after":0}""",
            """{"action":"subscribe","lobby_name":"den"}""",
            """{"action":"members","lobby_name":"den"}""",
            """{"action":"message","lobby_name":"den","row_data":1}"""])
        {
            Assert.Equal(ErrorCode.Forbidden, await late.RefusedAsync(refused));
            Assert.Equal(ErrorCode.Forbidden, await live.RefusedAsync(refused));
        }
        Assert.Empty((await late.DoAsync("""{"action":"my_lobbies"}"""))["lobbies"]!.AsArray());
        Assert.Equal([3, 4], await SeqsAsync(live, 2));

        await alice.DoAsync(invitation);
        await PostAsync(alice, "again");
        await late.DoAsync("""{"action":"subscribe","lobby_name":"den","after":0}""");
        Assert.Equal([1, 2, 3, 4, 5, 6, 7], await SeqsAsync(late, 7));
        // The subscription of the membership that ended stays over: the next thing this connection gets is a reply.
        await live.SendAsync("""{"action":"ping"}""");
        Assert.Equal("ping", (await NextAsync(live))["action"]?.GetValue<string>());
    }

    [Fact]
    public async Task Removal_cuts_readers_that_are_far_behind_at_the_same_place()
    {
        const int CountBefore = 600;
        await using var server = await TestServer.StartAsync(
            postgres, TestServer.Unhurried with { TailBytesBudget = 64 << 10 });
        await using var alice = await server.ConnectAsync();
        await using var live = await server.ConnectAsync();
        await using var late = await server.ConnectAsync();
        await alice.SignUpAsync("alice");
        await live.SignUpAsync("bob");
        await late.SignInAsync("bob");
        var member = await PersonAsync(server, "bob");
        await alice.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
        await alice.DoAsync(
            $$"""{"action":"invite_lobby","lobby_name":"den","public_token":"{{member.PublicToken}}"}""");
        await live.DoAsync("""{"action":"subscribe","lobby_name":"den"}""");
        // More than sockets and tails hold: from here on nobody reads, and what they miss is in the database only.
        var large = new string('x', 32 << 10);
        for (var number = 0; number < CountBefore; number++)
            await PostAsync(alice, large);
        await late.DoAsync("""{"action":"subscribe","lobby_name":"den","after":5}""");
        var removal = (await alice.DoAsync(Removal(member)))["seq"]!.GetValue<int>();
        Assert.Equal(CountBefore + 3, removal);
        for (var number = 0; number < 50; number++)
            await PostAsync(alice, large);

        await live.SendAsync("""{"action":"ping"}""");
        await late.SendAsync("""{"action":"ping"}""");
        Assert.Equal(Enumerable.Range(3, removal - 2).Select(seq => (long)seq), await SeqsAsync(live, removal - 2));
        Assert.Equal(Enumerable.Range(6, removal - 5).Select(seq => (long)seq), await SeqsAsync(late, removal - 5));
        foreach (var reader in (WireClient[])[live, late])
        {
            Assert.Equal("ping", (await reader.ReplyAsync())["action"]!.GetValue<string>());
            await reader.SendAsync("""{"action":"ping"}""");
            Assert.Equal("ping", (await NextAsync(reader))["action"]?.GetValue<string>());
            Assert.Equal(
                ErrorCode.Forbidden,
                await reader.RefusedAsync("""{"action":"history","lobby_name":"den","after":5}"""));
        }
    }

    [Fact]
    public async Task Subscription_that_meets_the_end_of_its_session_does_not_outlive_it()
    {
        await using var server = await TestServer.StartAsync(postgres);
        await using var alice = await server.ConnectAsync();
        await using var reader = await server.ConnectAsync();
        await alice.SignUpAsync("alice");
        await alice.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
        var (sessions, person) = (server.Rooms.Sessions, await PersonAsync(server, "alice"));
        var hash = await server.Rooms.Users.FindPasswordHashAsync("alice", Cancellation);
        for (var turn = 0; turn < 40; turn++)
        {
            var (_, session, token) = await sessions.OpenAsync(
                person, hash!, client: null, address: null, Cancellation);
            await sessions.FindAsync(token, Cancellation);
            await Task.WhenAll(
                reader.AskAsync($$"""{"action":"subscribe","lobby_name":"den","token":"{{token}}"}"""),
                sessions.EndAsync(person.PublicToken, session.SessionId, SessionEnd.Logout, Cancellation));
            await PostAsync(alice, "after the end");
            await reader.SendAsync("""{"action":"ping"}""");
            Assert.Equal("ping", (await NextAsync(reader))["action"]?.GetValue<string>());
        }
    }

    static string Removal(Person member) =>
        $$"""{"action":"remove_member","lobby_name":"den","public_token":"{{member.PublicToken}}"}""";

    static async Task<Person> PersonAsync(TestServer server, string login) =>
        (await server.Rooms.Users.FindAsync(login, Cancellation))!.Person;

    static Task<JsonObject> PostAsync(WireClient client, string text) =>
        client.DoAsync($$"""{"action":"message","lobby_name":"den","row_data":"{{text}}"}""");

    // Of the lobby's log: hints come in between.
    static async Task<List<long>> SeqsAsync(WireClient client, int count)
    {
        List<long> seqs = [];
        while (seqs.Count < count)
        {
            if ((await client.EventAsync())["seq"] is { } seq)
                seqs.Add(seq.GetValue<long>());
        }
        return seqs;
    }

    // Past the hints.
    static async Task<JsonObject> NextAsync(WireClient client)
    {
        while (true)
        {
            var frame = JsonNode.Parse((await client.FrameAsync())!)!.AsObject();
            if (frame["event"]?.GetValue<string>() is not
                (EventName.Invited or EventName.Removed or EventName.SessionEnded))
                return frame;
        }
    }
}
