namespace Conclave.Bench.Floor;

/// <summary>Stored entries as frames, in a buffer that is used again and again.</summary>
sealed class Page
{
    byte[] _bytes = new byte[64 << 10];

    public int Count { get; private set; }

    public long LastSeq { get; private set; }

    public ReadOnlySpan<byte> Frames => _bytes.AsSpan(0, Count);

    public void Clear() => Count = 0;

    /// <summary>Adds an entry; its body is to be written where this says.</summary>
    public void Add(in Entry entry, int bodyBytes, out byte[] buffer, out int offset)
    {
        var end = Count + Wire.EntryBytes + bodyBytes;
        if (end > _bytes.Length)
            Array.Resize(ref _bytes, Math.Max(end, 2 * _bytes.Length));
        Wire.WriteEntry(_bytes.AsSpan(Count), entry, bodyBytes);
        (buffer, offset) = (_bytes, Count + Wire.EntryBytes);
        Count = end;
        LastSeq = entry.Seq;
    }
}
