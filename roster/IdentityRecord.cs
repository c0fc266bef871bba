// References
//   Ed25519: RFC 8032. X-Wing: draft-connolly-cfrg-xwing-kem-06, the HPKE KEM 0x647a. Both are libsodium's, by Geralt.
// Parameters
//   fp     = H("fingerprint", login, sign key, seal key)
//   record = version 1 (1) || sign key (32) || seal key (1216) || signature on T("identity", fp) (64)     1313 bytes
using System.Security.Cryptography;
using System.Text;
using Geralt;

namespace Conclave.Roster;

/// <summary>
/// The public half of an account's identity, accepted for one login (docs/sealing.md, section 3.1): the key that its
/// signatures are checked with, and the key that others wrap lobby keys for.
/// </summary>
/// <remarks>
/// An instance exists only for a record that was accepted, so whoever has one need not ask again. Immutable.
/// </remarks>
public sealed class IdentityRecord
{
    /// <summary>Size of a record, in bytes.</summary>
    public const int SizeBytes = SignatureStart + Signature.SizeBytes;

    /// <summary>Size of a succession's signature, in bytes.</summary>
    public const int SuccessionBytes = Signature.SizeBytes;

    const byte Version = 1;
    const int SealKeyStart = 1 + Signature.PublicKeyBytes;
    const int SignatureStart = SealKeyStart + XWing.PublicKeySize;

    readonly byte[] _bytes;

    IdentityRecord(string login, Digest fingerprint, byte[] bytes)
    {
        (Login, Fingerprint, _bytes) = (login, fingerprint, bytes);
    }

    /// <summary>The login, as it was given: no form is asked of it here.</summary>
    public string Login { get; }

    /// <summary>Names login and both keys; short <c>fp</c>.</summary>
    public Digest Fingerprint { get; }

    /// <summary>The 1313 bytes of the record.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Ed25519 public key, 32 bytes.</summary>
    public ReadOnlySpan<byte> SignKey => _bytes.AsSpan(1, Signature.PublicKeyBytes);

    /// <summary>X-Wing public key, 1216 bytes.</summary>
    public ReadOnlySpan<byte> SealKey => _bytes.AsSpan(SealKeyStart, XWing.PublicKeySize);

    /// <summary>
    /// Accepts <paramref name="record"/> for a login: its length is 1313 and its version 1, the signature is valid, and
    /// a trial encapsulation to its seal key succeeds. Without the last, one member with a broken key would block every
    /// rotation of a lobby.
    /// </summary>
    /// <param name="login">In its canonical form; compared bytewise in UTF-8.</param>
    /// <param name="record">Copied.</param>
    /// <param name="accepted">The identity, or null.</param>
    /// <returns><see cref="Verdict.Accepted"/> or <see cref="Verdict.BadIdentity"/>.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="login"/> is null.</exception>
    /// <exception cref="EncoderFallbackException"><paramref name="login"/> holds half a surrogate pair.</exception>
    public static Verdict Accept(string login, ReadOnlySpan<byte> record, out IdentityRecord? accepted)
    {
        ArgumentNullException.ThrowIfNull(login);
        accepted = null;
        if (record.Length != SizeBytes || record[0] != Version)
        {
            return Verdict.BadIdentity;
        }

        var signKey = record[1..SealKeyStart];
        var sealKey = record[SealKeyStart..SignatureStart];
        var fingerprint = FingerprintOf(login, signKey, sealKey);
        if (!new LabeledTuple("identity"u8).Add(fingerprint).IsSigned(signKey, record[SignatureStart..])
            || !CanEncapsulate(sealKey))
        {
            return Verdict.BadIdentity;
        }

        accepted = new(login, fingerprint, record.ToArray());
        return Verdict.Accepted;
    }

    /// <summary>
    /// A record that was accepted earlier, and kept with its fingerprint by oneself: it must still have that, which
    /// covers login and both keys. The signature and the trial encapsulation are not repeated.
    /// </summary>
    /// <param name="login">In its canonical form.</param>
    /// <param name="record">Copied.</param>
    /// <param name="fingerprint">The fingerprint that it was accepted with.</param>
    /// <returns>The identity; null if the record is not that one.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="login"/> is null.</exception>
    public static IdentityRecord? Restore(string login, ReadOnlySpan<byte> record, Digest fingerprint)
    {
        ArgumentNullException.ThrowIfNull(login);
        return record.Length == SizeBytes && record[0] == Version
            && FingerprintOf(login, record[1..SealKeyStart], record[SealKeyStart..SignatureStart]) == fingerprint
                ? new(login, fingerprint, record.ToArray())
                : null;
    }

    /// <summary>
    /// Whether <paramref name="succession"/> is this identity's word that <paramref name="next"/> follows it. It
    /// softens the alarm about a changed key and never silences it: whoever stole the old seed can sign one too.
    /// </summary>
    /// <param name="next">The identity after this one.</param>
    /// <param name="succession">64 bytes; any other number is <see cref="Verdict.BadIdentity"/>.</param>
    /// <returns><see cref="Verdict.Accepted"/> or <see cref="Verdict.BadIdentity"/>.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="next"/> is null.</exception>
    public Verdict CheckSuccession(IdentityRecord next, ReadOnlySpan<byte> succession)
    {
        ArgumentNullException.ThrowIfNull(next);
        return succession.Length == SuccessionBytes && SuccessionTo(next.Fingerprint).IsSigned(SignKey, succession)
            ? Verdict.Accepted
            : Verdict.BadIdentity;
    }

    internal static Digest FingerprintOf(string login, ReadOnlySpan<byte> signKey, ReadOnlySpan<byte> sealKey) =>
        new LabeledTuple("fingerprint"u8, 64 + XWing.PublicKeySize + login.Length)
            .Add(StrictUtf8.GetBytes(login)).Add(signKey).Add(sealKey).Hash();

    internal LabeledTuple SuccessionTo(Digest next) => new LabeledTuple("succession"u8).Add(Fingerprint).Add(next);

    // Encap fails on an ML-KEM coefficient of 3329 or more (FIPS 203, 7.2) and on an X25519 part of low order.
    static bool CanEncapsulate(ReadOnlySpan<byte> sealKey)
    {
        Span<byte> secret = stackalloc byte[XWing.SharedSecretSize];
        Span<byte> ciphertext = stackalloc byte[XWing.CiphertextSize];
        try
        {
            XWing.Encapsulate(secret, ciphertext, sealKey);
            return true;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
}
