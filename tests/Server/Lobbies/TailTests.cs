using Conclave.Protocol;
using Conclave.Server.Lobbies;
using Conclave.Server.Storage;
using Conclave.Tests.Support;

namespace Conclave.Tests.Server.Lobbies;

/// <summary>The end of a log in memory, without the log.</summary>
public sealed class TailTests
{
    static readonly Person Alice = new("alice", Guid.NewGuid());
    static readonly LobbyInfo Lobby = new(Guid.NewGuid(), isSealed: false, new LobbyKey(new byte[32]));

    readonly Signal _signal = new();
    readonly EntryFrame[] _frames = new EntryFrame[100];

    [Fact]
    public void Entries_committed_before_anyone_follows_are_left_to_the_log()
    {
        // Nobody has said yet what the lobby is called, and frames name it.
        var tail = new Tail();
        tail.Append([Entry(2), Entry(3)]);
        var cursor = Follow(tail, lastSeq: 1);
        tail.Append([Entry(4)]);

        Assert.Equal(-1, tail.Read(1, _frames, int.MaxValue));
        Assert.Equal(1, tail.Read(3, _frames, int.MaxValue));
        Assert.Equal(Encode(Entry(4)).Json.ToArray(), _frames[0].Json.ToArray());
        Assert.Equal(CursorState.Behind, cursor.Take(_frames, int.MaxValue, out _));
    }

    [Fact]
    public void Entries_are_handed_out_in_order_however_often_the_ring_grows()
    {
        var tail = new Tail();
        var cursor = Follow(tail, lastSeq: 7);
        for (var seq = 8; seq < 88; seq++)
            tail.Append([Entry(seq)]);

        Assert.Equal(CursorState.Ready, cursor.Take(_frames, int.MaxValue, out var count));
        Assert.Equal(Enumerable.Range(8, 80), _frames.Take(count).Select(frame => (int)frame.Seq));
        Assert.Equal(CursorState.UpToDate, cursor.Take(_frames, int.MaxValue, out _));
    }

    [Fact]
    public void Read_is_bounded_by_count_and_bytes_but_gives_one_entry_at_least()
    {
        var tail = new Tail();
        Follow(tail, lastSeq: 1);
        tail.Append([Entry(2), Entry(3), Entry(4)]);
        var bytes = Encode(Entry(2)).Json.Length;

        Assert.Equal(2, tail.Read(1, _frames.AsSpan(0, 2), int.MaxValue));
        Assert.Equal(1, tail.Read(1, _frames, bytesMax: 1));
        Assert.Equal(2, tail.Read(1, _frames, bytesMax: 2 * bytes));
        Assert.Equal(0, tail.Read(4, _frames, int.MaxValue));
    }

    [Fact]
    public void Entries_that_are_there_already_are_passed_over_and_a_gap_starts_anew()
    {
        var tail = new Tail();
        Follow(tail, lastSeq: 1);
        tail.Append([Entry(2), Entry(3)]);
        tail.Append([Entry(2), Entry(3)]);
        Assert.Equal(2, tail.Read(1, _frames, int.MaxValue));

        tail.Append([Entry(6)]);
        Assert.Equal(-1, tail.Read(1, _frames, int.MaxValue));
        Assert.Equal(-1, tail.Read(4, _frames, int.MaxValue));
        Assert.Equal(1, tail.Read(5, _frames, int.MaxValue));
    }

    [Fact]
    public void Bytes_are_counted_back_to_nothing()
    {
        var tail = new Tail();
        var counted = 0L;
        Follow(tail, lastSeq: 1);
        for (var seq = 2; seq < 50; seq++)
            counted += tail.Append([Entry(seq)]);
        Assert.Equal(counted, tail.Bytes);
        Assert.True(counted > 0);
        while (tail.Shrink() is > 0 and var freed)
        {
            counted -= freed;
            // What is left is the newer end.
            Assert.True(tail.Bytes == 0 || tail.Read(48, _frames, int.MaxValue) == 1);
        }
        Assert.Equal(0, counted);
        tail.Append([Entry(50)]);
        Assert.Equal(1, tail.Read(49, _frames, int.MaxValue));
        Assert.Equal((tail.Bytes, 0), (tail.Close(), tail.Bytes));
        Assert.Equal(0, tail.Append([Entry(51)]));
    }

    [Fact]
    public void Silent_cursor_becomes_due_once_when_it_is_started_and_again_after_it_was_pulled()
    {
        var due = new DueCursors(_signal);
        var tail = new Tail();
        var cursor = new Cursor(Lobby, LogReader.SessionOf(Alice), new(1, "den", Rights.All, 1), 1, tail, due);
        tail.Attach(cursor, new(1, "den", Rights.All, 1));
        tail.Append([Entry(2)]);
        Assert.Null(due.Next());
        cursor.Start();
        tail.Append([Entry(3)]);
        Assert.Same(cursor, due.Next());
        Assert.Null(due.Next());
        cursor.Take(_frames, int.MaxValue, out var count);
        Assert.Equal(2, count);
        tail.Append([Entry(4)]);
        Assert.Same(cursor, due.Next());
        cursor.End();
        Assert.Equal(CursorState.Ended, cursor.Take(_frames, int.MaxValue, out _));
    }

    Cursor Follow(Tail tail, long lastSeq)
    {
        var standing = new Standing(lastSeq, "den", Rights.All, 1);
        var cursor = new Cursor(
            Lobby, LogReader.SessionOf(Alice), standing, lastSeq, tail, new DueCursors(_signal));
        tail.Attach(cursor, standing);
        return cursor;
    }

    static EntryFrame Encode(StoredEntry entry) => new EntryEncoder(entry.LobbyId, "den").Encode(entry);

    static StoredEntry Entry(long seq) => new()
    {
        LobbyId = Lobby.LobbyId,
        Seq = seq,
        Kind = EntryKind.Message,
        SentAt = DateTimeOffset.UnixEpoch,
        Author = Alice,
        Nonce = Guid.Empty,
        RowData = "\"x\""u8.ToArray(),
        RowBytes = 3,
    };
}
