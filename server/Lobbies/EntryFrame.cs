namespace Conclave.Server.Lobbies;

/// <summary>
/// An entry as the very bytes that go to every subscriber and into every history reply: encoded once.
/// </summary>
/// <param name="Seq">The entry's place in the log.</param>
/// <param name="Json">One JSON object.</param>
/// <param name="Removes">Whose membership the entry ends; null for most.</param>
sealed record EntryFrame(long Seq, ReadOnlyMemory<byte> Json, Guid? Removes)
{
    /// <summary>When it was committed, as a timestamp, set before anybody sees it; 0 if read from the log.</summary>
    public long CommittedAt { get; set; }
}
