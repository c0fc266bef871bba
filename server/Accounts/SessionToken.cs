using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Conclave.Server.Accounts;

/// <summary>
/// A session's token: a UUID version 4 of 122 random bits. It is shown once, and only its hash is stored; a plain one
/// is enough, since nobody can guess 122 bits, and it lets a token be looked up by index.
/// </summary>
static class SessionToken
{
    /// <summary>Not <c>Guid.NewGuid</c>, which does not promise a cryptographic generator.</summary>
    public static Guid New()
    {
        Span<byte> bytes = stackalloc byte[16];
        RandomNumberGenerator.Fill(bytes);
        bytes[6] = (byte)(0x40 | (bytes[6] & 0x0F));
        bytes[8] = (byte)(0x80 | (bytes[8] & 0x3F));
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>SHA-256 of the token's 16 bytes in the order in which its text shows them.</summary>
    public static byte[] Hash(Guid token)
    {
        Span<byte> bytes = stackalloc byte[16];
        token.TryWriteBytes(bytes, bigEndian: true, out _);
        return SHA256.HashData(bytes);
    }
}

/// <summary>A token's hash as a key.</summary>
[StructLayout(LayoutKind.Sequential)]
readonly record struct TokenHash(UInt128 First, UInt128 Second)
{
    public static TokenHash Of(Guid token) => MemoryMarshal.Read<TokenHash>(SessionToken.Hash(token));

    public byte[] ToArray() => MemoryMarshal.AsBytes([this]).ToArray();
}
