using System.Security.Cryptography;
using Conclave.Roster;
using Conclave.Sdk.Sealing;
using Conclave.Sealing;
using Verdict = Conclave.Roster.Verdict;

namespace Conclave.Tests.Sdk.Sealing;

/// <summary>
/// Messages that are judged without the rows around them. The lobby: alice made it (1), she invited bob (2) and carol,
/// who may only read (3), and removed carol (4); then there is a new key (5), and somebody has said something (6).
/// </summary>
public sealed class JudgedAloneTests : IDisposable
{
    readonly Identity _alice = Identity.Create("alice");
    readonly Identity _bob = Identity.Create("bob");
    readonly Identity _carol = Identity.Create("carol");
    readonly GenerationKey _first = GenerationKey.Create(1);
    readonly GenerationKey _second = GenerationKey.Create(2);
    readonly Dictionary<Identity, Guid> _tokens = [];
    readonly List<RosterState> _rosters = [];
    readonly LobbyFollower _follower;

    public JudgedAloneTests()
    {
        foreach (var identity in (IEnumerable<Identity>)[_alice, _bob, _carol])
            _tokens[identity] = Guid.NewGuid();
        var root = RosterSigner.Create(_alice, _tokens[_alice], History.All, "den", _first);
        _follower = LobbyFollower.Begin(SealedLobbyId.Of(root.Hash), Guid.NewGuid());
        _follower.Book.Know([_alice.Record, _bob.Record, _carol.Record]);
        Enter(root);
        Enter(Sign(new RosterChange.Invite(
            _bob.Fingerprint, _tokens[_bob], MemberRights.Read | MemberRights.Write)));
        Enter(Sign(new RosterChange.Invite(_carol.Fingerprint, _tokens[_carol], MemberRights.Read)));
        Enter(Sign(new RosterChange.Remove(_carol.Fingerprint)));
        Enter(RosterSigner.Rotate(_alice, _follower.Log.Roster!, _second, _first));
        _follower.Take(new(6, _tokens[_alice], default, Transcript.RowHash("something"u8)), null);
    }

    public void Dispose()
    {
        foreach (var secret in (IEnumerable<IDisposable>)[_alice, _bob, _carol, _first, _second])
            secret.Dispose();
    }

    [Fact]
    public void Message_in_its_place_is_accepted_under_its_author()
    {
        var (verdict, author) = Judge(_bob, After(5), _follower.Log.Last, 7);

        Assert.Equal((Verdict.Accepted, _bob.Fingerprint), (verdict, author?.Identity.Fingerprint));
    }

    [Fact]
    public void Message_of_another_time_or_lobby_is_refused()
    {
        Assert.Equal(Verdict.StaleRoster, Judge(_bob, After(2), PointAt(2), 7).Verdict);
        Assert.Equal(Verdict.StaleRoster, Judge(_bob, After(5), PointAt(2), 5).Verdict);
        Assert.Equal(Verdict.StaleRoster, Judge(_bob, Transcript.RowHash("another"u8), PointAt(6), 7).Verdict);
    }

    [Fact]
    public void Message_of_nobody_or_under_another_sender_is_refused()
    {
        Assert.Equal(Verdict.NotAMember, Judge(_carol, After(5), PointAt(6), 7).Verdict);
        Assert.Equal(Verdict.BadSignature, Judge(_bob, After(5), PointAt(6), 7, _tokens[_alice]).Verdict);
    }

    [Fact]
    public void Message_of_somebody_who_may_not_write_or_under_a_key_that_is_due_is_refused()
    {
        Assert.Equal(Verdict.Forbidden, Judge(_carol, After(3), PointAt(3), 4).Verdict);
        Assert.Equal(Verdict.StaleKey, Judge(_bob, After(4), PointAt(4), 5).Verdict);
    }

    [Fact]
    public void Message_that_has_seen_another_log_or_the_future_is_refused()
    {
        Assert.Equal(Verdict.StaleTranscript, Judge(_bob, After(5), PointAt(6), 6).Verdict);
        Assert.Equal(Verdict.StaleTranscript, Judge(_bob, After(5), PointAt(6), 6 + LobbyLog.WindowRows + 1).Verdict);
        var elsewhere = new LogPoint(6, Transcript.RowHash("another"u8));
        Assert.Equal(Verdict.Fork, Judge(_bob, After(5), elsewhere, 7).Verdict);
    }

    [Fact]
    public void Row_that_is_no_message_is_refused()
    {
        var entry = SealedRow.Parse(SealedRow.AroundEntry(Sign(new RosterChange.Rename("burrow"))));

        Assert.Equal(Verdict.BadEnvelope, _follower.JudgeAlone(entry, _tokens[_alice], 7).Verdict);
    }

    (Verdict Verdict, RosterMember? Author) Judge(
        Identity author, Digest head, LogPoint seen, ulong seq, Guid? sender = null)
    {
        var header = SealedMessage.Header(head, new Seen(seen, IsBaseUnconfirmed: false), Guid.NewGuid());
        // Nobody opens the box here.
        var box = RandomNumberGenerator.GetBytes(400);
        var row = SealedMessage.Sign(author, _follower.Book.LobbyId, header, box);
        return _follower.JudgeAlone(SealedRow.Parse(row), sender ?? _tokens[author], seq);
    }

    RosterEntry Sign(RosterChange change) => RosterSigner.Sign(_alice, _follower.Log.Roster, change);

    void Enter(RosterEntry entry)
    {
        var row = SealedRow.AroundEntry(entry);
        var judged = _follower.Take(
            new(_follower.Log.Last.Seq + 1, _tokens[_alice], row, default), SealedRow.Parse(row));
        Assert.Equal(Verdict.Accepted, judged.Verdict);
        _rosters.Add(judged.Roster!);
    }

    Digest After(int seq) => _rosters[seq - 1].Head;

    LogPoint PointAt(ulong seq) => new(seq, _follower.Log.HashAt(seq)!.Value);
}
