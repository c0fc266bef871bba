using System.Text;
using Conclave.Protocol;
using Conclave.Server.Lobbies;
using Conclave.Server.Storage;
using Conclave.Tests.Support;
using CsCheck;
using static Conclave.Tests.Support.StorageRooms;

namespace Conclave.Tests.Server.Lobbies;

/// <summary>Tails, pages and cursors together, on a real log and without sockets.</summary>
public sealed class CursorTests(PostgresCluster postgres)
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Cursor_goes_from_the_stored_entries_to_the_live_ones_without_a_seam()
    {
        await using var rooms = await OpenAsync(postgres);
        var alice = await rooms.AddUserAsync("alice");
        var number = 0;
        await Gen.Select(Gen.Int[0, 40], Gen.Int[1, 80], Gen.Int[1, 12], Gen.Int[1, 4000], Gen.Int[1, 20])
            .SampleAsync(RunAsync, iter: 12, threads: 1);

        async Task RunAsync(int stored, int live, int countMax, int bytesMax, int dropAfter)
        {
            using var lobbies = new LiveLobbies(rooms.Lobbies, rooms.Entries, Small(tailBytes: 4000));
            var lobby = await rooms.CreateLobbyAsync(alice, $"den {Interlocked.Increment(ref number)}");
            var writer = new CommittedLog(rooms, lobbies, lobby, alice);
            await writer.PostAsync(stored);
            LogReader[] readers = [.. Enumerable.Range(0, 3).Select(
                _ => new LogReader(lobbies, countMax, bytesMax) { DropAfter = dropAfter })];
            var last = 1 + stored + live;
            var writing = Task.Run(() => writer.PostAsync(live), Cancellation);
            await Task.WhenAll(readers.Select((reader, index) => Task.Run(
                async () =>
                {
                    Assert.True(await reader.OpenAsync(lobby, alice, after: stored * index / 3, Cancellation));
                    await reader.ReadAsync(last, Cancellation);
                    Assert.Equal(
                        Enumerable.Range(1, last).Select(seq => (long)seq).Where(seq => seq > stored * index / 3),
                        reader.Seqs);
                    reader.Close();
                },
                Cancellation)));
            await writing;
        }
    }

    [Fact]
    public async Task Tail_that_has_shrunk_costs_pages_and_no_entry()
    {
        await using var rooms = await OpenAsync(postgres);
        var alice = await rooms.AddUserAsync("alice");
        var lobby = await rooms.CreateLobbyAsync(alice);
        using var lobbies = new LiveLobbies(rooms.Lobbies, rooms.Entries, Small(tailBytes: 2000));
        var (slow, fast) = (new LogReader(lobbies), new LogReader(lobbies));
        await slow.OpenAsync(lobby, alice, after: null, Cancellation);
        await fast.OpenAsync(lobby, alice, after: null, Cancellation);
        var writer = new CommittedLog(rooms, lobbies, lobby, alice);
        for (var turn = 0; turn < 30; turn++)
        {
            await writer.PostAsync(1);
            await fast.ReadAsync(2 + turn, Cancellation);
        }
        await slow.ReadAsync(31, Cancellation);

        Assert.Equal(Enumerable.Range(2, 30).Select(seq => (long)seq), fast.Seqs);
        Assert.Equal(fast.Seqs, slow.Seqs);
        Assert.Equal(0, fast.Pages);
        Assert.True(slow.Pages > 0, "the tail kept more than its budget");
    }

    [Fact]
    public async Task Gap_that_another_server_wrote_is_read_from_the_log()
    {
        await using var rooms = await OpenAsync(postgres);
        var alice = await rooms.AddUserAsync("alice");
        var lobby = await rooms.CreateLobbyAsync(alice);
        using var lobbies = new LiveLobbies(rooms.Lobbies, rooms.Entries, Limits.Default);
        var reader = new LogReader(lobbies);
        await reader.OpenAsync(lobby, alice, after: null, Cancellation);
        await rooms.AppendAsync([Message(lobby, alice, "elsewhere"), Message(lobby, alice, "too")]);
        await new CommittedLog(rooms, lobbies, lobby, alice).PostAsync(2);

        await reader.ReadAsync(5, Cancellation);
        Assert.Equal([2, 3, 4, 5], reader.Seqs);

        // Nothing is posted here, but a newcomer finds out.
        await rooms.AppendAsync(Message(lobby, alice, "elsewhere again"));
        await new LogReader(lobbies).OpenAsync(lobby, alice, after: null, Cancellation);
        await reader.ReadAsync(6, Cancellation);
        Assert.Equal(6, reader.Seqs.Last());
    }

    [Fact]
    public async Task Removal_is_the_last_entry_its_member_sees_until_invited_again()
    {
        await using var rooms = await OpenAsync(postgres);
        var (alice, bob) = (await rooms.AddUserAsync("alice"), await rooms.AddUserAsync("bob"));
        var lobby = await rooms.CreateLobbyAsync(alice);
        using var lobbies = new LiveLobbies(rooms.Lobbies, rooms.Entries, Limits.Default);
        var writer = new CommittedLog(rooms, lobbies, lobby, alice);
        await writer.AppendAsync(Invitation(lobby, alice, bob));
        var (live, late, never) = (new LogReader(lobbies), new LogReader(lobbies), new LogReader(lobbies));
        Assert.True(await live.OpenAsync(lobby, bob, after: null, Cancellation));
        Assert.True(await late.OpenAsync(lobby, bob, after: 0, Cancellation));
        await writer.PostAsync(1);
        await writer.AppendAsync(Removal(lobby, alice, bob));
        await writer.PostAsync(1);

        await live.ReadAsync(long.MaxValue, Cancellation);
        await late.ReadAsync(long.MaxValue, Cancellation);
        Assert.False(await never.OpenAsync(lobby, bob, after: 0, Cancellation));
        await writer.AppendAsync(Invitation(lobby, alice, bob));
        Assert.False(await late.PullAsync(Cancellation) && late.Cursor.Position > 4);
        Assert.Equal([3, 4], live.Seqs);
        Assert.Equal([1, 2, 3, 4], late.Seqs);

        var again = new LogReader(lobbies);
        Assert.True(await again.OpenAsync(lobby, bob, after: 0, Cancellation));
        await again.ReadAsync(6, Cancellation);
        Assert.Equal([1, 2, 3, 4, 5, 6], again.Seqs);
    }

    [Fact]
    public async Task Page_that_arrives_after_its_cursor_ended_gives_its_memory_back()
    {
        await using var rooms = await OpenAsync(postgres);
        var alice = await rooms.AddUserAsync("alice");
        var lobby = await rooms.CreateLobbyAsync(alice);
        // Room for one page at a time.
        using var lobbies = new LiveLobbies(rooms.Lobbies, rooms.Entries, Small(frameBytes: 1));
        for (var turn = 0; turn < 3; turn++)
        {
            var reader = new LogReader(lobbies);
            await reader.OpenAsync(lobby, alice, after: 0, Cancellation);
            var page = await lobbies.TryReadPageAsync(reader.Cursor, Cancellation)
                .WaitAsync(TimeSpan.FromSeconds(10), Cancellation);
            lobbies.Close(reader.Cursor);
            reader.Cursor.SetPage(page!);
        }
    }

    [Fact]
    public async Task Frame_is_the_protocols_event_with_the_exact_bytes_that_were_posted()
    {
        await using var rooms = await OpenAsync(postgres);
        var alice = await rooms.AddUserAsync("alice");
        var lobby = await rooms.CreateLobbyAsync(alice, "den \"1\"");
        const string RowData = """{ "b" : 1e0 ,  "a":"\u0041\/é" , "b" : 1.00 }""";
        var post = NewEntry.Message(lobby, alice, Guid.NewGuid(), Encoding.UTF8.GetBytes(RowData));
        await rooms.AppendAsync(post);

        var entry = (await rooms.LogAsync(lobby))[1];
        var json = Encoding.UTF8.GetString(new EntryEncoder(entry.LobbyId, "den \"1\"").Encode(entry).Json.Span);
        Assert.Equal(
            $$"""
            {"event":"message","lobby_id":"{{lobby.LobbyId}}","lobby_name":"den \"1\"","seq":2,
            "sent_at":"{{TimeJsonConverter.Text(entry.SentAt)}}",
            "from":{"login":"alice","public_token":"{{alice.PublicToken}}"},
            "row_data":{{RowData}},"nonce":"{{post.Nonce}}"}
            """.ReplaceLineEndings(""),
            json);
    }

    static Limits Small(long tailBytes = 64 << 20, long frameBytes = 128 << 20) =>
        Limits.Default with { TailBytesBudget = tailBytes, FrameBytesBudget = frameBytes };

    /// <summary>Commits, and tells the tail, as the writer does.</summary>
    sealed class CommittedLog(StorageRooms rooms, LiveLobbies live, LobbyInfo lobby, Person author)
    {
        public async Task PostAsync(int count)
        {
            for (var turn = 0; turn < count; turn++)
                await AppendAsync(Message(lobby, author, new string('x', turn * 37 % 400)));
        }

        public async Task AppendAsync(NewEntry entry)
        {
            var appended = await rooms.AppendAsync(entry);
            Assert.Equal(Outcome.Stored, appended.Outcome);
            var range = new PageRange(appended.Seq - 1, Backward: false, 1, int.MaxValue);
            live.Append(lobby.LobbyId, await rooms.Entries.ReadAsync(lobby, range, Cancellation));
        }
    }
}
