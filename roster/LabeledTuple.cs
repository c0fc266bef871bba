// References
//   BLAKE2b: RFC 7693, libsodium's by Geralt. Ed25519: RFC 8032, pure; likewise.
// Parameters
//   LP(x) = u32(len x) || x, big-endian; T(label, f1 … fn) = LP("conclave/v1/" label) || LP(f1) || … || LP(fn)
//   H = BLAKE2b of T, 32 bytes, no key; H64 = 64 bytes (another parameter block, not a longer prefix)
//   D = BLAKE2b of T, 32 bytes, with a key of 32 bytes; D64 = 64 bytes
using System.Buffers.Binary;
using System.Diagnostics;
using Geralt;

namespace Conclave.Roster;

/// <summary>
/// What is signed, hashed and keyed-hashed: never JSON, always fields with their lengths under a label of their own
/// (docs/sealing.md, section 2), so that no bytes made for one purpose can be taken for another.
/// </summary>
/// <remarks>Each <c>Add</c> returns the tuple to go on with; the one before must not be used any more.</remarks>
ref struct LabeledTuple
{
    const int LengthBytes = 4;

    byte[] _buffer;
    int _length;

    /// <param name="label">Without the prefix <c>conclave/v1/</c>, which all have.</param>
    /// <param name="fieldBytes">About how many bytes the fields have, so that a large buffer is made only once.</param>
    public LabeledTuple(ReadOnlySpan<byte> label, int fieldBytes = 256)
    {
        var prefix = "conclave/v1/"u8;
        _buffer = new byte[LengthBytes + prefix.Length + label.Length + fieldBytes];
        BinaryPrimitives.WriteInt32BigEndian(_buffer, prefix.Length + label.Length);
        prefix.CopyTo(_buffer.AsSpan(LengthBytes));
        label.CopyTo(_buffer.AsSpan(LengthBytes + prefix.Length));
        _length = LengthBytes + prefix.Length + label.Length;
    }

    public readonly ReadOnlySpan<byte> Bytes => _buffer.AsSpan(0, _length);

    public LabeledTuple Add(scoped ReadOnlySpan<byte> field)
    {
        var space = Grow(LengthBytes + field.Length);
        BinaryPrimitives.WriteInt32BigEndian(space, field.Length);
        field.CopyTo(space[LengthBytes..]);
        return this;
    }

    public LabeledTuple Add(scoped in Digest field) => Add(field.Bytes);

    /// <summary>The 16 bytes in the order of the UUID's text.</summary>
    public LabeledTuple Add(Guid field)
    {
        Span<byte> bytes = stackalloc byte[16];
        field.TryWriteBytes(bytes, bigEndian: true, out _);
        return Add(bytes);
    }

    public LabeledTuple AddByte(byte field) => Add([field]);

    public LabeledTuple AddNumber(ulong field)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, field);
        return Add(bytes);
    }

    /// <summary>H.</summary>
    public readonly Digest Hash()
    {
        Span<byte> hash = stackalloc byte[Digest.SizeBytes];
        BLAKE2b.ComputeHash(hash, Bytes);
        return new(hash);
    }

    /// <summary>H64.</summary>
    public readonly byte[] Hash64()
    {
        var hash = new byte[64];
        BLAKE2b.ComputeHash(hash, Bytes);
        return hash;
    }

    /// <summary>D or D64, by the size of <paramref name="output"/>.</summary>
    public readonly void Derive(scoped ReadOnlySpan<byte> key, scoped Span<byte> output)
    {
        Debug.Assert(key.Length == 32 && output.Length is 32 or 64);
        BLAKE2b.ComputeTag(output, Bytes, key);
    }

    /// <summary>True when the owner of <paramref name="publicKey"/> has signed this.</summary>
    public readonly bool IsSigned(scoped ReadOnlySpan<byte> publicKey, scoped ReadOnlySpan<byte> signature) =>
        Signature.Verify(publicKey, Bytes, signature);

    Span<byte> Grow(int bytes)
    {
        if (_buffer.Length - _length < bytes)
        {
            Array.Resize(ref _buffer, Math.Max(2 * _buffer.Length, _length + bytes));
        }

        var space = _buffer.AsSpan(_length, bytes);
        _length += bytes;
        return space;
    }
}
