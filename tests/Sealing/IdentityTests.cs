using Conclave.Roster;
using Conclave.Sealing;
using Conclave.Tests.Support;

namespace Conclave.Tests.Sealing;

public sealed class IdentityTests : IDisposable
{
    readonly VaultKey _key = new(SecretBytes.Random(32));
    readonly Identity _identity = Identity.Create("erin");

    public void Dispose()
    {
        _key.Dispose();
        _identity.Dispose();
    }

    [Fact]
    public void Vault_gives_the_identity_back()
    {
        var vault = _identity.SealVault(_key);

        Assert.Equal(Verdict.Accepted, VaultForm.Check(vault));
        Assert.Equal(
            Verdict.Accepted, Identity.OpenVault("erin", _key, vault, _identity.Record.Bytes, out var opened));
        Assert.Equal(_identity.Fingerprint, opened!.Fingerprint);
        opened.Dispose();
    }

    [Fact]
    public void Vault_with_any_byte_altered_is_refused_by_name()
    {
        Assert.All(Tampering.Of(_identity.SealVault(_key)), altered =>
        {
            var verdict = Identity.OpenVault("erin", _key, altered, _identity.Record.Bytes, out var opened);
            Assert.Null(opened);
            Assert.Equal(altered is [1, ..] && altered.Length == 105 ? Verdict.BadBox : Verdict.BadVault, verdict);
        });
    }

    [Fact]
    public void Record_beside_the_vault_with_any_byte_altered_is_bad_identity()
    {
        var vault = _identity.SealVault(_key);
        foreach (var altered in Tampering.Of(_identity.Record.Bytes.ToArray()).Where((_, index) => index % 50 == 0))
        {
            Assert.Equal(Verdict.BadIdentity, Identity.OpenVault("erin", _key, vault, altered, out var opened));
            Assert.Null(opened);
        }

        Assert.Equal(
            Verdict.BadIdentity, Identity.OpenVault("eve", _key, vault, _identity.Record.Bytes, out _));
    }

    [Fact]
    public void Recovery_code_gives_the_identity_back()
    {
        var seed = new byte[Identity.SeedBytes];
        _identity.ExportSeed(seed);

        using var recovered = Identity.FromSeed("erin", seed);

        Assert.Equal(_identity.Fingerprint, recovered.Fingerprint);
        Assert.Throws<ArgumentException>(() => Identity.FromSeed("erin", new byte[31]));
        Assert.Throws<ArgumentException>(() => _identity.ExportSeed(new byte[33]));
    }

    [Fact]
    public void New_identities_differ()
    {
        using var other = Identity.Create("erin");
        Assert.NotEqual(_identity.Fingerprint, other.Fingerprint);
    }

    [Fact]
    public void Own_succession_is_recognised()
    {
        using var next = Identity.Create("erin");
        Assert.Equal(
            Verdict.Accepted, _identity.Record.CheckSuccession(next.Record, _identity.SignSuccession(next.Record)));
    }
}
