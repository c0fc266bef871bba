using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Conclave.Roster;

/// <summary>
/// 32 bytes of BLAKE2b: a fingerprint, a roster head, a commitment, a row's hash or a value of the transcript
/// (docs/sealing.md, section 2). A value like a number; nothing secret is one. The default is 32 zero bytes.
/// </summary>
public readonly struct Digest : IEquatable<Digest>, IComparable<Digest>
{
    /// <summary>32, in bytes.</summary>
    public const int SizeBytes = 32;

    readonly Buffer _bytes;

    /// <summary>Copies the 32 bytes of <paramref name="bytes"/>.</summary>
    /// <exception cref="ArgumentException"><paramref name="bytes"/> is not exactly 32 bytes.</exception>
    public Digest(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != SizeBytes)
        {
            throw new ArgumentException("A digest has 32 bytes.", nameof(bytes));
        }

        bytes.CopyTo(_bytes);
    }

    /// <summary>The 32 bytes, in place.</summary>
    [UnscopedRef]
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Reads the 43 characters that <see cref="ToString"/> gives; false for anything else.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out Digest digest)
    {
        var is32 = Base64Text.TryDecode(text, out var bytes) && bytes.Length == SizeBytes;
        digest = is32 ? new(bytes) : default;
        return is32;
    }

    /// <summary>Takes as long for equal as for different values.</summary>
    public bool Equals(Digest other) => CryptographicOperations.FixedTimeEquals(Bytes, other.Bytes);

    public override bool Equals([NotNullWhen(true)] object? obj) => obj is Digest other && Equals(other);

    // Seeded anew in each process, so that nobody can grind digests that share a bucket.
    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Bytes);
        return hash.ToHashCode();
    }

    /// <summary>Bytewise, as the safety number orders its two fingerprints.</summary>
    public int CompareTo(Digest other) => Bytes.SequenceCompareTo(other.Bytes);

    /// <summary>The bytes in base64url without padding, 43 characters.</summary>
    public override string ToString() => Base64Text.Encode(Bytes);

    public static bool operator ==(Digest left, Digest right) => left.Equals(right);

    public static bool operator !=(Digest left, Digest right) => !left.Equals(right);

    public static bool operator <(Digest left, Digest right) => left.CompareTo(right) < 0;

    public static bool operator >(Digest left, Digest right) => left.CompareTo(right) > 0;

    public static bool operator <=(Digest left, Digest right) => left.CompareTo(right) <= 0;

    public static bool operator >=(Digest left, Digest right) => left.CompareTo(right) >= 0;

    [InlineArray(SizeBytes)]
    struct Buffer
    {
        byte _first;
    }
}
