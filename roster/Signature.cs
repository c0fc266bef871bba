// References
//   Ed25519: RFC 8032, pure, libsodium's by Geralt.
// Parameters
//   public key 32 bytes, signature 64 bytes = R (32) || S (32).
using Geralt;

namespace Conclave.Roster;

/// <summary>
/// Verification that leaves no second spelling of a signature: non-canonical S, small-order or non-canonical A and R
/// are refused (docs/sealing.md, section 2).
/// </summary>
static class Signature
{
    public const int SizeBytes = Ed25519.SignatureSize;
    public const int PublicKeyBytes = Ed25519.PublicKeySize;

    public static bool Verify(
        ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature) =>
        IsCanonicalPoint(signature[..32]) && Ed25519.Verify(signature, message, publicKey);

    /// <summary>
    /// False for an encoding whose y is not below p = 2^255 - 19. libsodium looks at A, S and small orders itself, but
    /// since it verifies with the cofactor it decodes R, and would take this spelling of it.
    /// </summary>
    internal static bool IsCanonicalPoint(ReadOnlySpan<byte> point) =>
        point[0] < 0xed || (point[31] & 0x7f) != 0x7f || point[1..31].ContainsAnyExcept((byte)0xff);
}
