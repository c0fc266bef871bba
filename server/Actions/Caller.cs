using System.Net;
using Conclave.Server.Accounts;
using Conclave.Server.Lobbies;
using Conclave.Server.Storage;

namespace Conclave.Server.Actions;

/// <summary>Who is at the other end of a connection, as far as it has shown.</summary>
sealed class Caller(
    IPAddress address, string? client, Subscriptions subscriptions, Presence presence, Action<Notice> tell)
{
    readonly HashSet<Guid> _users = [];

    public IPAddress Address { get; } = address;

    /// <summary>What the program at the other end calls itself; null if it does not say.</summary>
    public string? Client { get; } = client;

    public Subscriptions Subscriptions { get; } = subscriptions;

    /// <summary>The session opened on this connection by <c>auth</c>: it signs requests that have no token.</summary>
    public (Session Session, Guid Token)? SignedIn { get; set; }

    /// <summary>Whether a valid token was ever shown here.</summary>
    public bool IsKnown => _users.Count > 0;

    /// <summary>Notes a valid session: from now on the connection is also one of that user's.</summary>
    public void Note(Session session)
    {
        if (_users.Add(session.Person.PublicToken))
            presence.Join(session.Person.PublicToken, tell);
    }

    /// <summary>The connection is gone.</summary>
    public void Leave()
    {
        foreach (var user in _users)
            presence.Leave(user, tell);
        Subscriptions.Close();
    }
}
