using Conclave.Roster;
using Conclave.Sealing;
using Conclave.Tests.Support;

namespace Conclave.Tests.Roster;

/// <summary>
/// What the published vectors do not reach: the far end of the window, bases in the middle, rewinding.
/// </summary>
public sealed class LobbyLogTests
{
    static readonly Guid AliceToken = SealingVectors.Token("alice");
    static readonly Guid BobToken = SealingVectors.Token("bob");

    readonly LobbyLog _log = SealingVectors.Receiver(SealingVectors.StreamRows);

    [Fact]
    public void Row_with_any_byte_altered_is_refused_by_name_and_still_hashed()
    {
        var row = Post(_log, "alice", SealedMessage.NewId());
        Verdict[] errors =
            [Verdict.BadEnvelope, Verdict.BadSignature, Verdict.StaleRoster, Verdict.StaleTranscript, Verdict.Fork];
        foreach (var altered in Tampering.Of(row))
        {
            var judgement = _log.Judge(SealedRow.Parse(altered), AliceToken, SealingVectors.Records);
            var before = _log.Last;

            Assert.Contains(judgement.Verdict, errors);
            Assert.Null(judgement.Author);
            Assert.Same(_log.Roster, judgement.Roster);
            var kept = _log.Append(judgement);
            Assert.Null(kept.Message);
            Assert.Equal(before.Next(AliceToken, Transcript.RowHash(altered)), _log.Last);
            _log.RewindTo(before.Seq);
        }
    }

    [Fact]
    public void Roster_row_with_any_byte_altered_is_refused_by_name_and_changes_nothing()
    {
        var log = SealingVectors.Receiver(2);
        var row = SealingVectors.All("stream")[2];
        foreach (var altered in Tampering.Of(System.Text.Encoding.UTF8.GetBytes(row.Text("row_data_utf8"))))
        {
            var judgement = log.Judge(SealedRow.Parse(altered), row.Uuid("token"), SealingVectors.Records);
            Assert.NotEqual(Verdict.Accepted, judgement.Verdict);
            Assert.NotEmpty(VerdictCode.Of(judgement.Verdict));
            Assert.Same(log.Roster, judgement.Roster);
        }
    }

    [Fact]
    public void Good_entry_under_another_sender_or_in_another_lobby_changes_nothing()
    {
        var log = SealingVectors.Receiver(2);
        var entry = log.Judge(SealingVectors.All("stream")[2].Row(), BobToken, SealingVectors.Records);
        var create = LobbyLog.Begin(SealingVectors.LastState(SealingVectors.FromJoin).LobbyId)
            .Judge(SealingVectors.All("stream")[0].Row(), AliceToken, SealingVectors.Records);

        Assert.Equal(Verdict.NotAMember, entry.Verdict);
        Assert.Same(log.Roster, entry.Roster);
        Assert.Equal(Verdict.WrongLobby, create.Verdict);
        Assert.Null(create.Roster);
    }

    [Theory]
    [InlineData("{\"sealed\":\"}")]
    [InlineData("{\"roster\":\"}")]
    [InlineData("{\"sealed\":\"\"}")]
    [InlineData("{\"sealed\":\"AA\"}")]
    [InlineData("{}")]
    [InlineData("")]
    public void Row_without_the_form_of_one_is_a_bad_envelope(string rowData) =>
        Assert.Equal(Verdict.BadEnvelope, SealedRow.Parse(System.Text.Encoding.UTF8.GetBytes(rowData)).Form);

    [Fact]
    public void Signature_is_asked_about_anew_for_another_signer_or_lobby()
    {
        var envelope = SealedRow.Parse(Post(_log, "alice", SealedMessage.NewId())).Envelope!;

        Assert.True(envelope.IsSignedBy(_log.LobbyId, SealingVectors.People["alice"].Record));
        Assert.False(envelope.IsSignedBy(_log.LobbyId, SealingVectors.People["bob"].Record));
        Assert.True(envelope.IsSignedBy(_log.LobbyId, SealingVectors.People["alice"].Record));
        Assert.False(envelope.IsSignedBy(Guid.NewGuid(), SealingVectors.People["alice"].Record));
    }

    [Fact]
    public void Id_is_taken_for_4096_rows_and_then_free()
    {
        var id = SealedMessage.NewId();
        Take(_log, Post(_log, "alice", id), AliceToken);
        Fill(_log, LobbyLog.WindowRows - 1);
        Assert.Equal(Verdict.Replay, Judge(_log, Post(_log, "alice", id), AliceToken));
        Assert.Equal(Verdict.Accepted, Judge(_log, Post(_log, "bob", id), BobToken));

        Fill(_log, 1);

        Assert.Equal(Verdict.Accepted, Judge(_log, Post(_log, "alice", id), AliceToken));
    }

    [Fact]
    public void Row_is_a_replay_when_it_stood_there_as_a_tombstone()
    {
        var row = Post(_log, "alice", SealedMessage.NewId());
        _log.AppendTombstone(AliceToken, Transcript.RowHash(row));

        Assert.Equal(Verdict.Replay, Judge(_log, row, AliceToken));
        Fill(_log, LobbyLog.WindowRows - 1);
        Assert.Equal(Verdict.StaleTranscript, Judge(_log, row, AliceToken));
    }

    [Fact]
    public void Refused_row_takes_no_id()
    {
        var id = SealedMessage.NewId();
        var forged = Post(_log, "alice", id);
        var judgement = _log.Judge(SealedRow.Parse(forged), BobToken, SealingVectors.Records);
        Assert.Equal(Verdict.BadSignature, judgement.Verdict);
        _log.Append(judgement);

        Assert.Equal(Verdict.Accepted, Judge(_log, Post(_log, "alice", id), AliceToken));
        Assert.Equal(Verdict.Replay, Judge(_log, forged, AliceToken));
    }

    [Fact]
    public void Rows_long_ago_are_forgotten_and_the_window_stays_whole()
    {
        Fill(_log, 3 * LobbyLog.WindowRows);

        Assert.InRange(_log.Rows.Count, LobbyLog.WindowRows, 2 * LobbyLog.WindowRows);
        Assert.NotNull(_log.HashAt(_log.Last.Seq - LobbyLog.WindowRows));
        Assert.Null(_log.HashAt(0));
        Assert.Null(_log.HashAt(_log.Last.Seq + 1));
        Assert.Equal(Verdict.Accepted, Judge(_log, Post(_log, "alice", SealedMessage.NewId()), AliceToken));
    }

    [Fact]
    public void Base_in_the_middle_is_confirmed_by_another_member_who_saw_it()
    {
        var start = _log.Last;
        Assert.True(_log.IsConfirmed);
        var entered = LobbyLog.Enter(_log.Roster!, start, AliceToken);
        Assert.False(entered.IsConfirmed);
        Assert.True(Seen.In(entered).IsBaseUnconfirmed);

        // One's own message, one from before the base, and one that is itself unsure confirm nothing.
        Take(entered, Post(entered, "alice", SealedMessage.NewId(), new(start, false)), AliceToken);
        Take(entered, Post(entered, "bob", SealedMessage.NewId(), new(Point(_log, 19), false)), BobToken);
        Take(entered, Post(entered, "bob", SealedMessage.NewId(), new(start, true)), BobToken);
        Assert.False(entered.IsConfirmed);
        Take(entered, Post(entered, "bob", SealedMessage.NewId(), new(start, false)), BobToken);

        Assert.True(entered.IsConfirmed);
        Assert.False(Seen.In(entered).IsBaseUnconfirmed);
    }

    [Fact]
    public void False_base_is_a_fork_as_soon_as_a_member_speaks_who_saw_the_true_one()
    {
        var lie = _log.Last with { Hash = Transcript.RowHash("lie"u8) };
        var entered = LobbyLog.Enter(_log.Roster!, lie, AliceToken);

        Assert.Equal(Verdict.Fork, Judge(entered, Post(_log, "bob", SealedMessage.NewId()), BobToken));
        Assert.Equal(
            Verdict.Accepted,
            Judge(entered, Post(_log, "bob", SealedMessage.NewId(), new(Point(_log, 19), false)), BobToken));
    }

    [Fact]
    public void Base_before_the_first_row_is_computed_and_not_believed()
    {
        var lie = new LogPoint(0, Transcript.RowHash("lie"u8));
        var entered = LobbyLog.Enter(_log.Roster!, lie, null);

        Assert.Equal(Transcript.Start(_log.LobbyId), entered.Last.Hash);
        Assert.True(entered.IsConfirmed);
        Assert.Null(entered.Roster);
    }

    [Fact]
    public void Rewinding_brings_back_what_was()
    {
        var id = SealedMessage.NewId();
        var (before, roster) = (_log.Last, _log.Roster!);
        var row = Post(_log, "alice", id);
        Take(_log, row, AliceToken);
        var entry = RosterSigner.Sign(SealingVectors.People["alice"], roster, new RosterChange.Rename("elsewhere"));
        Take(_log, SealedRow.AroundEntry(entry), AliceToken);
        Assert.Equal("elsewhere", _log.Roster!.Name);

        _log.RewindTo(before.Seq + 1);
        Assert.Same(roster, _log.Roster);
        Assert.Equal(Verdict.Replay, Judge(_log, row, AliceToken));
        _log.RewindTo(before.Seq);

        Assert.Equal(before, _log.Last);
        Assert.Equal(Verdict.Accepted, Judge(_log, row, AliceToken));
        Take(_log, SealedRow.AroundEntry(entry), AliceToken);
        Assert.Equal("elsewhere", _log.Roster!.Name);
        Assert.Throws<ArgumentOutOfRangeException>(() => _log.RewindTo(_log.Last.Seq + 1));
    }

    [Fact]
    public void Rewinding_leaves_the_window_whole_or_is_refused()
    {
        for (var rows = 0; rows < 2 * LobbyLog.WindowRows + 3; rows += 1009)
        {
            Fill(_log, 1009);
            var last = _log.Last.Seq;
            _log.RewindTo(last - Math.Min(LobbyLog.RewindRowsMin, last));
            Assert.NotNull(_log.HashAt(_log.Last.Seq - Math.Min(LobbyLog.WindowRows, _log.Last.Seq)));
            Fill(_log, LobbyLog.RewindRowsMin);
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => _log.RewindTo(_log.Rows[0].Seq));
        var restored = LobbyLog.Restore(
            _log.LobbyId, _log.Roster, new(_log.Rows[0].Seq, _log.Rows[0].Hash), _log.Rows.Skip(1), true, null);
        Assert.Throws<ArgumentOutOfRangeException>(() => restored.RewindTo(restored.Last.Seq - 1));
        Fill(restored, 1);
        restored.RewindTo(restored.Last.Seq - 1);
        Assert.Equal(_log.Last, restored.Last);
    }

    [Fact]
    public void Log_that_was_kept_judges_as_before()
    {
        var id = SealedMessage.NewId();
        var row = Post(_log, "alice", id);
        Take(_log, row, AliceToken);
        var start = new LogPoint(0, Transcript.Start(_log.LobbyId));

        var restored = LobbyLog.Restore(_log.LobbyId, _log.Roster, start, _log.Rows, true, null);

        Assert.Equal(_log.Last, restored.Last);
        Assert.Equal(Verdict.Replay, Judge(restored, row, AliceToken));
        Assert.Equal(Verdict.Replay, Judge(restored, Post(restored, "alice", id), AliceToken));
        Assert.Equal(Verdict.Accepted, Judge(restored, Post(_log, "alice", SealedMessage.NewId()), AliceToken));
        Assert.Throws<ArgumentException>(() =>
            LobbyLog.Restore(_log.LobbyId, _log.Roster, start, _log.Rows.Skip(1), true, null));
    }

    [Fact]
    public void Judgement_is_taken_in_where_it_was_made_and_nowhere_else()
    {
        var judgement = _log.Judge(
            SealedRow.Parse(Post(_log, "alice", SealedMessage.NewId())), AliceToken, SealingVectors.Records);
        _log.Append(judgement);

        Assert.Throws<ArgumentException>(() => _log.Append(judgement));
    }

    [Fact]
    public void Forged_rows_of_any_kind_get_a_verdict()
    {
        byte[][] rows = [.. SealingVectors.All("stream").EnumerateArray()
            .Select(row => System.Text.Encoding.UTF8.GetBytes(row.Text("row_data_utf8")))];
        foreach (var mutated in Tampering.Mutations(rows, 5_000))
        {
            var judgement = _log.Judge(SealedRow.Parse(mutated), BobToken, SealingVectors.Records);
            Assert.NotEqual(Verdict.Unjudged, judgement.Verdict);
            Assert.NotEqual(Verdict.Accepted, judgement.Verdict);
        }
    }

    static LogPoint Point(LobbyLog log, ulong seq) => new(seq, log.HashAt(seq)!.Value);

    static byte[] Post(LobbyLog log, string sender, Guid id, Seen? seen = null)
    {
        using var key = SealingVectors.Key((int)log.Roster!.Generation);
        using var content = Content.Create("""{"t":"text","text":"hello"}"""u8);
        return SealedMessage.Seal(SealingVectors.People[sender], log.Roster, key, seen ?? Seen.In(log), id, content);
    }

    static Verdict Judge(LobbyLog log, byte[] row, Guid sender) =>
        log.Judge(SealedRow.Parse(row), sender, SealingVectors.Records).Verdict;

    static void Take(LobbyLog log, byte[] row, Guid sender)
    {
        var judgement = log.Judge(SealedRow.Parse(row), sender, SealingVectors.Records);
        Assert.Equal(Verdict.Accepted, judgement.Verdict);
        log.Append(judgement);
    }

    static void Fill(LobbyLog log, int rows)
    {
        for (var count = 0; count < rows; count++)
        {
            log.AppendTombstone(AliceToken, Transcript.RowHash(BitConverter.GetBytes(log.Last.Seq)));
        }
    }
}
