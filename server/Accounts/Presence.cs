using Conclave.Protocol;

namespace Conclave.Server.Accounts;

/// <summary>Something for the connections of one user: a hint to send, or that a session of theirs has ended.</summary>
sealed record Notice(Hint? Hint, Guid? EndedSessionId = null);

/// <summary>
/// Which connections a user has here. Each is a function that takes a notice: it must not wait, and may drop it.
/// </summary>
sealed class Presence
{
    readonly Lock _gate = new();
    readonly Dictionary<Guid, HashSet<Action<Notice>>> _connections = [];

    public void Join(Guid publicToken, Action<Notice> connection)
    {
        lock (_gate)
        {
            if (!_connections.TryGetValue(publicToken, out var ofUser))
                _connections[publicToken] = ofUser = [];
            ofUser.Add(connection);
        }
    }

    public void Leave(Guid publicToken, Action<Notice> connection)
    {
        lock (_gate)
        {
            if (_connections.TryGetValue(publicToken, out var ofUser) && ofUser.Remove(connection) && ofUser.Count == 0)
                _connections.Remove(publicToken);
        }
    }

    /// <summary>Tells every connection of the user.</summary>
    public void Tell(Guid publicToken, Notice notice)
    {
        Action<Notice>[] connections;
        lock (_gate)
            connections = _connections.TryGetValue(publicToken, out var ofUser) ? [.. ofUser] : [];
        foreach (var connection in connections)
            connection(notice);
    }
}
