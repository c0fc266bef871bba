// References
//   Argon2id: RFC 9106, libsodium's, by Geralt. Parameters: OWASP Password Storage Cheat Sheet, "use Argon2id with a
//   minimum configuration of 19 MiB of memory, an iteration count of 2, and 1 degree of parallelism".
// Parameters
//   m = 19,456 KiB, t = 2, p = 1, salt 16 random bytes, tag 32 bytes. All of them stand in the stored text
//   ($argon2id$v=19$m=19456,t=2,p=1$salt$tag, 97 characters), so that raising them leaves old hashes valid.
using System.Security.Cryptography;
using System.Threading.RateLimiting;
using Conclave.Protocol;
using Conclave.Server.Storage;
using Geralt;

namespace Conclave.Server.Accounts;

/// <summary>
/// Hashes and checks passwords, a few at a time: each takes a processor for some 20 ms and 19 MiB of memory, so without
/// a bound a storm of sign-ins would starve everything else. A caller waits without holding a thread.
/// </summary>
sealed class PasswordHasher(Limits limits) : IDisposable
{
    const int MemoryBytes = 19_456 * 1024;
    const int Iterations = 2;

    /// <summary>
    /// Checked when there is no such account, so that the answer takes as long. Its tag is random bytes, not
    /// a hash, so no password matches it.
    /// </summary>
    internal static readonly string Dummy = string.Create(
        System.Globalization.CultureInfo.InvariantCulture,
        $"$argon2id$v=19$m={MemoryBytes / 1024},t={Iterations},p=1${RandomBase64(16)}${RandomBase64(32)}");

    readonly ConcurrencyLimiter _pool = new(new()
    {
        PermitLimit = limits.PasswordWorkersMax,
        QueueLimit = limits.PasswordQueueMax,
        QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
    });

    /// <summary>Passwords that are hashed now, and those that wait for that.</summary>
    public (long Running, long Waiting) Load => _pool.GetStatistics() is { } statistics
        ? (limits.PasswordWorkersMax - statistics.CurrentAvailablePermits, statistics.CurrentQueuedCount)
        : default;

    /// <summary>The text to store for a password; null when too many wait already.</summary>
    public async ValueTask<string?> HashAsync(ReadOnlyMemory<byte> passwordUtf8, CancellationToken ct)
    {
        using var place = await _pool.AcquireAsync(cancellationToken: ct);
        if (!place.IsAcquired)
            return null;
        using var span = Traces.Source.StartActivity("password");
        return await Task.Run(() => Hash(passwordUtf8.Span), ct);
    }

    /// <summary>Bytes are compared as given: a client that wants Unicode normalised does so itself.</summary>
    /// <param name="storedHash">What <see cref="HashAsync"/> returned; null when there is no such account.</param>
    public async ValueTask<PasswordVerdict> VerifyAsync(
        string? storedHash, ReadOnlyMemory<byte> passwordUtf8, CancellationToken ct)
    {
        using var place = await _pool.AcquireAsync(cancellationToken: ct);
        if (!place.IsAcquired)
        {
            return PasswordVerdict.Overloaded;
        }

        using var span = Traces.Source.StartActivity("password");
        var same = await Task.Run(() => Argon2id.VerifyHash(storedHash ?? Dummy, passwordUtf8.Span), ct);
        return same && storedHash is not null ? PasswordVerdict.Match : PasswordVerdict.Mismatch;
    }

    /// <summary>
    /// 32 bytes of key from a password, as slowly as its hash; null when too many wait already. The caller wipes them.
    /// </summary>
    public async ValueTask<byte[]?> DeriveKeyAsync(
        ReadOnlyMemory<byte> passwordUtf8, ReadOnlyMemory<byte> salt, CancellationToken ct)
    {
        using var place = await _pool.AcquireAsync(cancellationToken: ct);
        return place.IsAcquired ? await Task.Run(() => DeriveKey(passwordUtf8.Span, salt.Span), ct) : null;
    }

    /// <summary>Those who still wait are told that there is no place.</summary>
    public void Dispose() => _pool.Dispose();

    static string Hash(ReadOnlySpan<byte> password)
    {
        Span<char> text = stackalloc char[Argon2id.HashSize];
        Argon2id.ComputeHash(text, password, Iterations, MemoryBytes);
        // libsodium fills its buffer up with NULs, which PostgreSQL cannot store.
        return text.TrimEnd('\0').ToString();
    }

    static byte[] DeriveKey(ReadOnlySpan<byte> password, ReadOnlySpan<byte> salt)
    {
        var key = new byte[XChaCha20Poly1305.KeySize];
        Argon2id.DeriveKey(key, password, salt, Iterations, MemoryBytes);
        return key;
    }

    static string RandomBase64(int bytes) => Convert.ToBase64String(RandomNumberGenerator.GetBytes(bytes)).TrimEnd('=');
}
