// References
//   Ed25519: RFC 8032. X-Wing: draft-connolly-cfrg-xwing-kem-06. Both are libsodium's, by Geralt.
// Parameters
//   seed S 32 random bytes; sign key from the seed D(S, "identity/sign"), seal key from the seed D(S, "identity/seal")
//   vault = version 1 (1) || BOX(vault key, "vault" ; N, S)     105 bytes
using System.Security.Cryptography;
using Conclave.Roster;
using Geralt;

namespace Conclave.Sealing;

/// <summary>
/// An account's identity with its secrets (docs/sealing.md, section 3.1): it signs, and opens what was wrapped for it.
/// All devices of a user share its seed; who has the seed is the user.
/// </summary>
/// <remarks>May be used by several threads. Dispose it when no thread uses it any more: that wipes the
/// secrets.</remarks>
public sealed class Identity : IDisposable
{
    /// <summary>Size of the seed, in bytes.</summary>
    public const int SeedBytes = 32;

    const byte Version = 1;

    readonly SecretBytes _seed;
    readonly SecretBytes _signKey = new(Ed25519.PrivateKeySize);
    readonly SecretBytes _sealKey = new(XWing.PrivateKeySize);

    Identity(string login, SecretBytes seed)
    {
        _seed = seed;
        Span<byte> derived = stackalloc byte[SeedBytes];
        Span<byte> signPublic = stackalloc byte[Ed25519.PublicKeySize];
        Span<byte> sealPublic = stackalloc byte[XWing.PublicKeySize];
        new LabeledTuple("identity/sign"u8).Derive(seed.Span, derived);
        Ed25519.GenerateKeyPair(signPublic, _signKey.Span, derived);
        new LabeledTuple("identity/seal"u8).Derive(seed.Span, derived);
        XWing.GenerateKeyPair(sealPublic, _sealKey.Span, derived);
        CryptographicOperations.ZeroMemory(derived);

        var fingerprint = IdentityRecord.FingerprintOf(login, signPublic, sealPublic);
        byte[] record =
            [Version, .. signPublic, .. sealPublic, .. Sign(new LabeledTuple("identity"u8).Add(fingerprint))];
        Record = IdentityRecord.Accept(login, record, out var accepted) == Verdict.Accepted
            ? accepted!
            : throw new CryptographicException("A derived key was refused.");
    }

    /// <summary>The public half.</summary>
    public IdentityRecord Record { get; }

    /// <summary>Names login and keys; the same as the record's.</summary>
    public Digest Fingerprint => Record.Fingerprint;

    /// <summary>A new identity from the system's random generator.</summary>
    /// <param name="login">In its canonical form: it is part of the fingerprint.</param>
    /// <exception cref="ArgumentNullException"><paramref name="login"/> is null.</exception>
    public static Identity Create(string login)
    {
        ArgumentNullException.ThrowIfNull(login);
        return new(login, SecretBytes.Random(SeedBytes));
    }

    /// <summary>The identity of a seed, as from a recovery code.</summary>
    /// <param name="login">In its canonical form.</param>
    /// <param name="seed">32 bytes; copied, and for the caller to wipe.</param>
    /// <exception cref="ArgumentNullException"><paramref name="login"/> is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="seed"/> is not 32 bytes.</exception>
    public static Identity FromSeed(string login, ReadOnlySpan<byte> seed)
    {
        ArgumentNullException.ThrowIfNull(login);
        return seed.Length == SeedBytes
            ? new(login, new SecretBytes(seed))
            : throw new ArgumentException("A seed has 32 bytes.", nameof(seed));
    }

    /// <summary>
    /// Opens an account's vault, derives the record from the seed in it and compares it with the one that the server
    /// gave, so that the server can swap neither.
    /// </summary>
    /// <param name="login">In its canonical form.</param>
    /// <param name="key">From the password.</param>
    /// <param name="vault">As the server gave it.</param>
    /// <param name="servedRecord">As the server gave it.</param>
    /// <param name="identity">The identity, or null.</param>
    /// <returns>
    /// <see cref="Verdict.Accepted"/>; <see cref="Verdict.BadVault"/> when the vault has not the form of one;
    /// <see cref="Verdict.BadBox"/> when it does not open: another password, or forged;
    /// <see cref="Verdict.BadIdentity"/> when the record is another than the one derived.
    /// </returns>
    /// <exception cref="ArgumentNullException">
    /// <paramref name="login"/> or <paramref name="key"/> is null.
    /// </exception>
    /// <exception cref="ObjectDisposedException"><paramref name="key"/> has been disposed.</exception>
    public static Verdict OpenVault(
        string login,
        VaultKey key,
        ReadOnlySpan<byte> vault,
        ReadOnlySpan<byte> servedRecord,
        out Identity? identity)
    {
        ArgumentNullException.ThrowIfNull(login);
        ArgumentNullException.ThrowIfNull(key);
        identity = null;
        if (VaultForm.Check(vault) is not Verdict.Accepted and var form)
        {
            return form;
        }

        var seed = new SecretBytes(SeedBytes);
        if (!Box.TryOpen(key.Bytes, new LabeledTuple("vault"u8), vault[1..], seed.Span))
        {
            seed.Dispose();
            return Verdict.BadBox;
        }

        var opened = new Identity(login, seed);
        if (!CryptographicOperations.FixedTimeEquals(opened.Record.Bytes, servedRecord))
        {
            opened.Dispose();
            return Verdict.BadIdentity;
        }

        identity = opened;
        return Verdict.Accepted;
    }

    /// <summary>The seed in a vault, 105 bytes, that only the same password opens.</summary>
    /// <exception cref="ArgumentNullException"><paramref name="key"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">This or <paramref name="key"/> has been disposed.</exception>
    public byte[] SealVault(VaultKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return [Version, .. Box.Seal(key.Bytes, new LabeledTuple("vault"u8), _seed.Span)];
    }

    /// <summary>
    /// Copies the seed out, for a recovery code on paper. It is the whole identity: whoever reads it reads everything.
    /// </summary>
    /// <param name="destination">32 bytes, for the caller to wipe.</param>
    /// <exception cref="ArgumentException"><paramref name="destination"/> is not 32 bytes.</exception>
    /// <exception cref="ObjectDisposedException">This has been disposed.</exception>
    public void ExportSeed(Span<byte> destination)
    {
        if (destination.Length != SeedBytes)
        {
            throw new ArgumentException("A seed has 32 bytes.", nameof(destination));
        }

        _seed.Span.CopyTo(destination);
    }

    /// <summary>64 bytes that say: <paramref name="next"/> follows me. For an account's <c>previous</c>.</summary>
    /// <exception cref="ArgumentNullException"><paramref name="next"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">This has been disposed.</exception>
    public byte[] SignSuccession(IdentityRecord next)
    {
        ArgumentNullException.ThrowIfNull(next);
        return Sign(Record.SuccessionTo(next.Fingerprint));
    }

    /// <summary>Wipes the secrets. The record stays usable.</summary>
    public void Dispose()
    {
        _seed.Dispose();
        _signKey.Dispose();
        _sealKey.Dispose();
    }

    /// <summary>The name of the type, and nothing else.</summary>
    public override string ToString() => nameof(Identity);

    internal byte[] Sign(LabeledTuple message)
    {
        var signature = new byte[Ed25519.SignatureSize];
        Ed25519.Sign(signature, message.Bytes, _signKey.Span);
        return signature;
    }

    /// <summary>False when the library finds that nobody can have made the ciphertext.</summary>
    internal bool TryDecapsulate(ReadOnlySpan<byte> ciphertext, Span<byte> sharedSecret)
    {
        try
        {
            XWing.Decapsulate(sharedSecret, ciphertext, _sealKey.Span);
            return true;
        }
        catch (CryptographicException)
        {
            sharedSecret.Clear();
            return false;
        }
    }
}
