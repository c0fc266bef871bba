namespace Conclave.Server.Lobbies;

/// <summary>Stored entries on their way to one cursor, and the memory they are entitled to.</summary>
sealed class Page(long after, int erasures, List<EntryFrame> frames, ByteBudget.Lease lease) : IDisposable
{
    int _taken;

    /// <summary>The position behind which it was read.</summary>
    public long After => after;

    /// <summary>How often something had been erased before it was read: what was erased since may be in it.</summary>
    public int Erasures => erasures;

    public long? FirstSeq => frames.Count > 0 ? frames[0].Seq : null;

    /// <summary>The position it leads to.</summary>
    public long LastSeq => frames.Count > 0 ? frames[^1].Seq : after;

    public bool IsEmpty => _taken == frames.Count;

    public int Take(Span<EntryFrame> destination, int bytesMax)
    {
        var count = 0;
        while (count < destination.Length && !IsEmpty)
        {
            bytesMax -= frames[_taken].Json.Length;
            if (bytesMax < 0 && count > 0)
                break;
            destination[count++] = frames[_taken++];
        }
        return count;
    }

    public void Dispose() => lease.Dispose();
}
