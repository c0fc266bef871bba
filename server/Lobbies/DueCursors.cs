namespace Conclave.Server.Lobbies;

/// <summary>The cursors of one owner that have something to pull, in the order in which they got it.</summary>
sealed class DueCursors(Signal signal)
{
    readonly Lock _gate = new();
    readonly Queue<Cursor> _cursors = new();

    public void Add(Cursor cursor)
    {
        lock (_gate)
            _cursors.Enqueue(cursor);
        signal.Set();
    }

    public Cursor? Next()
    {
        lock (_gate)
            return _cursors.TryDequeue(out var cursor) ? cursor : null;
    }
}
