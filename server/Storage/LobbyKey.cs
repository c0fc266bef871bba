// References
//   XChaCha20-Poly1305: draft-irtf-cfrg-xchacha-03 on top of RFC 8439; libsodium's AEAD of that name, by Geralt.
// Parameters
//   key 32 bytes, nonce 24 bytes, tag 16 bytes. A random nonce of 192 bits may be drawn 2^80 times under one key
//   before a collision becomes thinkable (2^-32), so no counter has to survive a crash or be shared by servers.
//   stored = version (1) || nonce (24) || ciphertext (as long as the plaintext) || tag (16)
//   associated data = version (1) || lobby id (16) || author (16) || entry nonce (16); UUIDs big-endian (RFC 9562)
using System.Diagnostics;
using System.Security.Cryptography;
using Geralt;

namespace Conclave.Server.Storage;

/// <summary>
/// The key that encrypts the bodies of one lobby at rest, those of a sealed one too. Each body is bound to its lobby,
/// its author and its entry's nonce, so that nobody who can write to the database can move a body to where it was not
/// posted.
/// </summary>
/// <remarks>
/// It may be cached for long and shared by threads. It is not wiped: the master key that opens every lobby's key lives
/// in the same process just as long, so wiping this one would take nothing from somebody who reads the memory, while a
/// wipe that comes too early (a finalizer may run during the last call) would encrypt with a key of zeros.
/// </remarks>
sealed class LobbyKey
{
    const byte Version = 1;
    const int HeaderBytes = 1 + XChaCha20Poly1305.NonceSize;
    const int AssociatedBytes = 1 + 3 * 16;

    /// <summary>Bytes that encryption adds to a plaintext.</summary>
    public const int OverheadBytes = HeaderBytes + XChaCha20Poly1305.TagSize;

    readonly byte[] _key;

    /// <summary>Takes over <paramref name="key"/>, which must not be used by anyone else.</summary>
    internal LobbyKey(byte[] key)
    {
        Debug.Assert(key.Length == XChaCha20Poly1305.KeySize);
        _key = key;
    }

    /// <summary>Size of what is stored for a plaintext, in bytes.</summary>
    public static int EncryptedSize(int plaintextBytes) => checked(plaintextBytes + OverheadBytes);

    /// <summary>Size of the plaintext of what is stored, in bytes; negative when no plaintext has this form.</summary>
    public static int PlaintextSize(int storedBytes) => storedBytes - OverheadBytes;

    public byte[] Encrypt(Guid lobbyId, Guid author, Guid nonce, ReadOnlySpan<byte> plaintext)
    {
        var stored = new byte[EncryptedSize(plaintext.Length)];
        Encrypt(lobbyId, author, nonce, plaintext, stored);
        return stored;
    }

    /// <param name="destination">Exactly <see cref="EncryptedSize"/> of the plaintext; must not overlap it.</param>
    /// <exception cref="ArgumentException"><paramref name="destination"/> has another size.</exception>
    public void Encrypt(
        Guid lobbyId, Guid author, Guid nonce, ReadOnlySpan<byte> plaintext, Span<byte> destination)
    {
        if (destination.Length != EncryptedSize(plaintext.Length))
        {
            throw new ArgumentException("The destination is not EncryptedSize bytes.", nameof(destination));
        }

        Span<byte> associated = stackalloc byte[AssociatedBytes];
        WriteAssociated(associated, lobbyId, author, nonce);
        destination[0] = Version;
        var aeadNonce = destination[1..HeaderBytes];
        RandomNumberGenerator.Fill(aeadNonce);
        XChaCha20Poly1305.Encrypt(destination[HeaderBytes..], plaintext, aeadNonce, _key, associated);
    }

    /// <summary>
    /// False when <paramref name="stored"/> is not what <c>Encrypt</c> made for these three, or
    /// <paramref name="plaintext"/> is not exactly <see cref="PlaintextSize"/>; then it is filled with zeros.
    /// </summary>
    public bool TryDecrypt(
        Guid lobbyId, Guid author, Guid nonce, ReadOnlySpan<byte> stored, Span<byte> plaintext)
    {
        if (stored.Length < OverheadBytes || plaintext.Length != PlaintextSize(stored.Length) || stored[0] != Version)
        {
            plaintext.Clear();
            return false;
        }

        Span<byte> associated = stackalloc byte[AssociatedBytes];
        WriteAssociated(associated, lobbyId, author, nonce);
        return Aead.TryDecrypt(plaintext, stored[HeaderBytes..], stored[1..HeaderBytes], _key, associated);
    }

    /// <summary>The plaintext of what is stored.</summary>
    /// <exception cref="CryptographicException">It was not made for these three: the database was tampered
    /// with.</exception>
    public byte[] Decrypt(Guid lobbyId, Guid author, Guid nonce, ReadOnlySpan<byte> stored)
    {
        var plaintext = GC.AllocateUninitializedArray<byte>(Math.Max(0, PlaintextSize(stored.Length)));
        return TryDecrypt(lobbyId, author, nonce, stored, plaintext)
            ? plaintext
            : throw new CryptographicException("a stored body does not open");
    }

    public override string ToString() => nameof(LobbyKey);

    static void WriteAssociated(Span<byte> associated, Guid lobbyId, Guid author, Guid nonce)
    {
        associated[0] = Version;
        var written = lobbyId.TryWriteBytes(associated[1..], bigEndian: true, out _)
            && author.TryWriteBytes(associated[17..], bigEndian: true, out _)
            && nonce.TryWriteBytes(associated[33..], bigEndian: true, out _);
        Debug.Assert(written);
    }
}
