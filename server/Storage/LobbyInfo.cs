namespace Conclave.Server.Storage;

/// <summary>What of a lobby never changes, and the key to its bodies. A class: a record would print the key.</summary>
sealed class LobbyInfo(Guid lobbyId, bool isSealed, LobbyKey key)
{
    public Guid LobbyId { get; } = lobbyId;

    public bool IsSealed { get; } = isSealed;

    public LobbyKey Key { get; } = key;
}
