using Conclave.Roster;
using Conclave.Sealing;
using Conclave.Tests.Support;

namespace Conclave.Tests.Roster;

public sealed class RosterEntryTests
{
    static readonly Verdict[] Errors =
    [
        Verdict.BadEntry, Verdict.WrongLobby, Verdict.RosterConflict, Verdict.NotAMember, Verdict.BadIdentity,
        Verdict.BadSignature, Verdict.Forbidden, Verdict.AlreadyMember, Verdict.LastAdmin, Verdict.Limit,
    ];

    static readonly byte[][] Entries = [.. SealingVectors.All("rosters").EnumerateObject()
        .SelectMany(roster => roster.Value.GetProperty("entries").EnumerateArray())
        .Select(entry => entry.Bytes("entry"))];

    [Fact]
    public void Entry_with_any_byte_altered_is_refused_by_name()
    {
        var height = 0;
        foreach (var entry in SealingVectors.All("rosters").GetProperty("main").GetProperty("entries").EnumerateArray())
        {
            var state = SealingVectors.StateAt(SealingVectors.Main, height++);
            foreach (var altered in Tampering.Of(entry.Bytes("entry")))
            {
                var verdict = SealingVectors.Apply(state, altered, out var next);
                Assert.Contains(verdict, Errors);
                Assert.Null(next);
            }
        }
    }

    [Fact]
    public void Whatever_parses_is_the_one_encoding_of_what_it_says()
    {
        var parsed = 0;
        foreach (var bytes in Tampering.Mutations(Entries, 20_000))
        {
            var verdict = RosterEntry.Parse(bytes, out var entry);
            if (entry is null)
            {
                Assert.Equal(Verdict.BadEntry, verdict);
                continue;
            }

            parsed++;
            Assert.Equal(Verdict.Accepted, verdict);
            Assert.Equal(bytes[..^64], Encode(entry));
        }

        Assert.InRange(parsed, 1_000, 19_000);
    }

    [Fact]
    public void Applying_what_parses_gives_a_verdict_whatever_it_says()
    {
        foreach (var bytes in Tampering.Mutations(Entries, 5_000))
        {
            for (var height = 0; height < 12; height += 4)
            {
                var verdict = SealingVectors.Apply(
                    SealingVectors.StateAt(SealingVectors.Main, height), bytes, out var next);
                Assert.Contains(verdict, next is null ? Errors : [Verdict.Accepted]);
            }
        }
    }

    [Fact]
    public void Label_of_another_purpose_is_no_entry()
    {
        var bytes = Entries[1].ToArray();
        var label = bytes.AsSpan().IndexOf("roster"u8);
        "retsor"u8.CopyTo(bytes.AsSpan(label));

        Assert.Equal(Verdict.BadEntry, RosterEntry.Parse(bytes, out _));
    }

    [Fact]
    public void Lobby_is_created_once()
    {
        var other = SealingVectors.All("rosters").GetProperty(SealingVectors.FromJoin).GetProperty("entries")[0];

        Assert.Equal(
            Verdict.BadEntry,
            SealingVectors.Apply(SealingVectors.StateAt(SealingVectors.Main, 1), other.Bytes("entry"), out _));
    }

    [Fact]
    public void Nobody_is_succeeded_by_one_whose_record_is_not_at_hand()
    {
        var state = SealingVectors.StateAt(SealingVectors.Main, 5)!;
        var entry = RosterSigner.Sign(
            SealingVectors.People["alice"], state, new RosterChange.Succeed(Transcript.RowHash("nobody"u8)));

        Assert.Equal(Verdict.BadIdentity, RosterState.Apply(state, entry, SealingVectors.Records, out _));
    }

    [Fact]
    public void Signature_is_checked_against_the_one_who_is_asked_about()
    {
        var entry = SealingVectors.Entry(Entries[0]);

        Assert.True(entry.IsSignedBy(SealingVectors.People["alice"].Record));
        Assert.False(entry.IsSignedBy(SealingVectors.People["mallory"].Record));
        Assert.True(entry.IsSignedBy(SealingVectors.People["alice"].Record));
    }

    [Fact]
    public void Signer_signs_no_entry_that_cannot_be_one()
    {
        var alice = SealingVectors.People["alice"];
        var state = SealingVectors.StateAt(SealingVectors.Main, 5)!;
        RosterChange[] wrong =
        [
            new RosterChange.Rename(""),
            new RosterChange.Rename(new string('x', 256)),
            new RosterChange.Rename("\ud800"),
            new RosterChange.SetRights(alice.Fingerprint, MemberRights.Write),
            new RosterChange.SetRights(alice.Fingerprint, (MemberRights)17),
            new RosterChange.Rotate(2, default, new byte[103]),
            new RosterChange.Create(Guid.Empty, History.All, default, "again"),
        ];

        Assert.All(wrong, change =>
            Assert.Throws<ArgumentException>(() => RosterSigner.Sign(alice, state, change)));
        Assert.Throws<ArgumentException>(() => RosterSigner.Sign(alice, null, new RosterChange.Rename("early")));
        Assert.Throws<ArgumentException>(() =>
            RosterSigner.Sign(alice, null, new RosterChange.Create(Guid.Empty, (History)2, default, "attic")));
    }

    static byte[] Encode(RosterEntry entry)
    {
        var body = new LabeledTuple("roster"u8);
        body = entry.LobbyId is { } lobby ? body.Add(lobby) : body.Add([]);
        body = body.AddNumber(entry.Height);
        body = entry.LobbyId is null ? body.Add([]) : body.Add(entry.Previous);
        return entry.Change.AddTo(body.Add(entry.Author).AddByte(entry.Change.Operation)).Bytes.ToArray();
    }
}
