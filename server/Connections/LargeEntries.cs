using Conclave.Server.Lobbies;

namespace Conclave.Server.Connections;

/// <summary>
/// The memory of entries that are too large to be many in one write: what is handed to a socket lies there until its
/// reader takes it, and readers who take nothing can be many. Used by a connection's writing loop alone.
/// </summary>
sealed class LargeEntries(FairBudget budget, Signal signal, CancellationToken aborted)
{
    // In bytes. Smaller ones are bounded by how much is added to one write.
    const int BytesMin = FrameWriter.BytesGoal;

    // Their next entry waits for memory.
    readonly HashSet<Cursor> _waiting = [];
    ByteBudget.Lease? _granted;
    Guid _user;
    int _bytes;
    volatile bool _isAsking;
    volatile bool _isOver;

    public static bool IsLarge(EntryFrame frame) => frame.Json.Length > BytesMin;

    /// <summary>Whether a cursor that is due is to be left alone: it will be due again.</summary>
    public bool Holds(Cursor cursor) => _waiting.Contains(cursor);

    /// <summary>Lets those go on for whom there may be memory now.</summary>
    public void Advance()
    {
        if (_waiting.Count == 0 || _isAsking)
            return;
        foreach (var cursor in _waiting)
            cursor.Start();
        _waiting.Clear();
    }

    /// <summary>Memory for an entry that was handed out. Without any, its cursor takes it back.</summary>
    public ByteBudget.Lease? TryTake(Cursor cursor, EntryFrame frame)
    {
        var (user, bytes) = (cursor.Session.Person.PublicToken, frame.Json.Length);
        if (TakeGranted(user, bytes) is { } granted)
            return granted;
        if (!_isAsking)
        {
            (_isAsking, _user, _bytes) = (true, user, bytes);
            _ = AskAsync();
            // It may have been there at once.
            if (!_isAsking && TakeGranted(user, bytes) is { } lease)
                return lease;
        }
        cursor.PutBack(frame);
        _waiting.Add(cursor);
        return null;
    }

    /// <summary>Gives back what was asked for and not used.</summary>
    public void Release()
    {
        _isOver = true;
        Interlocked.Exchange(ref _granted, null)?.Dispose();
    }

    ByteBudget.Lease? TakeGranted(Guid user, int bytes)
    {
        if (_isAsking || Interlocked.Exchange(ref _granted, null) is not { } granted)
            return null;
        if (_user == user && _bytes >= bytes)
        {
            granted.ShrinkTo(bytes);
            return granted;
        }
        // It was for another entry, which asks again.
        granted.Dispose();
        return null;
    }

    async Task AskAsync()
    {
        try
        {
            Volatile.Write(ref _granted, await budget.LeaseAsync(_user, _bytes, aborted));
            if (_isOver)
                Release();
        }
        catch (OperationCanceledException)
        {
            // The connection ends.
        }
        finally
        {
            _isAsking = false;
            signal.Set();
        }
    }
}
