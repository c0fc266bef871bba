using Conclave.Protocol;
using Conclave.Server.Storage;
using Conclave.Tests.Support;
using static Conclave.Tests.Support.StorageRooms;

namespace Conclave.Tests.Server.Writing;

/// <summary>The writer when the line to PostgreSQL breaks at the worst moment.</summary>
public sealed class LostDatabaseTests(PostgresCluster postgres)
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Commit_whose_answer_was_lost_is_found_out_stored_once_and_delivered()
    {
        await using var line = await OpenLineAsync();
        await using var rooms = await WritingRooms.OpenAsync(line.ConnectionString, Limits.Default);
        var (alice, bob, lobby) = await StartAsync(rooms);
        var reader = new LogReader(rooms.Live);
        await reader.OpenAsync(lobby, alice, after: null, Cancellation);

        line.LoseNextAnswer();
        var posted = await rooms.WriteAsync(Message(lobby, alice, "once"));
        line.LoseNextAnswer();
        var invited = await rooms.WriteAsync(Invitation(lobby, alice, bob));
        line.LoseNextAnswer();
        var creation = rooms.Storage.Creation(alice, "another den");
        var created = await rooms.WriteAsync(creation);

        Assert.Equal([3L, 4], [posted.Seq, invited.Seq]);
        Assert.Equal("bob", invited.MemberLogin);
        Assert.Equal((Outcome.Stored, creation.Lobby.LobbyId, 1L), (created.Outcome, created.LobbyId, created.Seq));
        Assert.Equal([1, 2, 3, 4], (await rooms.Storage.LogAsync(lobby)).Select(entry => entry.Seq));
        await reader.ReadAsync(4, Cancellation);
        Assert.Equal([3, 4], reader.Seqs);
    }

    [Fact]
    public async Task Database_that_stays_away_makes_posts_busy_and_those_under_way_unknown()
    {
        await using var line = await OpenLineAsync();
        await using var rooms = await WritingRooms.OpenAsync(
            line.ConnectionString, Limits.Default with { DatabaseWaitMax = TimeSpan.FromMilliseconds(300) });
        var (alice, _, lobby) = await StartAsync(rooms);
        var (doubtful, refused) = (Message(lobby, alice, "doubtful"), Message(lobby, alice, "refused"));
        line.Cut();

        // The first goes out on a connection that seems to be there; the second finds none.
        Assert.Equal(Outcome.Unknown, (await rooms.WriteAsync(doubtful)).Outcome);
        Assert.Equal(Outcome.Unavailable, (await rooms.WriteAsync(refused)).Outcome);

        line.Mend();
        Assert.Equal((Outcome.Stored, 3L), Told(await rooms.WriteAsync(doubtful)));
        Assert.Equal((Outcome.Stored, 4L), Told(await rooms.WriteAsync(refused)));
    }

    [Fact]
    public async Task Answer_that_is_lost_for_good_is_told_as_unknown_and_its_repetition_is_delivered()
    {
        await using var line = await OpenLineAsync();
        await using var rooms = await WritingRooms.OpenAsync(
            line.ConnectionString, Limits.Default with { DatabaseWaitMax = TimeSpan.FromMilliseconds(300) });
        var (alice, _, lobby) = await StartAsync(rooms);
        var reader = new LogReader(rooms.Live);
        await reader.OpenAsync(lobby, alice, after: null, Cancellation);
        var post = Message(lobby, alice, "stored all the same");
        // The post's own answer, and those of every connection after it.
        for (var turn = 0; turn < 1000; turn++)
            line.LoseNextAnswer();
        Assert.Equal(Outcome.Unknown, (await rooms.WriteAsync(post)).Outcome);

        line.KeepAnswers();
        Assert.Equal((Outcome.Duplicate, 3L), Told(await rooms.WriteAsync(post)));
        await reader.ReadAsync(3, Cancellation);
        Assert.Equal([3], reader.Seqs);
    }

    [Fact]
    public async Task Posts_that_meet_a_short_absence_are_stored_when_it_is_over()
    {
        await using var line = await OpenLineAsync();
        await using var rooms = await WritingRooms.OpenAsync(line.ConnectionString, Limits.Default);
        var (alice, _, lobby) = await StartAsync(rooms);
        line.Cut();
        var writing = rooms.WriteAsync(Enumerable.Range(0, 50).Select(number => Message(lobby, alice, $"{number}")));
        Assert.False(writing.IsCompleted);
        line.Mend();

        Assert.Equal(Enumerable.Range(3, 50).Select(seq => (long)seq), (await writing).Select(result => result.Seq));
    }

    [Fact]
    public async Task Whatever_backends_are_killed_under_load_everything_is_stored_once()
    {
        const int Posters = 8;
        const int PostsEach = 40;
        const string KillWriters =
            """
            SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE datname = current_database() AND query LIKE 'WITH request%'
            """;
        await using var rooms = await WritingRooms.OpenAsync(postgres);
        var (alice, _, lobby) = await StartAsync(rooms);
        await using var killer = await StorageRooms.OpenAsync(rooms.Storage.ConnectionString);

        var posted = await Task.WhenAll(Enumerable.Range(0, Posters).Select(async poster =>
        {
            List<(Guid Nonce, long Seq)> seqs = [];
            for (var turn = 0; turn < PostsEach; turn++)
            {
                var post = Message(lobby, alice, $"{poster} {turn}");
                var writing = rooms.WriteAsync(post);
                if (turn % Posters == poster)
                    await killer.RunAsync(KillWriters);
                var result = await writing;
                Assert.True(result.Outcome is Outcome.Stored or Outcome.Duplicate, $"{result.Outcome}");
                seqs.Add((post.Nonce, result.Seq));
            }
            return seqs;
        }));

        var log = await rooms.Storage.LogAsync(lobby);
        Assert.Equal(Enumerable.Range(1, 2 + (Posters * PostsEach)).Select(seq => (long)seq), log.Select(e => e.Seq));
        Assert.All(posted.SelectMany(seqs => seqs), post => Assert.Equal(post.Nonce, log[(int)post.Seq - 1].Nonce));
    }

    [Fact]
    public async Task Flight_that_the_database_breaks_off_again_and_again_ends_though_others_get_through()
    {
        const string StatementsEndSoon =
            """
            DO $$BEGIN
                EXECUTE format('ALTER DATABASE %I SET statement_timeout = 500', current_database());
            END$$
            """;
        await using var storage = await StorageRooms.OpenAsync(postgres);
        await storage.RunAsync(StatementsEndSoon);
        await using var rooms = await WritingRooms.OpenAsync(
            storage.ConnectionString, Limits.Default with { DatabaseWaitMax = TimeSpan.FromSeconds(1) });
        var (alice, _, free) = await StartAsync(rooms);
        var stuck = await rooms.Storage.CreateLobbyAsync(alice, "stuck");

        await using (await storage.LockAsync(stuck))
        {
            var writing = rooms.WriteAsync(Message(stuck, alice, "stuck"));
            while (!writing.IsCompleted)
                await rooms.WriteAsync(Message(free, alice, "free"));
            Assert.Equal(Outcome.Unknown, (await writing).Outcome);
        }
    }

    async Task<PostgresLine> OpenLineAsync() =>
        new(await postgres.CreateDatabaseAsync("migrated", StorageRooms.MigrateAsync));

    static (Outcome Outcome, long Seq) Told(Appended result) => (result.Outcome, result.Seq);

    // The log holds the creation and one message, and the writer has a connection open.
    static async Task<(Person Alice, Person Bob, LobbyInfo Lobby)> StartAsync(WritingRooms rooms)
    {
        var (alice, bob) = (await rooms.Storage.AddUserAsync("alice"), await rooms.Storage.AddUserAsync("bob"));
        var lobby = await rooms.Storage.CreateLobbyAsync(alice);
        Assert.Equal(Outcome.Stored, (await rooms.WriteAsync(Message(lobby, alice, "first"))).Outcome);
        return (alice, bob, lobby);
    }
}
