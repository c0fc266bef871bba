using System.Security.Cryptography;

namespace Conclave.Sealing;

/// <summary>
/// Secret bytes with one owner: never moved or copied by the garbage collector, zeroed on <see cref="Dispose"/>, and
/// not to be had afterwards.
/// </summary>
/// <remarks>
/// There is no finalizer: it could run during the last call and have it go on with zeros. What is not disposed is not
/// wiped.
/// </remarks>
sealed class SecretBytes : IDisposable
{
    readonly byte[] _bytes;
    bool _isDisposed;

    /// <param name="size">In bytes; zeros, for the owner to fill.</param>
    public SecretBytes(int size) => _bytes = GC.AllocateArray<byte>(size, pinned: true);

    public SecretBytes(ReadOnlySpan<byte> bytes)
        : this(bytes.Length) => bytes.CopyTo(_bytes);

    /// <exception cref="ObjectDisposedException">The bytes have been wiped.</exception>
    public Span<byte> Span
    {
        get
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return _bytes;
        }
    }

    public static SecretBytes Random(int size)
    {
        var secret = new SecretBytes(size);
        RandomNumberGenerator.Fill(secret._bytes);
        return secret;
    }

    public void Dispose()
    {
        _isDisposed = true;
        CryptographicOperations.ZeroMemory(_bytes);
    }

    public override string ToString() => nameof(SecretBytes);
}
