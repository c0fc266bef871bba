namespace Conclave.Bench.Load;

/// <summary>The seqs of one lobby that were acknowledged: none twice, and in the end without a gap.</summary>
sealed class SeqSet
{
    // The first acknowledgement to come need not be that of the lowest seq.
    const long Margin = 1 << 14;

    ulong[] _bits = new ulong[512];
    long _base = -1;
    long _min = long.MaxValue;
    long _max;
    long _count;

    public bool IsWithoutGap => _count == 0 || _max - _min + 1 == _count;

    /// <summary>False if it is there already.</summary>
    public bool Add(long seq)
    {
        if (_base < 0)
            _base = Math.Max(0, seq - Margin);
        var (index, bit) = ((seq - _base) >> 6, 1UL << (int)((seq - _base) & 63));
        if (index < 0)
            return false;
        if (index >= _bits.Length)
            Array.Resize(ref _bits, (int)Math.Max(index + 1, 2L * _bits.Length));
        if ((_bits[index] & bit) != 0)
            return false;
        _bits[index] |= bit;
        (_min, _max, _count) = (Math.Min(_min, seq), Math.Max(_max, seq), _count + 1);
        return true;
    }
}
