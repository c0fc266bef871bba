using System.Buffers.Binary;

namespace Conclave.Roster;

/// <summary>
/// Reads a tuple's fields one after the other. What is not there, or has not the size it must have, reads as zero and
/// breaks the reader for good, so that the caller asks once, at the end, whether all was well.
/// </summary>
ref struct FieldReader(ReadOnlySpan<byte> bytes)
{
    const ulong NumberEnd = 1UL << 53;

    ReadOnlySpan<byte> _rest = bytes;
    bool _isBroken;

    /// <summary>Every field was as it had to be, and nothing is left over.</summary>
    public readonly bool IsDone => !_isBroken && _rest.IsEmpty;

    public ReadOnlySpan<byte> Field()
    {
        if (_rest.Length < 4 || BinaryPrimitives.ReadUInt32BigEndian(_rest) > (uint)(_rest.Length - 4))
        {
            _isBroken = true;
            return [];
        }

        var length = BinaryPrimitives.ReadInt32BigEndian(_rest);
        var field = _rest.Slice(4, length);
        _rest = _rest[(4 + length)..];
        return field;
    }

    public byte Byte() => Field(1)[0];

    public Digest Digest() => new(Field(Roster.Digest.SizeBytes));

    public Guid Token() => new(Field(16), bigEndian: true);

    public ulong Number()
    {
        var number = BinaryPrimitives.ReadUInt64BigEndian(Field(8));
        _isBroken |= number >= NumberEnd;
        return number;
    }

    ReadOnlySpan<byte> Field(int length)
    {
        var field = Field();
        if (field.Length == length)
        {
            return field;
        }

        _isBroken = true;
        return Zeros[..length];
    }

    static ReadOnlySpan<byte> Zeros => "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"u8;
}
