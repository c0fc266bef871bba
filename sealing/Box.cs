// References
//   XChaCha20-Poly1305: draft-irtf-cfrg-xchacha-03. BLAKE2b: RFC 7693, keyed. Both are libsodium's, by Geralt.
//   Key commitment: Albertini and others, "How to Abuse and Fix Authenticated Encryption Without Key Commitment"
//     (2022).
// Parameters
//   o   = D64(k, label, context …, N), N 24 random bytes
//   BOX = N || o[32..64) || XChaCha20-Poly1305(key o[0..32), nonce N, no associated data, plaintext)     plaintext + 72
using System.Diagnostics;
using System.Security.Cryptography;
using Conclave.Roster;
using Geralt;

namespace Conclave.Sealing;

/// <summary>
/// The only symmetric encryption (docs/sealing.md, section 2.1). The cipher alone does not commit to its key: one
/// ciphertext could open to two texts under two keys. A box commits to key, context and nonce.
/// </summary>
static class Box
{
    public const int NonceBytes = XChaCha20Poly1305.NonceSize;

    /// <summary>What a box is longer than its plaintext, in bytes.</summary>
    public const int OverheadBytes = CiphertextStart + XChaCha20Poly1305.TagSize;

    const int CommitmentBytes = 32;
    const int CiphertextStart = NonceBytes + CommitmentBytes;

    /// <param name="key">32 bytes.</param>
    /// <param name="context">Label and context, without the nonce.</param>
    /// <param name="plaintext">What to seal.</param>
    public static byte[] Seal(ReadOnlySpan<byte> key, LabeledTuple context, ReadOnlySpan<byte> plaintext)
    {
        Span<byte> nonce = stackalloc byte[NonceBytes];
        RandomNumberGenerator.Fill(nonce);
        return Seal(key, context, nonce, plaintext);
    }

    /// <param name="nonce">24 bytes, drawn for this box alone; a box sealed twice under one nonce is broken.</param>
    internal static byte[] Seal(
        ReadOnlySpan<byte> key, LabeledTuple context, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext)
    {
        Debug.Assert(nonce.Length == NonceBytes);
        var box = new byte[plaintext.Length + OverheadBytes];
        Span<byte> derived = stackalloc byte[64];
        context.Add(nonce).Derive(key, derived);
        nonce.CopyTo(box);
        derived[CommitmentBytes..].CopyTo(box.AsSpan(NonceBytes));
        XChaCha20Poly1305.Encrypt(box.AsSpan(CiphertextStart), plaintext, nonce, derived[..32]);
        CryptographicOperations.ZeroMemory(derived);
        return box;
    }

    /// <summary>
    /// Opens a box; false is <c>bad_box</c>, for whatever reason, and leaves zeros in <paramref name="plaintext"/>.
    /// </summary>
    /// <param name="plaintext">As long as the box less <see cref="OverheadBytes"/>; any other size does not
    /// fit.</param>
    public static bool TryOpen(
        ReadOnlySpan<byte> key, LabeledTuple context, ReadOnlySpan<byte> box, Span<byte> plaintext)
    {
        // No plaintext has the size that a box too short would leave for it.
        if (plaintext.Length != box.Length - OverheadBytes)
        {
            plaintext.Clear();
            return false;
        }

        Span<byte> derived = stackalloc byte[64];
        context.Add(box[..NonceBytes]).Derive(key, derived);
        var commitment = box[NonceBytes..CiphertextStart];
        var isOpen = CryptographicOperations.FixedTimeEquals(derived[CommitmentBytes..], commitment)
            && TryDecrypt(plaintext, box[CiphertextStart..], box[..NonceBytes], derived[..32]);
        CryptographicOperations.ZeroMemory(derived);
        if (!isOpen)
        {
            plaintext.Clear();
        }

        return isOpen;
    }

    // Geralt throws on a forged tag; here that is an expected outcome.
    static bool TryDecrypt(
        Span<byte> plaintext, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> key)
    {
        try
        {
            XChaCha20Poly1305.Decrypt(plaintext, ciphertext, nonce, key);
            return true;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }
}
