namespace Conclave.Sdk;

/// <summary>The open subscriptions by lobby: the server keeps one position for each lobby of a connection.</summary>
sealed class Subscriptions
{
    readonly Lock _gate = new();
    readonly Dictionary<Guid, Subscription> _byLobby = [];

    public Subscription? Find(Guid lobbyId)
    {
        lock (_gate)
            return _byLobby.GetValueOrDefault(lobbyId);
    }

    /// <summary>Enters it, or returns the one that has its place.</summary>
    public Subscription? Enter(Subscription subscription)
    {
        lock (_gate)
        {
            if (_byLobby.TryGetValue(subscription.LobbyId, out var other))
                return other;
            _byLobby.Add(subscription.LobbyId, subscription);
            return null;
        }
    }

    public void Remove(Subscription subscription)
    {
        lock (_gate)
        {
            if (_byLobby.GetValueOrDefault(subscription.LobbyId) == subscription)
                _byLobby.Remove(subscription.LobbyId);
        }
    }

    /// <summary>The connection is gone, and the server's memory of the positions with it.</summary>
    public void Reopen()
    {
        foreach (var subscription in All())
            subscription.Resume();
    }

    /// <summary>Ends all; <paramref name="exception"/> null ends them calmly.</summary>
    public void EndAll(Exception? exception)
    {
        foreach (var subscription in All())
            subscription.End(exception);
    }

    List<Subscription> All()
    {
        lock (_gate)
            return [.. _byLobby.Values];
    }
}
