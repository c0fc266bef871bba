// References
//   Argon2id: RFC 9106.
// Parameters
//   v = 1, salt 16 bytes, ops 3 … 16 passes, mem 65,536 … 1,048,576 KiB, one lane
//   KB = u8(v) || salt (16) || u32(ops) || u32(mem)
using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Conclave.Roster;

/// <summary>
/// How a password is stretched (docs/sealing.md, section 3.2), within the bounds below which a client must derive and
/// send nothing: a server that could ask for less would make every password cheap to guess. Nothing secret.
/// </summary>
public sealed record KdfParameters
{
    /// <summary>The record's <c>v</c>; there is no other.</summary>
    public const int Version = 1;

    /// <summary>Size of the salt, in bytes.</summary>
    public const int SaltBytes = 16;

    /// <summary>The fewest passes over the memory.</summary>
    public const int OpsMin = 3;

    /// <summary>The most passes: more would be an attack by exhaustion.</summary>
    public const int OpsMax = 16;

    /// <summary>The least memory, in KiB (64 MiB).</summary>
    public const int MemMin = 65_536;

    /// <summary>The most memory, in KiB (1 GiB).</summary>
    public const int MemMax = 1_048_576;

    /// <summary>Passes for new accounts.</summary>
    public const int OpsDefault = 3;

    /// <summary>Memory for new accounts, in KiB (128 MiB).</summary>
    public const int MemDefault = 131_072;

    readonly byte[] _salt;

    KdfParameters(byte[] salt, int ops, int mem) => (_salt, Ops, Mem) = (salt, ops, mem);

    /// <summary>16 random bytes.</summary>
    public ReadOnlySpan<byte> Salt => _salt;

    /// <summary>Passes over the memory.</summary>
    public int Ops { get; }

    /// <summary>Memory, in KiB.</summary>
    public int Mem { get; }

    /// <summary>The defaults with a new random salt.</summary>
    public static KdfParameters Create() => new(RandomNumberGenerator.GetBytes(SaltBytes), OpsDefault, MemDefault);

    /// <summary>Accepts parameters from outside.</summary>
    /// <param name="version">The record's <c>v</c>.</param>
    /// <param name="salt">Copied.</param>
    /// <param name="ops">Passes over the memory.</param>
    /// <param name="mem">Memory, in KiB.</param>
    /// <param name="parameters">The parameters, or null.</param>
    /// <returns>
    /// <see cref="Verdict.Accepted"/>, or <see cref="Verdict.WeakKdf"/> when the version is not 1, the salt not 16
    /// bytes, or a cost out of bounds.
    /// </returns>
    public static Verdict Accept(
        long version, ReadOnlySpan<byte> salt, long ops, long mem, out KdfParameters? parameters)
    {
        var isAccepted = version == Version && salt.Length == SaltBytes
            && ops is >= OpsMin and <= OpsMax && mem is >= MemMin and <= MemMax;
        parameters = isAccepted ? new(salt.ToArray(), (int)ops, (int)mem) : null;
        return isAccepted ? Verdict.Accepted : Verdict.WeakKdf;
    }

    /// <summary>
    /// True when a guess at the password costs less than with <paramref name="other"/>, in either measure. A client
    /// that has signed in before refuses what is weaker than what it used last.
    /// </summary>
    /// <exception cref="ArgumentNullException"><paramref name="other"/> is null.</exception>
    public bool IsWeakerThan(KdfParameters other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Ops < other.Ops || Mem < other.Mem;
    }

    /// <summary>Compares the salts by their bytes.</summary>
    public bool Equals(KdfParameters? other) =>
        other is not null && Ops == other.Ops && Mem == other.Mem && _salt.AsSpan().SequenceEqual(other._salt);

    public override int GetHashCode() => HashCode.Combine(Ops, Mem, BinaryPrimitives.ReadInt32BigEndian(_salt));

    /// <summary>KB.</summary>
    internal byte[] ToBytes()
    {
        var bytes = new byte[1 + SaltBytes + 8];
        bytes[0] = Version;
        _salt.CopyTo(bytes, 1);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(1 + SaltBytes), Ops);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(1 + SaltBytes + 4), Mem);
        return bytes;
    }
}
