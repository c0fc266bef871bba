using System.Net;
using Conclave.Protocol;
using Conclave.Server.Accounts;
using Conclave.Server.Storage;
using Conclave.Tests.Support;
using CsCheck;
using Microsoft.Extensions.Time.Testing;
using static Conclave.Tests.Support.StorageRooms;

namespace Conclave.Tests.Server.Accounts;

/// <summary>How sessions end, how many there may be, and what happens when several things happen at once.</summary>
public sealed class SessionEndTests(PostgresCluster postgres)
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Sweep_tells_of_every_way_in_which_a_session_ends_elsewhere_once()
    {
        await using var rooms = await OpenAsync(postgres);
        var (time, presence) = (new FakeTimeProvider(TimeProvider.System.GetUtcNow()), new Presence());
        var (here, elsewhere) = (Over(rooms, presence, time), Over(rooms, new Presence(), time));
        var alice = await rooms.AddUserAsync("alice");
        (string Reason, Func<Session, Task> End)[] table =
        [
            (SessionEnd.Logout, session => elsewhere.EndAsync(
                alice.PublicToken, session.SessionId, SessionEnd.Logout, Cancellation)),
            (SessionEnd.Revoked, session => elsewhere.EndAsync(
                alice.PublicToken, session.SessionId, SessionEnd.Revoked, Cancellation)),
            (SessionEnd.Revoked, session => rooms.RunAsync(
                "DELETE FROM sessions WHERE session_id = $1", session.SessionId)),
            (SessionEnd.Expired, session => rooms.RunAsync(
                "UPDATE sessions SET expires_at = $2 WHERE session_id = $1", session.SessionId, time.GetUtcNow())),
            (SessionEnd.Disabled, _ => rooms.RunAsync("UPDATE users SET disabled_at = now()")),
        ];
        foreach (var (reason, end) in table)
        {
            var (session, token) = await SignInAsync(here, alice);
            Assert.NotNull(await here.FindAsync(token, Cancellation));
            List<Notice> notices = [];
            presence.Join(alice.PublicToken, session.SessionId, notices.Add);
            await here.SweepAsync(Cancellation);
            Assert.Empty(notices);

            await end(session);
            await here.SweepAsync(Cancellation);
            await here.SweepAsync(Cancellation);

            var notice = Assert.Single(notices);
            Assert.Equal(session.SessionId, notice.EndedSessionId);
            Assert.Equal(
                new Hint(EventName.SessionEnded, SessionId: session.SessionId, Reason: reason), notice.Hint);
            // What was trusted for a second is not any more.
            Assert.Null(await here.FindAsync(token, Cancellation));
            presence.Leave(alice.PublicToken, session.SessionId, notices.Add);
        }
    }

    [Fact]
    public async Task End_of_a_session_is_told_once_although_a_sweep_finds_it_before_it_is_announced()
    {
        await using var rooms = await OpenAsync(postgres);
        var (time, presence) = (new FakeTimeProvider(TimeProvider.System.GetUtcNow()), new Presence());
        var sessions = Over(rooms, presence, time);
        var alice = await rooms.AddUserAsync("alice");
        var (session, _) = await SignInAsync(sessions, alice);
        List<Notice> notices = [];
        presence.Join(alice.PublicToken, session.SessionId, notices.Add);

        // As whoever ends a session here does: first in the database, and then it is told.
        await rooms.Sessions.EndAsync(
            alice.PublicToken, new EndedSession(session.SessionId, SessionEnd.Logout), time.GetUtcNow(), Cancellation);
        await sessions.SweepAsync(Cancellation);
        sessions.Announce(alice.PublicToken, [session.SessionId], SessionEnd.Logout);

        Assert.Equal(session.SessionId, Assert.Single(notices).EndedSessionId);
    }

    [Fact]
    public async Task User_who_is_disabled_loses_every_session_for_good_and_cannot_sign_in()
    {
        await using var rooms = await OpenAsync(postgres);
        var sessions = Over(rooms, new Presence(), new FakeTimeProvider(TimeProvider.System.GetUtcNow()));
        var alice = await rooms.AddUserAsync("alice");
        var (_, token) = await SignInAsync(sessions, alice);

        await rooms.RunAsync("UPDATE users SET disabled_at = now()");

        Assert.Null(await sessions.FindAsync(token, Cancellation));
        Assert.Null(await rooms.Users.FindPasswordHashAsync("alice", Cancellation));
        var (outcome, _, _) = await sessions.OpenAsync(alice, "hash of alice", null, null, Cancellation);
        Assert.Equal(SignIn.Outdated, outcome);

        await rooms.RunAsync("UPDATE users SET disabled_at = NULL");
        Assert.Null(await sessions.FindAsync(token, Cancellation));
        await SignInAsync(sessions, alice);
    }

    [Fact]
    public async Task Session_beyond_the_quota_takes_the_place_of_the_one_unused_for_longest_if_any_is_unused()
    {
        await using var rooms = await OpenAsync(postgres);
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var sessions = new Sessions(
            rooms.Sessions, new Presence(), new Limits { SessionsPerUserMax = 3 }, time);
        var (alice, bob) = (await rooms.AddUserAsync("alice"), await rooms.AddUserAsync("bob"));
        List<Guid> tokens = [];
        for (var number = 0; number < 3; number++)
        {
            tokens.Add((await SignInAsync(sessions, alice)).Token);
            time.Advance(TimeSpan.FromMinutes(1));
        }
        async Task<SignIn> OutcomeAsync() =>
            (await sessions.OpenAsync(alice, "hash of alice", null, null, Cancellation)).Outcome;
        async Task<string> OpenOnesAsync()
        {
            var open = "";
            foreach (var token in tokens)
                open += await sessions.FindAsync(token, Cancellation) is null ? '-' : '+';
            return open;
        }

        Assert.Equal(SignIn.TooMany, await OutcomeAsync());
        await SignInAsync(sessions, bob);
        time.Advance(TimeSpan.FromMinutes(116));
        Assert.Equal(SignIn.TooMany, await OutcomeAsync());
        time.Advance(TimeSpan.FromMinutes(2));
        // The first was not used for two hours, the others were, if only just; and looking is a use.
        tokens.Add((await SignInAsync(sessions, alice)).Token);
        Assert.Equal("-+++", await OpenOnesAsync());
        Assert.Equal(SignIn.TooMany, await OutcomeAsync());
        // Those that have expired count no more.
        time.Advance(TimeSpan.FromDays(30));
        for (var number = 0; number < 3; number++)
            await SignInAsync(sessions, alice);
        Assert.Equal(SignIn.TooMany, await OutcomeAsync());
    }

    [Fact]
    public async Task Sign_ins_at_one_time_never_exceed_the_quota()
    {
        await using var rooms = await OpenAsync(postgres);
        var sessions = new Sessions(
            rooms.Sessions, new Presence(), new Limits { SessionsPerUserMax = 5 }, TimeProvider.System);
        var alice = await rooms.AddUserAsync("alice");

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(
            () => sessions.OpenAsync(alice, "hash of alice", null, IPAddress.Loopback, Cancellation))));

        Assert.Equal(5, outcomes.Count(outcome => outcome.Outcome == SignIn.Opened));
        Assert.Equal(5L, await rooms.RunAsync("SELECT count(*) FROM sessions"));
    }

    [Fact]
    public async Task No_session_of_the_old_password_survives_its_change()
    {
        await using var rooms = await OpenAsync(postgres);
        var sessions = Over(rooms, new Presence(), TimeProvider.System);
        var number = 0;
        await Gen.Int[1, 6].SampleAsync(
            async racers =>
            {
                var alice = await rooms.AddUserAsync("alice" + Interlocked.Increment(ref number));
                var (current, currentToken) = await SignInAsync(sessions, alice);
                var oldHash = "hash of " + alice.Login;
                var signIns = Enumerable.Range(0, racers).Select(_ => Task.Run(
                    () => sessions.OpenAsync(alice, oldHash, null, null, Cancellation))).ToArray();
                var change = await rooms.Users.ChangePasswordAsync(
                    current, oldHash, "another hash", null, TimeProvider.System.GetUtcNow(), Cancellation);
                Assert.NotNull(change);
                sessions.Announce(alice.PublicToken, change.Ended, SessionEnd.PasswordChanged);
                foreach (var (_, _, token) in await Task.WhenAll(signIns))
                    Assert.Null(await sessions.FindAsync(token, Cancellation));
                Assert.NotNull(await sessions.FindAsync(currentToken, Cancellation));
                Assert.Null(await rooms.Users.ChangePasswordAsync(
                    current, oldHash, "a third", null, TimeProvider.System.GetUtcNow(), Cancellation));
            },
            iter: 40, threads: 1);
    }

    [Fact]
    public async Task What_is_over_is_tidied_away_some_minutes_later_also_of_those_who_never_come_back()
    {
        await using var rooms = await OpenAsync(postgres);
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var sessions = Over(rooms, new Presence(), time);
        var alice = await rooms.AddUserAsync("alice");
        var (ended, _) = await SignInAsync(sessions, alice);
        await SignInAsync(sessions, alice);
        async Task<object?> RowsAsync()
        {
            await sessions.TrimAsync(Cancellation);
            return await rooms.RunAsync("SELECT count(*) FROM sessions");
        }

        await sessions.EndAsync(alice.PublicToken, ended.SessionId, SessionEnd.Logout, Cancellation);
        Assert.Equal(2L, await RowsAsync());
        time.Advance(TimeSpan.FromMinutes(6));
        Assert.Equal(1L, await RowsAsync());
        time.Advance(TimeSpan.FromDays(30));
        Assert.Equal(0L, await RowsAsync());
    }

    static Sessions Over(StorageRooms rooms, Presence presence, TimeProvider time) =>
        new(rooms.Sessions, presence, Limits.Default, time);
}
