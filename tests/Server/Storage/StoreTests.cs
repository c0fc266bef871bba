using System.Net;
using Conclave.Protocol;
using Conclave.Server.Storage;
using Conclave.Tests.Support;
using static Conclave.Tests.Support.StorageRooms;

namespace Conclave.Tests.Server.Storage;

/// <summary>Users, sessions and what is kept of lobbies beside their logs.</summary>
public sealed class StoreTests(PostgresCluster postgres)
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Login_is_given_once_also_to_two_who_ask_together()
    {
        await using var rooms = await OpenAsync(postgres);
        var people = Enumerable.Range(0, 8).Select(_ => new Person("alice", Guid.CreateVersion7())).ToArray();

        var added = await Task.WhenAll(people.Select(person => rooms.Users.AddAsync(person, "hash", Cancellation)));

        var winner = people[Array.IndexOf(added, true)];
        Assert.Single(added, isAdded => isAdded);
        Assert.Equal(winner, (await rooms.Users.FindAsync("alice", Cancellation))?.Person);
        Assert.Equal(winner, (await rooms.Users.FindAsync(winner.PublicToken, Cancellation))?.Person);
        Assert.Equal("hash", await rooms.Users.FindPasswordHashAsync("alice", Cancellation));
        Assert.Null(await rooms.Users.FindAsync("bob", Cancellation));
        Assert.Null(await rooms.Users.FindAsync(Guid.NewGuid(), Cancellation));
        Assert.Null(await rooms.Users.FindPasswordHashAsync("bob", Cancellation));
    }

    [Fact]
    public async Task Session_is_found_by_its_tokens_hash_until_it_ends()
    {
        await using var rooms = await OpenAsync(postgres);
        var alice = await rooms.AddUserAsync("alice");
        var now = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
        var session = new Session(Guid.NewGuid(), alice, now.AddDays(30), now);
        var hash = new byte[32];
        await AddAsync(rooms, new NewSession(session, hash, "curl", IPAddress.Parse("2001:db8::1")));

        Assert.Equal(session, await rooms.Sessions.FindAsync(hash, now, Cancellation));
        Assert.Null(await rooms.Sessions.FindAsync(hash, now.AddDays(30), Cancellation));
        Assert.Null(await rooms.Sessions.FindAsync([.. hash, 0], now, Cancellation));

        await rooms.Sessions.TouchAsync(session.SessionId, now.AddDays(1), now.AddDays(31), Cancellation);
        var touched = await rooms.Sessions.FindAsync(hash, now.AddDays(30), Cancellation);
        Assert.Equal(session with { LastUsedAt = now.AddDays(1), ExpiresAt = now.AddDays(31) }, touched);

        var ended = new EndedSession(session.SessionId, SessionEnd.Logout);
        Assert.False(await rooms.Sessions.EndAsync(Guid.NewGuid(), ended, now, Cancellation));
        Assert.NotNull(await rooms.Sessions.FindAsync(hash, now, Cancellation));
        Assert.True(await rooms.Sessions.EndAsync(alice.PublicToken, ended, now, Cancellation));
        Assert.False(await rooms.Sessions.EndAsync(alice.PublicToken, ended, now, Cancellation));
        Assert.Null(await rooms.Sessions.FindAsync(hash, now, Cancellation));
    }

    [Fact]
    public async Task Sessions_that_ended_are_trimmed_and_others_stay()
    {
        await using var rooms = await OpenAsync(postgres);
        var (alice, bob) = (await rooms.AddUserAsync("alice"), await rooms.AddUserAsync("bob"));
        var now = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
        (Person Person, int Days)[] sessions = [(alice, 1), (alice, 3), (bob, 3)];
        for (var number = 0; number < sessions.Length; number++)
        {
            var (person, days) = sessions[number];
            var session = new Session(Guid.NewGuid(), person, now.AddDays(days), now);
            await AddAsync(rooms, new NewSession(session, [(byte)number], Client: null, Address: null));
        }

        await rooms.Sessions.TrimAsync(now.AddDays(2), Cancellation);

        Assert.Null(await rooms.Sessions.FindAsync([0], now, Cancellation));
        Assert.NotNull(await rooms.Sessions.FindAsync([1], now, Cancellation));
        Assert.NotNull(await rooms.Sessions.FindAsync([2], now, Cancellation));
    }

    [Fact]
    public async Task Lobby_is_found_by_its_name_in_any_case_by_its_id_and_with_a_key_that_opens_it()
    {
        await using var rooms = await OpenAsync(postgres);
        var alice = await rooms.AddUserAsync("alice");
        var lobby = await rooms.CreateLobbyAsync(alice, "Тайная комната");
        await rooms.AppendAsync(Message(lobby, alice, "hello"));

        // A server that has cached nothing yet.
        await using var other = await OpenAsync(rooms.ConnectionString);
        var found = await other.Lobbies.FindAsync("ТАЙНАЯ комната", Cancellation);
        Assert.Equal(lobby.LobbyId, found?.LobbyId);
        Assert.Equal(2, (await other.LogAsync(found!)).Count);
        Assert.Same(found, await other.Lobbies.FindAsync(lobby.LobbyId, Cancellation));
        Assert.Null(await other.Lobbies.FindAsync("тайная", Cancellation));
        Assert.Null(await other.Lobbies.FindAsync(Guid.NewGuid(), Cancellation));

        var description = await other.Lobbies.DescribeAsync(lobby.LobbyId, Cancellation);
        Assert.Equal(("Тайная комната", alice), (description!.Name, description.CreatedBy));
        Assert.False(description.IsSealed);
        Assert.Null(await other.Lobbies.DescribeAsync(Guid.NewGuid(), Cancellation));
    }

    [Fact]
    public async Task Standing_tells_members_strangers_and_lobbies_that_are_not_there_apart()
    {
        await using var rooms = await OpenAsync(postgres);
        var (alice, bob) = (await rooms.AddUserAsync("alice"), await rooms.AddUserAsync("bob"));
        var lobby = await rooms.CreateLobbyAsync(alice);

        Assert.Equal(
            new Standing(1, "den", Rights.All, 1),
            await rooms.Lobbies.StandingAsync(lobby.LobbyId, alice.PublicToken, Cancellation));
        var stranger = await rooms.Lobbies.StandingAsync(lobby.LobbyId, bob.PublicToken, Cancellation);
        Assert.False(stranger!.Value.IsMember);
        Assert.Null(await rooms.Lobbies.StandingAsync(Guid.NewGuid(), alice.PublicToken, Cancellation));
    }

    [Fact]
    public async Task Lists_of_lobbies_and_members_go_on_after_a_name()
    {
        await using var rooms = await OpenAsync(postgres);
        var (alice, bob) = (await rooms.AddUserAsync("alice"), await rooms.AddUserAsync("bob"));
        foreach (var name in (string[])["b", "Z", "ä", "a"])
            await rooms.AppendAsync(Invitation(await rooms.CreateLobbyAsync(bob, name), bob, alice, Rights.Read));

        var all = await rooms.Lobbies.ListAsync(alice.PublicToken, after: null, Cancellation);
        Assert.Equal(["Z", "a", "b", "ä"], all.Select(lobby => lobby.LobbyName));
        Assert.All(all, lobby => Assert.Equal((bob, 2L, Rights.Read), (lobby.CreatedBy, lobby.LastSeq, lobby.Rights)));
        var rest = await rooms.Lobbies.ListAsync(alice.PublicToken, after: "a", Cancellation);
        Assert.Equal(["b", "ä"], rest.Select(lobby => lobby.LobbyName));

        var lobbyId = all[0].LobbyId;
        var members = await rooms.Lobbies.MembersAsync(lobbyId, after: "alice", Cancellation);
        Assert.Equal(["bob"], members.Select(member => member.Login));
    }

    static async Task AddAsync(StorageRooms rooms, NewSession session)
    {
        var quota = new SessionQuota(50, session.Session.LastUsedAt);
        var (outcome, _) = await rooms.Sessions.AddAsync(
            session, "hash of " + session.Session.Person.Login, quota, Cancellation);
        Assert.Equal(SignIn.Opened, outcome);
    }
}
