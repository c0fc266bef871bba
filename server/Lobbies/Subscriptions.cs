using Conclave.Server.Storage;

namespace Conclave.Server.Lobbies;

/// <summary>The cursors of one connection: at most one for each lobby.</summary>
sealed class Subscriptions(LiveLobbies lobbies, Signal signal)
{
    readonly Lock _gate = new();
    readonly Dictionary<Guid, Cursor> _cursors = [];
    bool _isClosed;

    /// <summary>Those that have something to pull.</summary>
    public DueCursors Due { get; } = new(signal);

    /// <summary>Called when the last has ended.</summary>
    public Action? Emptied { get; init; }

    public int Count
    {
        get
        {
            lock (_gate)
                return _cursors.Count;
        }
    }

    public bool Contains(Guid lobbyId)
    {
        lock (_gate)
            return _cursors.ContainsKey(lobbyId);
    }

    /// <summary>Takes a cursor in; one that follows the same lobby already ends.</summary>
    public void Put(Cursor cursor)
    {
        Cursor? ended;
        lock (_gate)
        {
            ended = _isClosed ? cursor : _cursors.GetValueOrDefault(cursor.Lobby.LobbyId);
            if (!_isClosed)
                _cursors[cursor.Lobby.LobbyId] = cursor;
        }
        if (ended is not null)
            lobbies.Close(ended);
    }

    /// <summary>Ends the cursor of a lobby, if there is one.</summary>
    public void Remove(Guid lobbyId)
    {
        Cursor? ended;
        lock (_gate)
            ended = _cursors.GetValueOrDefault(lobbyId);
        if (ended is not null)
            Remove(ended);
    }

    /// <summary>Lets go of a cursor that has ended.</summary>
    public void Remove(Cursor cursor)
    {
        bool isLast;
        lock (_gate)
        {
            if (_cursors.GetValueOrDefault(cursor.Lobby.LobbyId) != cursor)
                return;
            _cursors.Remove(cursor.Lobby.LobbyId);
            isLast = _cursors.Count == 0;
        }
        lobbies.Close(cursor);
        if (isLast)
            Emptied?.Invoke();
    }

    /// <summary>Ends the cursors of a session.</summary>
    public void RemoveSession(Guid sessionId)
    {
        foreach (var cursor in Snapshot().Where(cursor => cursor.Session.SessionId == sessionId))
            Remove(cursor);
    }

    /// <summary>The sessions whose subscriptions are here: they are in use.</summary>
    public IEnumerable<Session> Sessions() => Snapshot().Select(cursor => cursor.Session).Distinct();

    /// <summary>Ends all, and every one that comes later.</summary>
    public void Close()
    {
        lock (_gate)
            _isClosed = true;
        foreach (var cursor in Snapshot())
            Remove(cursor);
    }

    Cursor[] Snapshot()
    {
        lock (_gate)
            return [.. _cursors.Values];
    }
}
