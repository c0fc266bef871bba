// References
//   Argon2id: RFC 9106, version 1.3, libsodium's, by Geralt. NFC: Unicode Standard Annex 15.
// Parameters
//   salt' = H("kdf-salt", login, KB)[0..16)
//   root  = Argon2id(NFC(password) in UTF-8, salt', t = ops, m = mem KiB, p = 1, 32 bytes)
//   auth  = D(root, "auth");  vault key = D(root, "vault-key")
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Conclave.Roster;
using Geralt;

namespace Conclave.Sealing;

/// <summary>
/// What a typed password becomes (docs/sealing.md, section 3.2): <see cref="Auth"/>, which the server gets instead of
/// the password, and <see cref="VaultKey"/>, which never leaves the client.
/// </summary>
public sealed class PasswordKeys : IDisposable
{
    readonly SecretBytes _auth = new(32);

    PasswordKeys(ReadOnlySpan<byte> root)
    {
        var vaultKey = new SecretBytes(32);
        new LabeledTuple("auth"u8).Derive(root, _auth.Span);
        new LabeledTuple("vault-key"u8).Derive(root, vaultKey.Span);
        VaultKey = new(vaultKey);
    }

    /// <summary>Opens the vault; disposed together with this.</summary>
    public VaultKey VaultKey { get; }

    /// <summary>
    /// Derives both. It takes what the parameters say: with the defaults about 0.3 s of a processor and 128 MiB.
    /// </summary>
    /// <param name="login">In its canonical form: it is mixed into the salt.</param>
    /// <param name="password">As typed; for the caller to wipe. Any length.</param>
    /// <param name="kdf">The account's parameters, accepted.</param>
    /// <exception cref="ArgumentNullException">
    /// <paramref name="login"/> or <paramref name="kdf"/> is null.
    /// </exception>
    /// <exception cref="ArgumentException"><paramref name="password"/> holds half a surrogate pair.</exception>
    /// <exception cref="PlatformNotSupportedException">
    /// <paramref name="password"/> is not ASCII and this platform does not normalise (globalization is invariant): what
    /// were derived here would lock the user out everywhere else.
    /// </exception>
    /// <exception cref="InsufficientMemoryException">There is not as much memory as the parameters ask for.</exception>
    public static PasswordKeys Derive(string login, ReadOnlySpan<char> password, KdfParameters kdf)
    {
        ArgumentNullException.ThrowIfNull(login);
        ArgumentNullException.ThrowIfNull(kdf);
        var salt = new LabeledTuple("kdf-salt"u8).Add(Encoding.UTF8.GetBytes(login)).Add(kdf.ToBytes()).Hash();
        using var utf8 = Normalise(password);
        using var root = new SecretBytes(32);
        Argon2id.DeriveKey(root.Span, utf8.Span, salt.Bytes[..KdfParameters.SaltBytes], kdf.Ops, kdf.Mem * 1024);
        return new(root.Span);
    }

    /// <summary>
    /// What is sent as JSON <c>password</c>: 43 characters of base64url. For the server it is a password like any
    /// other, and it lets nobody open the vault.
    /// </summary>
    /// <exception cref="ObjectDisposedException">This has been disposed.</exception>
    public string Auth() => Base64Text.Encode(_auth.Span);

    /// <summary>Wipes both.</summary>
    public void Dispose()
    {
        _auth.Dispose();
        VaultKey.Dispose();
    }

    /// <summary>The name of the type, and nothing else.</summary>
    public override string ToString() => nameof(PasswordKeys);

    static SecretBytes Normalise(ReadOnlySpan<char> password)
    {
        if (Ascii.IsValid(password))
        {
            return Encode(password);
        }

        if (!"e\u0301".IsNormalizedTo("\u00e9"))
        {
            throw new PlatformNotSupportedException("This platform does not normalise text: a password must be ASCII.");
        }

        // Throws an ArgumentException for half a surrogate pair.
        var normalised = GC.AllocateArray<char>(password.GetNormalizedLength(), pinned: true);
        try
        {
            password.TryNormalize(normalised, out var length);
            return Encode(normalised.AsSpan(0, length));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(normalised.AsSpan()));
        }
    }

    static SecretBytes Encode(ReadOnlySpan<char> text)
    {
        var utf8 = new SecretBytes(Encoding.UTF8.GetByteCount(text));
        Encoding.UTF8.GetBytes(text, utf8.Span);
        return utf8;
    }
}

file static class Normalisation
{
    public static bool IsNormalizedTo(this string decomposed, string composed) =>
        string.Equals(decomposed.Normalize(NormalizationForm.FormC), composed, StringComparison.Ordinal);
}
