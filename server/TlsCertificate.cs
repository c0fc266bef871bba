using System.Globalization;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Conclave.Server.Storage;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Conclave.Server;

/// <summary>Where the certificate for TLS lies, as PEM: first its own, then those up to a known authority.</summary>
sealed record TlsFiles(string CertificatePath, string KeyPath)
{
    /// <summary>Whether a certificate is the one in the file.</summary>
    public bool Have(X509Certificate? shown)
    {
        using var own = X509Certificate2.CreateFromPem(File.ReadAllText(CertificatePath));
        return shown is not null && own.RawDataMemory.Span.SequenceEqual(shown.GetRawCertData());
    }
}

/// <summary>
/// The certificate that new connections get. Certificates are short-lived, and renewing one must not cost anybody's
/// connection: the files are looked at every few seconds, and what is no good there leaves the old one in its place.
/// </summary>
sealed partial class TlsCertificate : IAsyncDisposable
{
    static readonly TimeSpan LookPeriod = TimeSpan.FromSeconds(10);
    static readonly TimeSpan HandshakeMax = TimeSpan.FromSeconds(10);

    readonly TlsFiles _files;
    readonly CancellationTokenSource _stopped = new();
    Task _watching = Task.CompletedTask;
    volatile SslStreamCertificateContext _current;
    byte[] _seen;
    string? _fault;

    /// <summary>Reads the files.</summary>
    /// <exception cref="StartupException">They are no good; the message says why.</exception>
    public TlsCertificate(TlsFiles files)
    {
        _files = files;
        (_current, _seen) = Read(files, seen: []);
    }

    /// <summary>How Kestrel serves TLS by it, to those who come to the point in time.</summary>
    public TlsHandshakeCallbackOptions HandshakeWithin(TimeSpan time) => new()
    {
        HandshakeTimeout = time < HandshakeMax ? time : HandshakeMax,
        OnConnection = _ => ValueTask.FromResult(new SslServerAuthenticationOptions
        {
            ServerCertificateContext = _current,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            AllowRenegotiation = false,
            ApplicationProtocols = [SslApplicationProtocol.Http11],
        }),
    };

    /// <summary>Begins to look for newer ones.</summary>
    public void Watch(TimeProvider time, ILogger logger)
    {
        if (_current.TargetCertificate.NotAfter.ToUniversalTime() < time.GetUtcNow().UtcDateTime)
            LogExpired(logger, Until(_current));
        _watching = WatchAsync(time, logger);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopped.CancelAsync();
        await _watching;
        _stopped.Dispose();
    }

    async Task WatchAsync(TimeProvider time, ILogger logger)
    {
        using var timer = new PeriodicTimer(LookPeriod, time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopped.Token))
                Look(logger);
        }
        catch (OperationCanceledException)
        {
            // The server has stopped.
        }
    }

    void Look(ILogger logger)
    {
        try
        {
            var (read, seen) = Read(_files, _seen);
            _fault = null;
            if (seen == _seen)
                return;
            (_current, _seen) = (read, seen);
            LogRenewed(logger, Until(read));
        }
        // Said once: half of a renewal may lie there for a while.
        catch (StartupException fault) when (fault.Message == _fault)
        {
        }
        catch (StartupException fault)
        {
            _fault = fault.Message;
            LogKept(logger, fault.Message);
        }
    }

    // What is there, and its digest; the very same digest and the current one if nothing has changed.
    (SslStreamCertificateContext Context, byte[] Seen) Read(TlsFiles files, byte[] seen)
    {
        var certificate = ReadFile("CONCLAVE_TLS_CERTIFICATE", files.CertificatePath);
        var key = ReadFile("CONCLAVE_TLS_KEY", files.KeyPath);
        try
        {
            byte[] digest = [.. SHA256.HashData(certificate), .. SHA256.HashData(key)];
            return digest.AsSpan().SequenceEqual(seen) ? (_current, seen) : (Parse(files, certificate, key), digest);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }

    static SslStreamCertificateContext Parse(TlsFiles files, byte[] certificate, byte[] key)
    {
        var chain = Encoding.Latin1.GetString(certificate);
        var secret = Encoding.Latin1.GetChars(key);
        try
        {
            if (!secret.AsSpan().Contains("PRIVATE KEY-----", StringComparison.Ordinal))
                throw new StartupException($"CONCLAVE_TLS_KEY: {files.KeyPath} has no private key in PEM form");
            if (secret.AsSpan().Contains("ENCRYPTED", StringComparison.Ordinal))
                throw new StartupException($"CONCLAVE_TLS_KEY: {files.KeyPath} must not be encrypted");
            var own = X509Certificate2.CreateFromPem(chain, secret);
            X509Certificate2Collection others = [];
            others.ImportFromPem(chain);
            return SslStreamCertificateContext.Create(own, others, offline: true);
        }
        catch (Exception fault) when (fault is CryptographicException or ArgumentException)
        {
            throw new StartupException(
                $"CONCLAVE_TLS_CERTIFICATE: {files.CertificatePath} is no PEM certificate for the key in"
                + $" {files.KeyPath}: {fault.Message}");
        }
        finally
        {
            secret.AsSpan().Clear();
        }
    }

    static byte[] ReadFile(string variable, string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"{variable} cannot be read: {fault.Message}");
        }
    }

    static string Until(SslStreamCertificateContext context) => context.TargetCertificate.NotAfter.ToUniversalTime()
        .ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    [LoggerMessage(201, LogLevel.Information, "New connections get another TLS certificate, valid until {Until}")]
    static partial void LogRenewed(ILogger logger, string until);

    [LoggerMessage(202, LogLevel.Warning, "The TLS certificate stays as it was, for the new one is no good: {Why}")]
    static partial void LogKept(ILogger logger, string why);

    [LoggerMessage(203, LogLevel.Warning, "The TLS certificate was valid until {Until} only")]
    static partial void LogExpired(ILogger logger, string until);
}
