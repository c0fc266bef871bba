// References
//   XChaCha20-Poly1305: draft-irtf-cfrg-xchacha-03; BLAKE2b: RFC 7693, keyed. Both are libsodium's, by Geralt.
// Parameters
//   master key 32 random bytes; from it, by BLAKE2b keyed with it over a label: the wrapping key (32 bytes) and the
//   id (the first 8 of 16 bytes).
//   wrapped = version (1) || nonce (24) || encrypted lobby key (32) || tag (16) = 73 bytes
//   associated data = label || version (1) || lobby id (16, big-endian)
using System.Diagnostics;
using System.Security.Cryptography;
using Geralt;

namespace Conclave.Server.Storage;

/// <summary>
/// What a dump of the database lacks: the key under which every lobby's key is wrapped. It lives in a file outside the
/// database (<see cref="MasterKeyFile"/>); in memory only the wrapping key made from it stays.
/// </summary>
sealed class MasterKey : IDisposable
{
    const byte Version = 1;
    const int HeaderBytes = 1 + XChaCha20Poly1305.NonceSize;

    /// <summary>Size of the key in its file, in bytes.</summary>
    public const int KeyBytes = 32;

    /// <summary>Size of a wrapped lobby key, in bytes.</summary>
    public const int WrappedBytes = HeaderBytes + XChaCha20Poly1305.KeySize + XChaCha20Poly1305.TagSize;

    // Pinned, because the garbage collector moves other arrays and leaves copies that no wipe reaches.
    readonly byte[] _wrappingKey = GC.AllocateArray<byte>(XChaCha20Poly1305.KeySize, pinned: true);
    bool _disposed;

    /// <param name="key">32 bytes; the caller wipes them.</param>
    internal MasterKey(ReadOnlySpan<byte> key)
    {
        Debug.Assert(key.Length == KeyBytes);
        BLAKE2b.ComputeTag(_wrappingKey, "conclave: wrapping of lobby keys"u8, key);
        Span<byte> id = stackalloc byte[BLAKE2b.MinTagSize];
        BLAKE2b.ComputeTag(id, "conclave: id of the master key"u8, key);
        Id = Convert.ToHexStringLower(id[..8]);
    }

    /// <summary>
    /// 16 hexadecimal digits that tell one master key from another and nothing about it. The database keeps them, so
    /// that a server with another key notices before it writes what nobody could read.
    /// </summary>
    public string Id { get; }

    /// <summary>Draws the key of a new lobby; returns the form in which the database keeps it.</summary>
    public byte[] WrapNewLobbyKey(Guid lobbyId, out LobbyKey key)
    {
        var bytes = RandomNumberGenerator.GetBytes(XChaCha20Poly1305.KeySize);
        var wrapped = Wrap(lobbyId, bytes);
        key = new LobbyKey(bytes);
        return wrapped;
    }

    /// <exception cref="CryptographicException">
    /// <paramref name="wrapped"/> was not wrapped for this lobby under this master key.
    /// </exception>
    public LobbyKey UnwrapLobbyKey(Guid lobbyId, ReadOnlySpan<byte> wrapped)
    {
        var bytes = new byte[XChaCha20Poly1305.KeySize];
        Unwrap(lobbyId, wrapped, bytes);
        return new LobbyKey(bytes);
    }

    /// <summary>The same lobby key, wrapped under <paramref name="successor"/> instead.</summary>
    /// <exception cref="CryptographicException">
    /// <paramref name="wrapped"/> was not wrapped for this lobby under this master key.
    /// </exception>
    public byte[] Rewrap(Guid lobbyId, ReadOnlySpan<byte> wrapped, MasterKey successor)
    {
        Span<byte> bytes = stackalloc byte[XChaCha20Poly1305.KeySize];
        try
        {
            Unwrap(lobbyId, wrapped, bytes);
            return successor.Wrap(lobbyId, bytes);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    /// <summary>Wipes the key. No call may run at the same time; lobby keys that were unwrapped stay usable.</summary>
    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_wrappingKey);
        _disposed = true;
    }

    public override string ToString() => nameof(MasterKey);

    byte[] Wrap(Guid lobbyId, ReadOnlySpan<byte> key)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var wrapped = new byte[WrappedBytes];
        wrapped[0] = Version;
        var nonce = wrapped.AsSpan(1..HeaderBytes);
        RandomNumberGenerator.Fill(nonce);
        XChaCha20Poly1305.Encrypt(wrapped.AsSpan(HeaderBytes), key, nonce, _wrappingKey, Associated(lobbyId));
        return wrapped;
    }

    void Unwrap(Guid lobbyId, ReadOnlySpan<byte> wrapped, Span<byte> key)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (wrapped.Length != WrappedBytes || wrapped[0] != Version || !Aead.TryDecrypt(
            key, wrapped[HeaderBytes..], wrapped[1..HeaderBytes], _wrappingKey, Associated(lobbyId)))
        {
            throw new CryptographicException($"The key of lobby {lobbyId} does not open with master key {Id}.");
        }
    }

    static byte[] Associated(Guid lobbyId) =>
        [.. "conclave: lobby key"u8, Version, .. lobbyId.ToByteArray(bigEndian: true)];
}
