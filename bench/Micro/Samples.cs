using System.Text;
using Conclave.Protocol;
using Conclave.Server.Lobbies;
using Conclave.Server.Storage;

namespace Conclave.Bench.Micro;

/// <summary>What a lobby looks like from within: a name, members, entries of 256 bytes.</summary>
static class Samples
{
    public const string LobbyName = "bench-0";

    static readonly byte[] RowData = Encoding.UTF8.GetBytes($"\"{new string('x', 254)}\"");
    static readonly DateTimeOffset Time = DateTimeOffset.UnixEpoch.AddYears(56).AddMilliseconds(123);

    public static LobbyInfo Lobby { get; } = new(Guid.CreateVersion7(Time), false, new LobbyKey(new byte[32]));

    public static Person Author { get; } = new("bench-0", Guid.CreateVersion7(Time));

    /// <summary>Messages with seq 1 and so on.</summary>
    public static List<StoredEntry> Entries(int count) => [.. Enumerable.Range(1, count).Select(Entry)];

    /// <summary>A cursor at the start of a log, and the tail that it follows.</summary>
    public static (Tail Tail, Cursor Cursor) Open()
    {
        var tail = new Tail();
        return (tail, Follow(tail));
    }

    /// <summary>One more cursor at the start of the same log.</summary>
    public static Cursor Follow(Tail tail)
    {
        var session = new Session(Guid.NewGuid(), Author, Time, Time);
        var standing = new Standing(0, LobbyName, Rights.Default, 0);
        var cursor = new Cursor(Lobby, session, standing, 0, tail, new DueCursors(new Signal()));
        tail.Attach(cursor, standing);
        return cursor;
    }

    static StoredEntry Entry(int seq) => new()
    {
        LobbyId = Lobby.LobbyId,
        Seq = seq,
        Kind = EntryKind.Message,
        SentAt = Time,
        Author = Author,
        Nonce = Guid.CreateVersion7(Time),
        RowData = RowData,
        RowBytes = RowData.Length,
    };
}
