using System.Text;
using Conclave.Protocol;
using Conclave.Server.Lobbies;
using Conclave.Server.Storage;
using Conclave.Server.Writing;
using Conclave.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using static Conclave.Tests.Support.StorageRooms;

namespace Conclave.Tests.Server.Writing;

public sealed class EntryWriterTests(PostgresCluster postgres, ITestOutputHelper output)
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Lone_poster_gets_a_commit_for_each_post_and_a_crowd_shares_them()
    {
        const int Posters = 64;
        const int PostsEach = 20;
        await using var rooms = await WritingRooms.OpenAsync(postgres);
        var (alice, lobby) = await StartAsync(rooms);
        var before = rooms.Writer.Commits;
        for (var turn = 0; turn < 20; turn++)
            await rooms.WriteAsync(Message(lobby, alice, "alone"));
        Assert.Equal(20, rooms.Writer.Commits - before);

        var (commits, stored) = (rooms.Writer.Commits, rooms.Writer.Stored);
        await Task.WhenAll(Enumerable.Range(0, Posters).Select(async _ =>
        {
            for (var turn = 0; turn < PostsEach; turn++)
                await rooms.WriteAsync(Message(lobby, alice, "together"));
        }));
        (commits, stored) = (rooms.Writer.Commits - commits, rooms.Writer.Stored - stored);

        output.WriteLine($"{Posters} posters with one post each: {(double)stored / commits:F1} messages a commit");
        Assert.Equal(Posters * PostsEach, stored);
        Assert.True(commits < stored / 4, $"{stored} messages took {commits} commits");
    }

    [Fact]
    public async Task Drafts_of_a_lobby_enter_its_log_in_the_order_handed_in()
    {
        await using var rooms = await WritingRooms.OpenAsync(
            postgres, Limits.Default with { BatchCountMax = 7, BatchBytesMax = 100 });
        var (alice, lobby) = await StartAsync(rooms);
        var bob = await rooms.Storage.AddUserAsync("bob");
        // Messages, changes of members and a nonce that comes twice, all under way together.
        NewEntry[] entries =
        [
            Message(lobby, alice, "1"), Invitation(lobby, alice, bob), Message(lobby, bob, "2"),
            Message(lobby, bob, "3"), Removal(lobby, alice, bob), Message(lobby, bob, "too late"),
            .. Enumerable.Range(0, 30).Select(number => Message(lobby, alice, $"{number}")),
        ];

        var results = await rooms.WriteAsync([.. entries, entries[0]]);

        Assert.Equal([2L, 3, 4, 5, 6, 0], results.Take(6).Select(result => result.Seq));
        Assert.Equal(Outcome.Forbidden, results[5].Outcome);
        Assert.Equal(Enumerable.Range(7, 30).Select(seq => (long)seq), results.Skip(6).Take(30).Select(r => r.Seq));
        Assert.Equal((Outcome.Duplicate, 2L), (results[^1].Outcome, results[^1].Seq));
    }

    [Fact]
    public async Task Lobby_that_is_stuck_stalls_no_other_and_goes_on_in_order_when_it_is_free()
    {
        await using var rooms = await WritingRooms.OpenAsync(postgres);
        var (alice, stuck) = await StartAsync(rooms);
        var free = await rooms.Storage.CreateLobbyAsync(alice, "free");
        List<Task<Appended>> waiting = [];
        await using (await rooms.Storage.LockAsync(stuck))
        {
            for (var turn = 0; turn < 20; turn++)
            {
                waiting.Add(rooms.WriteAsync(Message(stuck, alice, "waits")));
                Assert.Equal(turn + 2, (await rooms.WriteAsync(Message(free, alice, "goes on"))).Seq);
            }
            Assert.All(waiting, writing => Assert.False(writing.IsCompleted));
        }

        var results = await Task.WhenAll(waiting);
        Assert.Equal(Enumerable.Range(2, 20).Select(seq => (long)seq), results.Select(result => result.Seq));
        Assert.Equal(22, (await rooms.WriteAsync(Message(stuck, alice, "after"))).Seq);
    }

    [Fact]
    public async Task Lobby_that_stays_stuck_is_busy_and_nothing_was_done()
    {
        // One wait for the lock is five seconds; it is not waited for again.
        await using var rooms = await WritingRooms.OpenAsync(
            postgres, Limits.Default with { DatabaseWaitMax = TimeSpan.FromMilliseconds(1) });
        var (alice, stuck) = await StartAsync(rooms);
        await using (await rooms.Storage.LockAsync(stuck))
            Assert.Equal(Outcome.Unavailable, (await rooms.WriteAsync(Message(stuck, alice, "x"))).Outcome);
        Assert.Single(await rooms.Storage.LogAsync(stuck));
    }

    [Fact]
    public async Task Only_the_entry_that_the_database_refuses_is_at_fault()
    {
        await using var rooms = await WritingRooms.OpenAsync(postgres);
        var (alice, lobby) = await StartAsync(rooms);
        var other = await rooms.Storage.CreateLobbyAsync(alice, "other");
        await rooms.Storage.RunAsync("ALTER TABLE entries ADD CHECK (octet_length(body) <> 1003)");
        var entries = Enumerable.Range(0, 100).Select(number => number % 37 == 5
            ? Message(lobby, alice, new string('x', 1003 - LobbyKey.EncryptedSize(2)))
            : Message(number % 2 == 0 ? lobby : other, alice, $"{number}")).ToArray();
        // A batch is under way, so that all of these are the next one's.
        var first = rooms.WriteAsync(Message(lobby, alice, "first"));

        var drafts = await Task.WhenAll(entries.Select(entry => rooms.Writer.WriteAsync(entry, Cancellation)))
            .WaitAsync(Patience, Cancellation);

        await first;
        for (var index = 0; index < drafts.Length; index++)
        {
            var isCulprit = index % 37 == 5;
            Assert.Equal(isCulprit ? Outcome.Broken : Outcome.Stored, drafts[index].Result.Outcome);
            Assert.Equal(isCulprit, drafts[index].Trace is not null);
        }
        foreach (var log in await Task.WhenAll(rooms.Storage.LogAsync(lobby), rooms.Storage.LogAsync(other)))
        {
            Assert.Equal(Enumerable.Range(1, log.Count).Select(seq => (long)seq), log.Select(entry => entry.Seq));
            var numbers = log.Where(entry => entry.RowData.Length is 3 or 4)
                .Select(entry => Encoding.UTF8.GetString(entry.RowData.Span).Trim('"')).Select(int.Parse).ToArray();
            Assert.Equal(numbers.Order(), numbers);
        }
    }

    [Fact]
    public async Task Writer_that_ends_answers_every_draft_it_took()
    {
        var rooms = await WritingRooms.OpenAsync(postgres);
        var (alice, lobby) = await StartAsync(rooms);
        Task<Appended>[] writing =
            [.. Enumerable.Range(0, 300).Select(number => rooms.WriteAsync(Message(lobby, alice, $"{number}")))];
        await rooms.Writer.DisposeAsync();

        Assert.All(await Task.WhenAll(writing), result => Assert.Equal(Outcome.Stored, result.Outcome));
        Assert.Equal(301, (await rooms.Storage.LogAsync(lobby)).Count);
        await rooms.DisposeAsync();
    }

    [Fact]
    public async Task Draft_beyond_a_full_inbox_waits_until_there_is_room()
    {
        await using var line = new PostgresLine(
            await postgres.CreateDatabaseAsync("migrated", StorageRooms.MigrateAsync));
        await using var rooms = await WritingRooms.OpenAsync(
            line.ConnectionString, new Limits { WriterInboxMax = 2 });
        var alice = await rooms.Storage.AddUserAsync("alice");
        var lobby = await rooms.Storage.CreateLobbyAsync(alice);
        var told = 0;
        Draft Post(string text) => new(Message(lobby, alice, text), () => Interlocked.Increment(ref told));

        // The first is under way and comes to no end; two more wait in the inbox.
        line.Cut();
        await rooms.Writer.SubmitAsync(Post("under way"), Cancellation);
        while (rooms.Writer.Waiting > 0)
            await Task.Yield();
        await rooms.Writer.SubmitAsync(Post("waits"), Cancellation);
        await rooms.Writer.SubmitAsync(Post("waits, too"), Cancellation);
        var beyond = rooms.Writer.SubmitAsync(Post("beyond"), Cancellation).AsTask();
        Assert.False(beyond.IsCompleted);
        Assert.Equal(2, rooms.Writer.Waiting);

        line.Mend();
        await beyond;
        while (Volatile.Read(ref told) < 4)
        {
            Cancellation.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    [Fact]
    public async Task Lobby_with_many_changes_before_its_posts_goes_on_alone()
    {
        const int Changes = 6000;
        await using var storage = await StorageRooms.OpenAsync(postgres);
        using var live = new LiveLobbies(storage.Lobbies, storage.Entries, Limits.Default);
        var alice = await storage.AddUserAsync("alice");
        var (busy, quiet) = (storage.Lobbies.Draw().Lobby, storage.Lobbies.Draw().Lobby);
        var all = new TaskCompletionSource();
        List<bool> isQuietIn = [];
        List<NewEntry> order = [];
        NewEntry[] changes =
            [.. Enumerable.Range(0, Changes).Select(_ => RightsChange(busy, alice, alice, Rights.All))];
        await using var writer = new EntryWriter(
            storage.Entries, live, Limits.Default, TimeProvider.System, NullLogger<EntryWriter>.Instance,
            async (_, drafts, patient) =>
            {
                await all.Task;
                lock (order)
                {
                    if (!patient)
                        isQuietIn.Add(drafts.Any(entry => entry.Lobby == quiet));
                    order.AddRange(drafts.Where(entry => entry.Lobby == busy));
                    return [.. drafts.Select(entry => new Appended(Outcome.Stored, entry.Lobby.LobbyId))];
                }
            });
        NewEntry[] entries = [.. changes, Message(quiet, alice, "waits for none of them")];
        var writing = Array.ConvertAll(entries, entry => writer.WriteAsync(entry, Cancellation));
        all.SetResult();
        await Task.WhenAll(writing).WaitAsync(Patience, Cancellation);

        Assert.InRange(isQuietIn.IndexOf(true), 0, 3);
        Assert.Equal(changes, order);
    }

    [Fact]
    public async Task Batch_is_bounded_by_count_and_bytes_and_ends_a_lobby_at_a_change_of_members()
    {
        await using var rooms = await StorageRooms.OpenAsync(postgres);
        var (alice, bob) = (await rooms.AddUserAsync("alice"), await rooms.AddUserAsync("bob"));
        var (one, two) = (rooms.Lobbies.Draw().Lobby, rooms.Lobbies.Draw().Lobby);
        var nonce = Guid.NewGuid();
        var batch = new Batch(Limits.Default with { BatchCountMax = 5, BatchBytesMax = 1000 });
        Assert.True(TryAdd(Message(one, alice, "x", nonce)));
        Assert.False(TryAdd(Message(one, alice, "x", nonce)));
        Assert.False(TryAdd(Message(one, alice, "later")));
        Assert.True(TryAdd(Message(two, alice, "x", nonce)));
        Assert.True(TryAdd(Message(two, bob, "x", nonce)));
        Assert.True(TryAdd(Invitation(two, alice, bob)));
        Assert.False(TryAdd(Message(two, alice, "later")));
        Assert.False(batch.IsFull);
        Assert.True(TryAdd(Message(rooms.Lobbies.Draw().Lobby, alice, "x")));
        Assert.True(batch.IsFull);
        Assert.False(TryAdd(Message(rooms.Lobbies.Draw().Lobby, alice, "x")));

        batch = new Batch(Limits.Default with { BatchCountMax = 5, BatchBytesMax = 1000 });
        Assert.True(TryAdd(Message(one, alice, new string('x', 5000))));
        Assert.False(TryAdd(Message(two, alice, "x")));

        bool TryAdd(NewEntry entry) => batch.TryAdd(new Draft(entry, () => { }));
    }

    static async Task<(Person Alice, LobbyInfo Lobby)> StartAsync(WritingRooms rooms)
    {
        var alice = await rooms.Storage.AddUserAsync("alice");
        return (alice, await rooms.Storage.CreateLobbyAsync(alice));
    }
}
