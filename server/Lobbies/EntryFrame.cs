using Conclave.Server.Storage;

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

    /// <summary>What becomes of it when its content expires; null if it stays.</summary>
    public Expiring? Expiring { get; init; }

    /// <summary>The frame to send at this moment.</summary>
    public EntryFrame Now => Expiring is { Expiry.HasPassed: true } expired ? expired.Gone : this;
}

/// <param name="Expiry">When.</param>
/// <param name="Gone">The same entry without its content.</param>
sealed record Expiring(Expiry Expiry, EntryFrame Gone);
