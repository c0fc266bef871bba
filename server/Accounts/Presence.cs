using Conclave.Protocol;

namespace Conclave.Server.Accounts;

/// <summary>Something for the connections of one user: a hint to send, or that a session of theirs has ended.</summary>
sealed record Notice(Hint? Hint, Guid? EndedSessionId = null);

/// <summary>
/// Which connections a user has here, and by which sessions. Each connection is a function that takes a notice: it must
/// not wait, and may drop it.
/// </summary>
sealed class Presence
{
    readonly Lock _gate = new();

    // For each connection of a user how many sessions of theirs it has shown.
    readonly Dictionary<Guid, Dictionary<Action<Notice>, int>> _connections = [];
    readonly Dictionary<Guid, (Guid PublicToken, HashSet<Action<Notice>> Connections)> _sessions = [];

    // Found ended by a sweep, perhaps before whoever ended them here comes to say so.
    readonly HashSet<Guid> _swept = [];

    /// <summary>A connection has shown a session, for the first time.</summary>
    public void Join(Guid publicToken, Guid sessionId, Action<Notice> connection)
    {
        lock (_gate)
        {
            if (!_sessions.TryGetValue(sessionId, out var session))
                _sessions[sessionId] = session = (publicToken, []);
            session.Connections.Add(connection);
            if (!_connections.TryGetValue(publicToken, out var ofUser))
                _connections[publicToken] = ofUser = [];
            ofUser[connection] = ofUser.GetValueOrDefault(connection) + 1;
        }
    }

    /// <summary>That connection is gone, or the session has ended: the end of what <see cref="Join"/> began.</summary>
    public void Leave(Guid publicToken, Guid sessionId, Action<Notice> connection)
    {
        lock (_gate)
        {
            if (_sessions.TryGetValue(sessionId, out var session) && session.Connections.Remove(connection)
                && session.Connections.Count == 0)
                _sessions.Remove(sessionId);
            if (!_connections.TryGetValue(publicToken, out var ofUser)
                || !ofUser.TryGetValue(connection, out var sessions))
                return;
            if (sessions > 1)
                ofUser[connection] = sessions - 1;
            else if (ofUser.Remove(connection) && ofUser.Count == 0)
                _connections.Remove(publicToken);
        }
    }

    /// <summary>The sessions that connections have shown here.</summary>
    public Guid[] Sessions()
    {
        lock (_gate)
            return [.. _sessions.Keys];
    }

    /// <summary>
    /// Takes out a session that a sweep has found ended; returns whose it was, null if it was not shown.
    /// </summary>
    public Guid? Sweep(Guid sessionId)
    {
        lock (_gate)
        {
            if (!_sessions.Remove(sessionId, out var session))
                return null;
            _swept.Add(sessionId);
            return session.PublicToken;
        }
    }

    /// <summary>Takes out a session that was ended here; returns whether no sweep was faster.</summary>
    public bool Forget(Guid sessionId)
    {
        lock (_gate)
        {
            _sessions.Remove(sessionId);
            return !_swept.Remove(sessionId);
        }
    }

    /// <summary>Whoever has ended what was swept until now has said so, or was another server.</summary>
    public void Trim()
    {
        lock (_gate)
            _swept.Clear();
    }

    /// <summary>Tells every connection of the user.</summary>
    public void Tell(Guid publicToken, Notice notice)
    {
        Action<Notice>[] connections;
        lock (_gate)
            connections = _connections.TryGetValue(publicToken, out var ofUser) ? [.. ofUser.Keys] : [];
        foreach (var connection in connections)
            connection(notice);
    }
}
