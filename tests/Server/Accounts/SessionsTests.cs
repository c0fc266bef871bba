using Conclave.Protocol;
using Conclave.Server.Accounts;
using Conclave.Tests.Support;
using Microsoft.Extensions.Time.Testing;
using static Conclave.Tests.Support.StorageRooms;

namespace Conclave.Tests.Server.Accounts;

public sealed class SessionsTests(PostgresCluster postgres)
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Token_stands_for_its_user_in_any_case_and_others_stand_for_nobody()
    {
        await using var rooms = await StorageRooms.OpenAsync(postgres);
        var sessions = Over(rooms, new Presence(), new FakeTimeProvider());
        var alice = await rooms.AddUserAsync("alice");
        var (session, token) = await SignInAsync(sessions, alice, "curl");

        Assert.Equal(session, await sessions.FindAsync(token, Cancellation));
        Assert.Equal(alice, (await sessions.FindAsync(token, Cancellation))!.Person);
        Assert.Null(await sessions.FindAsync(Guid.NewGuid(), Cancellation));
    }

    [Fact]
    public async Task Token_lives_for_thirty_days_after_its_last_use()
    {
        await using var rooms = await StorageRooms.OpenAsync(postgres);
        var time = new FakeTimeProvider();
        var sessions = Over(rooms, new Presence(), time);
        var (_, token) = await SignInAsync(sessions, await rooms.AddUserAsync("alice"));

        for (var use = 0; use < 3; use++)
        {
            time.Advance(TimeSpan.FromDays(30) - TimeSpan.FromHours(2));
            var found = await sessions.FindAsync(token, Cancellation);
            Assert.Equal(time.GetUtcNow(), found?.LastUsedAt);
            // The use was noted an hour ago at most: another one is not worth a write.
            time.Advance(TimeSpan.FromMinutes(59));
            Assert.Equal(found, await sessions.FindAsync(token, Cancellation));
        }
        time.Advance(TimeSpan.FromDays(30));
        Assert.Null(await sessions.FindAsync(token, Cancellation));
    }

    [Fact]
    public async Task Token_in_use_lives_on_however_short_its_life_is()
    {
        await using var rooms = await StorageRooms.OpenAsync(postgres);
        var time = new FakeTimeProvider();
        var limits = new Limits { SessionLifetime = TimeSpan.FromMinutes(10) };
        var sessions = new Sessions(rooms.Sessions, new Presence(), limits, time);
        var (_, token) = await SignInAsync(sessions, await rooms.AddUserAsync("alice"));

        for (var use = 0; use < 5; use++)
        {
            time.Advance(TimeSpan.FromMinutes(6));
            Assert.NotNull(await sessions.FindAsync(token, Cancellation));
        }
    }

    [Fact]
    public async Task Session_that_ended_is_over_at_once_here_and_within_a_second_elsewhere()
    {
        await using var rooms = await StorageRooms.OpenAsync(postgres);
        var time = new FakeTimeProvider();
        var presence = new Presence();
        var (here, elsewhere) = (Over(rooms, presence, time), Over(rooms, new Presence(), time));
        var alice = await rooms.AddUserAsync("alice");
        var (session, token) = await SignInAsync(here, alice);
        var (_, otherToken) = await SignInAsync(here, alice);
        List<Notice> notices = [];
        presence.Join(alice.PublicToken, session.SessionId, notices.Add);
        Assert.NotNull(await elsewhere.FindAsync(token, Cancellation));

        await here.EndAsync(alice.PublicToken, session.SessionId, SessionEnd.Logout, Cancellation);

        Assert.Null(await here.FindAsync(token, Cancellation));
        Assert.Equal([session.SessionId], notices.Select(notice => notice.EndedSessionId));
        Assert.NotNull(await elsewhere.FindAsync(token, Cancellation));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(await elsewhere.FindAsync(token, Cancellation));
        Assert.NotNull(await here.FindAsync(otherToken, Cancellation));
    }

    [Fact]
    public async Task Session_that_ends_while_it_is_looked_up_is_not_remembered()
    {
        await using var rooms = await StorageRooms.OpenAsync(postgres);
        var time = new FakeTimeProvider();
        var sessions = Over(rooms, new Presence(), time);
        var alice = await rooms.AddUserAsync("alice");
        for (var turn = 0; turn < 50; turn++)
        {
            var (session, token) = await SignInAsync(sessions, alice);
            await Task.WhenAll(
                Task.Run(async () => await sessions.FindAsync(token, Cancellation), Cancellation),
                Task.Run(
                    () => sessions.EndAsync(alice.PublicToken, session.SessionId, SessionEnd.Logout, Cancellation),
                    Cancellation));
            Assert.Null(await sessions.FindAsync(token, Cancellation));
        }
    }

    [Fact]
    public async Task Database_holds_no_token()
    {
        await using var rooms = await StorageRooms.OpenAsync(postgres);
        var sessions = Over(rooms, new Presence(), new FakeTimeProvider());
        var (_, token) = await SignInAsync(sessions, await rooms.AddUserAsync("alice"));

        Assert.Equal(
            0L,
            await rooms.RunAsync(
                """
                SELECT count(*) FROM sessions s
                WHERE position($1 in s::text) > 0 OR position($2 in s::text) > 0 OR position($3 in s::text) > 0
                """,
                token.ToString(),
                token.ToString("N"),
                Convert.ToHexStringLower(token.ToByteArray())));
    }

    static Sessions Over(StorageRooms rooms, Presence presence, TimeProvider time) =>
        new(rooms.Sessions, presence, Limits.Default, time);
}
