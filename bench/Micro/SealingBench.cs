using BenchmarkDotNet.Attributes;
using Conclave.Roster;
using Conclave.Sealing;

namespace Conclave.Bench.Micro;

/// <summary>
/// A sealed lobby's small loops, on a message of 100 bytes and a lobby of one member. What a server does for a message
/// is Verify and Transcript; a receiver does both and Open. Parse is a part of Verify: the rest is the signature.
/// </summary>
[MemoryDiagnoser]
public class SealingBench
{
    static readonly Guid Token = Guid.NewGuid();

    readonly Identity _identity = Identity.Create("bench");
    readonly GenerationKey _key = GenerationKey.Create(1);
    readonly Content _content = new TextContent(new string('x', 100)).ToContent();
    readonly Dictionary<Digest, IdentityRecord> _identities = [];
    RosterEntry _create = null!;
    LobbyLog _log = null!;
    byte[] _row = null!;
    byte[] _wrap = null!;
    Judgement _verified = null!;

    [GlobalSetup]
    public void Prepare()
    {
        _identities.Add(_identity.Fingerprint, _identity.Record);
        _create = RosterSigner.Create(_identity, Token, History.All, "bench", _key);
        _log = LobbyLog.Begin(SealedLobbyId.Of(_create.Hash));
        _log.Append(_log.Judge(SealedRow.Parse(SealedRow.AroundEntry(_create)), Token, _identities));
        _row = Seal();
        _verified = Verify();
        _wrap = Wrap().Wrap.ToArray();
    }

    [Benchmark]
    public byte[] Seal() => SealedMessage.Seal(
        _identity, _log.Roster!, _key, Seen.In(_log), SealedMessage.NewId(), _content);

    [Benchmark]
    public SealedRow Parse() => SealedRow.Parse(_row);

    [Benchmark]
    public Judgement Verify() => _log.Judge(SealedRow.Parse(_row), Token, _identities);

    [Benchmark]
    public Verdict Open()
    {
        var verdict = SealedMessage.Open(_verified, _key, out var content);
        content!.Dispose();
        return verdict;
    }

    [Benchmark]
    public LogPoint Transcript() => _log.Last.Next(Token, _verified.Row.Hash);

    [Benchmark]
    public Verdict Apply()
    {
        RosterEntry.Parse(_create.Bytes, out var entry);
        return RosterState.Apply(null, entry!, _identities, out _);
    }

    [Benchmark]
    public KeyWrap Wrap() => _key.WrapFor(_log.LobbyId, _identity.Record);

    [Benchmark]
    public Verdict Unwrap()
    {
        var verdict = GenerationKey.OpenWrap(_log.Roster!, 1, _identity, _wrap, out var key);
        key!.Dispose();
        return verdict;
    }
}
