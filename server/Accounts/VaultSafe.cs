// References
//   XChaCha20-Poly1305: draft-irtf-cfrg-xchacha-03; Argon2id: RFC 9106, with the costs of PasswordHasher. Both are
//   libsodium's, by Geralt.
// Parameters
//   stored = version (1) || salt (16) || nonce (24) || the vault (105) encrypted || tag (16) = 162 bytes
//   key = Argon2id of what the server gets as the password, over that salt (not the one of the password's hash)
//   associated data = label || version (1) || public token (16, big-endian)
using System.Security.Cryptography;
using Conclave.Server.Storage;
using Geralt;

namespace Conclave.Server.Accounts;

/// <summary>
/// Locks the vault that a client sends once more before it is stored, under a key of the password that came with it:
/// whoever steals the database must pass this server's slow hash for each guess, on top of the client's own.
/// </summary>
sealed class VaultSafe(PasswordHasher passwords)
{
    const byte Version = 1;
    const int SaltBytes = 16;
    const int NonceAt = 1 + SaltBytes;
    const int HeaderBytes = NonceAt + XChaCha20Poly1305.NonceSize;

    /// <summary>What to store of a vault; null when too many wait for a password to be hashed already.</summary>
    public async ValueTask<byte[]?> LockAsync(
        Guid publicToken, ReadOnlyMemory<byte> password, ReadOnlyMemory<byte> vault, CancellationToken ct)
    {
        var stored = new byte[HeaderBytes + vault.Length + XChaCha20Poly1305.TagSize];
        stored[0] = Version;
        RandomNumberGenerator.Fill(stored.AsSpan(1..HeaderBytes));
        if (await passwords.DeriveKeyAsync(password, stored.AsMemory(1..NonceAt), ct) is not { } key)
            return null;
        XChaCha20Poly1305.Encrypt(
            stored.AsSpan(HeaderBytes), vault.Span, stored.AsSpan(NonceAt..HeaderBytes), key, Associated(publicToken));
        CryptographicOperations.ZeroMemory(key);
        return stored;
    }

    /// <summary>The vault as the client sent it; null when too many wait already.</summary>
    /// <exception cref="CryptographicException">It was not locked for this user with this password.</exception>
    public async ValueTask<byte[]?> OpenAsync(
        Guid publicToken, ReadOnlyMemory<byte> password, byte[] stored, CancellationToken ct)
    {
        var bytes = stored.Length - HeaderBytes - XChaCha20Poly1305.TagSize;
        if (bytes < 0 || stored[0] != Version)
            throw new CryptographicException("a stored vault has not the form of one");
        if (await passwords.DeriveKeyAsync(password, stored.AsMemory(1..NonceAt), ct) is not { } key)
            return null;
        var vault = new byte[bytes];
        var isOpen = Aead.TryDecrypt(
            vault, stored.AsSpan(HeaderBytes), stored.AsSpan(NonceAt..HeaderBytes), key, Associated(publicToken));
        CryptographicOperations.ZeroMemory(key);
        return isOpen ? vault : throw new CryptographicException("a stored vault does not open");
    }

    static byte[] Associated(Guid publicToken) =>
        [.. "conclave: vault"u8, Version, .. publicToken.ToByteArray(bigEndian: true)];
}
