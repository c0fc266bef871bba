using System.Security.Cryptography;
using Geralt;

namespace Conclave.Server.Storage;

/// <summary>
/// Decryption whose failure is an answer. Geralt throws on a forged message; here that is an expected outcome, and
/// the output is zeros then, whatever the library left in it.
/// </summary>
static class Aead
{
    public static bool TryDecrypt(
        Span<byte> plaintext,
        ReadOnlySpan<byte> ciphertext,
        ReadOnlySpan<byte> nonce,
        ReadOnlySpan<byte> key,
        ReadOnlySpan<byte> associatedData)
    {
        try
        {
            XChaCha20Poly1305.Decrypt(plaintext, ciphertext, nonce, key, associatedData);
            return true;
        }
        catch (CryptographicException)
        {
            plaintext.Clear();
            return false;
        }
    }
}
