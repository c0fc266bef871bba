using Conclave.Protocol;
using Conclave.Server.Lobbies;
using Conclave.Server.Storage;

namespace Conclave.Tests.Support;

/// <summary>
/// Reads one lobby as a connection does: pulls its cursor when it is due, loads a page when it is behind. How much it
/// takes at once and when it lets go of a page is the test's to say.
/// </summary>
sealed class LogReader
{
    readonly LiveLobbies _live;
    readonly Signal _signal = new();
    readonly DueCursors _due;
    readonly EntryFrame[] _frames;
    readonly int _bytesMax;

    public LogReader(LiveLobbies live, int countMax = 64, int bytesMax = 64 << 10)
    {
        _live = live;
        _due = new DueCursors(_signal);
        _frames = new EntryFrame[countMax];
        _bytesMax = bytesMax;
    }

    public Cursor Cursor { get; private set; } = null!;

    /// <summary>Where the reader stood when the cursor was opened or refused.</summary>
    public Standing Standing { get; private set; }

    /// <summary>What was read, in order.</summary>
    public List<EntryFrame> Frames { get; } = [];

    public IEnumerable<long> Seqs => Frames.Select(frame => frame.Seq);

    /// <summary>What was told of entries that were read.</summary>
    public List<Hint> Hints { get; } = [];

    /// <summary>The pages that were loaded.</summary>
    public int Pages { get; private set; }

    /// <summary>Drops every page of which this many frames were taken.</summary>
    public int DropAfter { get; set; } = int.MaxValue;

    public static Session SessionOf(Person person) =>
        new(Guid.NewGuid(), person, DateTimeOffset.MaxValue, DateTimeOffset.MinValue);

    public async Task<bool> OpenAsync(LobbyInfo lobby, Person person, long? after, CancellationToken cancellation)
    {
        var (cursor, standing) = await _live.OpenAsync(lobby, SessionOf(person), after, _due, cancellation);
        Cursor = cursor!;
        Standing = standing!.Value;
        cursor?.Start();
        return cursor is not null;
    }

    /// <summary>Reads until the entry <paramref name="last"/>, or until the cursor ends.</summary>
    public Task ReadAsync(long last, CancellationToken cancellation) =>
        ReadAsync(Task.FromResult(last), pause: 0, cancellation);

    /// <summary>The same, slowly, where it is told later which entry is the last.</summary>
    public async Task ReadAsync(Task<long> last, int pause, CancellationToken cancellation)
    {
        Task? waking = null;
        while (!Cursor.IsEnded && !(last.IsCompleted && Cursor.Position >= await last))
        {
            for (var turn = 0; turn < pause; turn++)
                await Task.Yield();
            if (await PullAsync(cancellation))
                continue;
            waking ??= _signal.WaitAsync().AsTask();
            var news = last.IsCompleted ? waking : Task.WhenAny(waking, last);
            await news.WaitAsync(TimeSpan.FromSeconds(20), cancellation);
            if (waking.IsCompleted)
                waking = null;
        }
    }

    /// <summary>Pulls once. False if nothing was due.</summary>
    public async Task<bool> PullAsync(CancellationToken cancellation)
    {
        if (_due.Next() is not { } cursor)
            return false;
        var state = cursor.Take(_frames, _bytesMax, out var count);
        Frames.AddRange(_frames.AsSpan(0, count));
        while (cursor.TakeHint() is { } hint)
            Hints.Add(hint);
        if (state == CursorState.Behind)
        {
            Pages++;
            cursor.SetPage((await _live.TryReadPageAsync(cursor, cancellation))!);
        }
        if (state is CursorState.Behind or CursorState.Ready)
            cursor.Wake();
        if (count >= DropAfter)
            cursor.DropPage();
        return true;
    }

    public void Close() => _live.Close(Cursor);
}
