using Conclave.Roster;

namespace Conclave.Sdk.Storage;

/// <summary>
/// The hash of every envelope that was made for a message until one of them was seen in the log: after the
/// acknowledgement the client expects one of them at that place, and nothing else (docs/sealing.md, section 6.1).
/// </summary>
sealed class DraftStore(StateFile file)
{
    public void Add(Guid lobbyId, Guid messageId, Digest rowHash) => file.Execute(
        """
        INSERT INTO drafts (lobby_id, message_id, row_hash) VALUES ($lobby, $message, $hash) ON CONFLICT DO NOTHING
        """,
        ("$lobby", lobbyId.Blob), ("$message", messageId.Blob), ("$hash", rowHash.Blob));

    /// <summary>The server says that the message stands at this place.</summary>
    public void Acknowledge(Guid lobbyId, Guid messageId, ulong seq) => file.Execute(
        "UPDATE drafts SET seq = $seq WHERE lobby_id = $lobby AND message_id = $message",
        ("$lobby", lobbyId.Blob), ("$message", messageId.Blob), ("$seq", (long)seq));

    /// <summary>The envelopes one of which must stand at a place; none if nothing is expected there.</summary>
    public List<(Guid MessageId, Digest RowHash)> ExpectedAt(Guid lobbyId, ulong seq) => file.Query(
        "SELECT message_id, row_hash FROM drafts WHERE lobby_id = $lobby AND seq = $seq",
        row => (row.Uuid(0), row.Digest(1)), ("$lobby", lobbyId.Blob), ("$seq", (long)seq));

    /// <summary>Every acknowledged message whose row has not been seen: place by place.</summary>
    public HashSet<ulong> Expected(Guid lobbyId) =>
    [
        .. file.Query(
            "SELECT DISTINCT seq FROM drafts WHERE lobby_id = $lobby AND seq IS NOT NULL", row => row.Seq(0),
            ("$lobby", lobbyId.Blob)),
    ];

    /// <summary>The message was seen, or given up.</summary>
    public void Remove(Guid lobbyId, Guid messageId) => file.Execute(
        "DELETE FROM drafts WHERE lobby_id = $lobby AND message_id = $message",
        ("$lobby", lobbyId.Blob), ("$message", messageId.Blob));
}
