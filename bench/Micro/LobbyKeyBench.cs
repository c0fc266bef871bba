using BenchmarkDotNet.Attributes;
using Conclave.Server.Storage;
using Geralt;

namespace Conclave.Bench.Micro;

/// <summary>Encryption at rest of one body, beside the cipher alone with nothing drawn and nothing bound.</summary>
[MemoryDiagnoser]
public class LobbyKeyBench
{
    readonly LobbyKey _key = new(new byte[XChaCha20Poly1305.KeySize]);
    readonly byte[] _bareKey = new byte[XChaCha20Poly1305.KeySize];
    readonly byte[] _bareNonce = new byte[XChaCha20Poly1305.NonceSize];
    readonly Guid _lobby = Guid.NewGuid();
    readonly Guid _author = Guid.NewGuid();
    readonly Guid _nonce = Guid.NewGuid();
    byte[] _body = [];
    byte[] _bare = [];
    byte[] _stored = [];

    [Params(256, 16_384)]
    public int Bytes { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _body = new byte[Bytes];
        _bare = new byte[Bytes + XChaCha20Poly1305.TagSize];
        _stored = _key.Encrypt(_lobby, _author, _nonce, _body);
    }

    [Benchmark(Baseline = true)]
    public void Cipher() => XChaCha20Poly1305.Encrypt(_bare, _body, _bareNonce, _bareKey);

    [Benchmark]
    public byte[] Encrypt() => _key.Encrypt(_lobby, _author, _nonce, _body);

    [Benchmark]
    public bool TryDecrypt() => _key.TryDecrypt(_lobby, _author, _nonce, _stored, _body);
}
