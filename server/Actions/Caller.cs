using System.Net;
using Conclave.Server.Accounts;
using Conclave.Server.Lobbies;
using Conclave.Server.Storage;

namespace Conclave.Server.Actions;

/// <summary>Who is at the other end of a connection, as far as it has shown.</summary>
sealed class Caller(
    IPAddress address, string? client, Subscriptions subscriptions, Presence presence, Action<Notice> tell)
{
    readonly Lock _gate = new();

    // The sessions that were shown here and have not ended, and whose they are.
    readonly Dictionary<Guid, Guid> _sessions = [];
    (Guid Token, TokenHash Hash)? _hashed;
    Session? _noted;

    public IPAddress Address { get; } = address;

    /// <summary>What the program at the other end calls itself; null if it does not say.</summary>
    public string? Client { get; } = client;

    public Subscriptions Subscriptions { get; } = subscriptions;

    /// <summary>The session opened on this connection by <c>auth</c>: it signs requests that have no token.</summary>
    public (Session Session, Guid Token)? SignedIn { get; set; }

    /// <summary>Whether a valid token was ever shown here.</summary>
    public bool IsKnown { get; private set; }

    /// <summary>The hash of a token; that of the last one is remembered, for most connections show but one.</summary>
    public TokenHash HashOf(Guid token)
    {
        if (_hashed is not { } last || last.Token != token)
            _hashed = last = (token, TokenHash.Of(token));
        return last.Hash;
    }

    /// <summary>Notes a valid session: while it lasts the connection is also one of that user's.</summary>
    public void Note(Session session)
    {
        IsKnown = true;
        if (ReferenceEquals(_noted, session))
            return;
        lock (_gate)
        {
            if (_sessions.TryAdd(session.SessionId, session.Person.PublicToken))
                presence.Join(session.Person.PublicToken, session.SessionId, tell);
            _noted = session;
        }
    }

    /// <summary>If it was that session, no session signs requests that have no token any more.</summary>
    public void SignOut(Guid sessionId)
    {
        if (SignedIn?.Session.SessionId == sessionId)
            SignedIn = null;
    }

    /// <summary>A session has ended, and with it its subscriptions; perhaps its user is no longer here.</summary>
    public void SessionEnded(Guid sessionId)
    {
        lock (_gate)
        {
            _noted = null;
            if (_sessions.Remove(sessionId, out var publicToken))
                presence.Leave(publicToken, sessionId, tell);
        }
        Subscriptions.RemoveSession(sessionId);
    }

    /// <summary>The connection is gone.</summary>
    public void Leave()
    {
        lock (_gate)
        {
            foreach (var (sessionId, publicToken) in _sessions)
                presence.Leave(publicToken, sessionId, tell);
        }
        Subscriptions.Close();
    }
}
