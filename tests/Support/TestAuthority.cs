using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Conclave.Tests.Support;

/// <summary>
/// An authority that nobody else knows, with one more below it as public ones have: what it issues is proof only for
/// whoever gets the whole chain. Its files are thrown away with it.
/// </summary>
sealed class TestAuthority : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("conclave-authority-").FullName;
    readonly DateTimeOffset _from = TimeProvider.System.GetUtcNow().AddDays(-1);
    readonly X509Certificate2 _root;
    readonly X509Certificate2 _between;

    public TestAuthority()
    {
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        _root = RequestFor("CN=Root of the tests", rootKey, isAuthority: true)
            .CreateSelfSigned(_from, _from.AddDays(30));
        using var betweenKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var between = RequestFor("CN=Between", betweenKey, isAuthority: true)
            .Create(_root, _from, _from.AddDays(30), RandomNumberGenerator.GetBytes(8));
        _between = between.CopyWithPrivateKey(betweenKey);
        File.WriteAllText(RootPath, _root.ExportCertificatePem());
    }

    public string CertificatePath => Path.Combine(_folder, "certificate.pem");

    public string KeyPath => Path.Combine(_folder, "key.pem");

    /// <summary>What a client has to trust.</summary>
    public string RootPath => Path.Combine(_folder, "root.pem");

    /// <summary>Puts a new certificate for this machine into the files; returns its thumbprint.</summary>
    public string Issue()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = RequestFor("CN=conclave", key, isAuthority: false);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var issued = request.Create(_between, _from, _from.AddDays(20), RandomNumberGenerator.GetBytes(8));
        File.WriteAllText(KeyPath, key.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(
            CertificatePath, issued.ExportCertificatePem() + "\n" + _between.ExportCertificatePem() + "\n");
        return issued.Thumbprint;
    }

    /// <summary>Whether a server has shown a certificate of this authority for the name it was called by.</summary>
    public bool Check(object sender, X509Certificate? shown, X509Chain? chain, SslPolicyErrors errors)
    {
        if (shown is null || chain is null || errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
            return false;
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(_root);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(new X509Certificate2(shown));
    }

    public void Dispose()
    {
        _root.Dispose();
        _between.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    static CertificateRequest RequestFor(string name, ECDsa key, bool isAuthority)
    {
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, critical: true));
        return request;
    }
}
