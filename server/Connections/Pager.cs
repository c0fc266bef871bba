using System.Runtime.ExceptionServices;
using Conclave.Server.Lobbies;

namespace Conclave.Server.Connections;

/// <summary>
/// Loads pages of the log for the cursors of one connection that are behind: one cursor at a time, so that however
/// many it has, a connection holds two pages: one that goes out, and the next. Used by the connection's writing loop
/// alone.
/// </summary>
sealed class Pager(LiveLobbies lobbies, TimeProvider time, CancellationToken aborted)
{
    /// <summary>After this long without progress a page is let go.</summary>
    public static readonly TimeSpan StallMax = TimeSpan.FromSeconds(1);

    static readonly TimeSpan RetryWait = TimeSpan.FromSeconds(1);

    // Of the time that reading a page takes: its sending, and what its reader does with it, take more than that.
    const int RestPerReading = 30;

    // Reading may take long for another reason: a slow disk, or one page of many readers'.
    static readonly TimeSpan RestMax = TimeSpan.FromMilliseconds(50);

    readonly Queue<Cursor> _behind = new();
    readonly HashSet<Cursor> _waiting = [];
    Cursor? _current;
    Task _loading = Task.CompletedTask;
    long _readAt;
    TimeSpan _rest;

    /// <summary>Takes a cursor that needs a page.</summary>
    public void Add(Cursor cursor)
    {
        var isLoading = cursor == _current && !_loading.IsCompleted;
        if (!isLoading && _waiting.Add(cursor))
            _behind.Enqueue(cursor);
    }

    /// <summary>Loads the next page if the last is used up.</summary>
    public void Advance()
    {
        if (!_loading.IsCompleted)
            return;
        // A log that cannot be read is no subscription: the connection ends, and its end says so.
        if (_loading.Exception?.InnerException is { } fault)
            ExceptionDispatchInfo.Throw(fault);
        if (_current is { HasPage: true, IsEnded: false } reading)
        {
            // The next page while this one goes out, unless it is another cursor's turn.
            if (_behind.Count == 0 && reading.WantsPage)
                Load(reading);
            return;
        }
        _current = null;
        while (_current is null && _behind.TryDequeue(out var next))
        {
            _waiting.Remove(next);
            _current = next.IsEnded ? null : next;
        }
        if (_current is { } current)
            Load(current);
    }

    void Load(Cursor cursor)
    {
        _loading = LoadAsync(cursor);
        // After its end and not at it: a loop that looked while it still seems to load would not be woken again.
        _ = _loading.ContinueWith(_ => cursor.Wake(), TaskScheduler.Default);
    }

    /// <summary>Lets go of the page that is loaded; its cursor will ask for it again.</summary>
    public void DropPage()
    {
        if (_current is not { } stalled || !_loading.IsCompleted)
            return;
        stalled.DropPage();
        stalled.Wake();
    }

    async Task LoadAsync(Cursor cursor)
    {
        while (!aborted.IsCancellationRequested && !cursor.IsEnded)
        {
            await RestAsync();
            var (begun, delivered) = (time.GetTimestamp(), lobbies.Deliveries);
            if (await lobbies.TryReadPageAsync(cursor, aborted) is { } page)
            {
                cursor.SetPage(page);
                _readAt = time.GetTimestamp();
                // Who follows live goes first: with few processors, a replay at full speed would cost them half.
                _rest = delivered == lobbies.Deliveries
                    ? TimeSpan.Zero
                    : TimeSpan.FromTicks(Math.Min(
                        RestPerReading * time.GetElapsedTime(begun, _readAt).Ticks, RestMax.Ticks));
                break;
            }
            // The database comes back, and the log with it.
            await Task.Delay(RetryWait, time, aborted);
        }
    }

    async ValueTask RestAsync()
    {
        var left = _rest - time.GetElapsedTime(_readAt);
        if (left > TimeSpan.Zero)
            await Task.Delay(left, time, aborted);
    }
}
