using Conclave.Protocol;
using Conclave.Server.Storage;

namespace Conclave.Server.Writing;

/// <summary>
/// Gathers drafts for one commit. The commit judges every entry against the state before it, so a lobby's part in a
/// batch ends with an entry that is no message, and before a nonce that is in it already; what follows waits
/// for the next batch, and with it everything later of that lobby, so that order holds.
/// </summary>
sealed class Batch(Limits limits)
{
    readonly HashSet<Guid> _closedLobbies = [];
    readonly HashSet<(Guid Lobby, Guid Author, Guid Nonce)> _nonces = [];
    long _bytes;

    public List<Draft> Drafts { get; } = [];

    public bool IsFull => Drafts.Count >= limits.BatchCountMax || _bytes >= limits.BatchBytesMax;

    /// <summary>Takes the draft in. False if it has to wait for the next batch.</summary>
    public bool TryAdd(Draft draft)
    {
        var entry = draft.Entry;
        var lobbyId = entry.Lobby.LobbyId;
        if (_closedLobbies.Contains(lobbyId))
            return false;
        if (IsFull || !_nonces.Add((lobbyId, entry.Author.PublicToken, entry.Nonce)))
        {
            _closedLobbies.Add(lobbyId);
            return false;
        }
        if (entry.Kind != EntryKind.Message)
            _closedLobbies.Add(lobbyId);
        _bytes += entry.RowData.Length;
        Drafts.Add(draft);
        return true;
    }
}
