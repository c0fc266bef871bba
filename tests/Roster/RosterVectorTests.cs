using System.Globalization;
using System.Text;
using System.Text.Json;
using Conclave.Roster;
using Conclave.Tests.Support;

namespace Conclave.Tests.Roster;

/// <summary>
/// The published vectors of what needs no secret: encodings, records, parameters, rosters, the server's checks.
/// </summary>
public sealed class RosterVectorTests
{
    public static TheoryData<string> Negative =>
        SealingVectors.Negative("b64u", "record", "kdf", "succession", "roster", "server");

    [Theory, MemberData(nameof(Negative))]
    public void What_must_fail_fails_as_it_must(string name)
    {
        var vector = SealingVectors.NegativeNamed(name);
        var verdict = vector.Text("op") switch
        {
            "b64u" => Base64Text.TryDecode(vector.Text("in"), out _) ? Verdict.Accepted : Verdict.BadEncoding,
            "record" => IdentityRecord.Accept(vector.Text("login"), vector.Bytes("record"), out _),
            "kdf" => Kdf(vector.GetProperty("kdf")),
            "succession" => SealingVectors.People[vector.Text("old")].Record.CheckSuccession(
                SealingVectors.People[vector.Text("new")].Record, vector.Bytes("sig")),
            "roster" => SealingVectors.Apply(
                SealingVectors.StateAt(vector.Text("roster"), vector.GetProperty("height").GetInt32()),
                vector.Bytes("entry"),
                out _),
            _ => AsServer(vector),
        };

        Assert.Equal(vector.Text("error"), SealingVectors.Name(verdict));
    }

    [Fact]
    public void Tuples_are_encoded_and_hashed_as_published()
    {
        foreach (var vector in SealingVectors.All("tuple").EnumerateArray())
        {
            var tuple = new LabeledTuple(Encoding.ASCII.GetBytes(vector.Text("label")));
            foreach (var field in vector.GetProperty("fields").EnumerateArray())
            {
                tuple = tuple.Add(field.Bytes());
            }

            var (derived, derived64) = (new byte[32], new byte[64]);
            tuple.Derive(vector.Bytes("key"), derived);
            tuple.Derive(vector.Bytes("key"), derived64);
            Assert.Equal(vector.Bytes("T"), tuple.Bytes.ToArray());
            Assert.Equal(vector.Digest("H"), tuple.Hash());
            Assert.Equal(vector.Bytes("H64"), tuple.Hash64());
            Assert.Equal(vector.Bytes("D"), derived);
            Assert.Equal(vector.Bytes("D64"), derived64);
        }
    }

    [Fact]
    public void Records_of_all_people_are_accepted()
    {
        foreach (var person in SealingVectors.All("identities").EnumerateObject().Select(person => person.Value))
        {
            var verdict = IdentityRecord.Accept(person.Text("login"), person.Bytes("record"), out var record);

            Assert.Equal(Verdict.Accepted, verdict);
            Assert.Equal(person.Text("login"), record!.Login);
            Assert.Equal(person.Digest("fp"), record.Fingerprint);
            Assert.Equal(person.Bytes("sign_pk"), record.SignKey.ToArray());
            Assert.Equal(person.Bytes("seal_pk"), record.SealKey.ToArray());
            Assert.Equal(person.Bytes("record"), record.Bytes.ToArray());
        }
    }

    [Fact]
    public void Succession_is_recognised()
    {
        var vector = SealingVectors.All("succession");
        var (old, next) = (SealingVectors.People[vector.Text("old")], SealingVectors.People[vector.Text("new")]);

        Assert.Equal(Verdict.Accepted, old.Record.CheckSuccession(next.Record, vector.Bytes("sig")));
    }

    [Theory]
    [InlineData(SealingVectors.Main)]
    [InlineData(SealingVectors.FromJoin)]
    public void Roster_has_the_published_state_after_each_entry(string name)
    {
        var roster = SealingVectors.All("rosters").GetProperty(name);
        var height = 0;
        foreach (var expected in roster.GetProperty("states").EnumerateArray())
        {
            var state = SealingVectors.StateAt(name, ++height)!;
            var entry = SealingVectors.Entry(roster.GetProperty("entries")[height - 1].Bytes("entry"));
            var members = expected.GetProperty("members").EnumerateArray()
                .Select(member => (member.Digest("fp"), member.Uuid("token"), member.GetProperty("rights").GetInt32()));

            Assert.Equal(roster.Uuid("lobby_id"), state.LobbyId);
            Assert.Equal(roster.GetProperty("history").GetInt32(), (int)state.History);
            Assert.Equal(expected.GetProperty("height").GetUInt64(), state.Height);
            Assert.Equal(expected.Digest("head"), state.Head);
            Assert.Equal(state.Head, entry.Hash);
            Assert.Equal(expected.GetProperty("generation").GetUInt64(), state.Generation);
            Assert.Equal(expected.GetProperty("dirty").GetBoolean(), state.IsDirty);
            Assert.Equal(expected.Text("name"), state.Name);
            Assert.Equal(
                members.Order(),
                state.Members.Select(member => (member.Key, member.Value.Token, (int)member.Value.Rights)).Order());
            Assert.All(state.Members, member => Assert.Equal(member.Value, state.MemberBy(member.Value.Token)));
        }

        Assert.True(SealedLobbyId.IsSealed(roster.Uuid("lobby_id")));
    }

    [Fact]
    public void Transcript_has_the_published_value_at_each_row()
    {
        var lobbyId = SealingVectors.All("transcript").Uuid("lobby_id");
        var hash = Transcript.Start(lobbyId);
        Assert.Equal(SealingVectors.All("transcript").Digest("H0"), hash);
        var log = SealingVectors.Receiver(SealingVectors.StreamRows);

        foreach (var row in SealingVectors.All("stream").EnumerateArray())
        {
            var seq = row.GetProperty("seq").GetUInt64();
            hash = Transcript.Next(hash, seq, row.Uuid("token"), row.Digest("row_hash"));
            Assert.Equal(row.Digest("row_hash"), row.Row().Hash);
            Assert.Equal(row.Digest("H"), hash);
            Assert.Equal(hash, log.HashAt(seq));
        }
    }

    [Fact]
    public void Message_may_have_seen_the_log_4096_rows_ago_and_no_longer()
    {
        var window = SealingVectors.All("window");
        var log = SealingVectors.Receiver(window.GetProperty("prior").GetInt32());
        var token = window.Uuid("token");
        for (var count = 1; count <= window.GetProperty("tombstones").GetInt32(); count++)
        {
            log.AppendTombstone(token, window.Digest("row_hash"));
        }

        Assert.Equal(window.Digest("H"), log.Last.Hash);
        Assert.Equal(Verdict.Accepted, Judge("seen_19_utf8"));
        Assert.Equal(Verdict.Accepted, Judge("seen_20_utf8"));
        log.AppendTombstone(token, window.Digest("row_hash"));
        Assert.Equal(Verdict.StaleTranscript, Judge("seen_19_utf8"));
        Assert.Equal(Verdict.Accepted, Judge("seen_20_utf8"));
        log.AppendTombstone(token, window.Digest("row_hash"));
        Assert.Equal(Verdict.StaleTranscript, Judge("seen_20_utf8"));

        Verdict Judge(string name) => log.Judge(window.Row(name), token, SealingVectors.Records).Verdict;
    }

    [Fact]
    public void Server_accepts_a_message_and_knows_it_again_after_the_roster_has_changed()
    {
        var vector = SealingVectors.All("server_accepts");
        var (row, token) = (vector.Row(), vector.Uuid("token"));
        Assert.Equal(vector.Uuid("nonce"), row.Envelope!.Id);
        var log = SealingVectors.Receiver(vector.GetProperty("prior").GetInt32());
        var judgement = log.Judge(row, token, SealingVectors.Records);
        Assert.Equal(Verdict.Accepted, judgement.Verdict);

        var kept = log.Append(judgement);

        Assert.Equal(vector.GetProperty("seq").GetUInt64(), kept.Seq);
        Assert.Equal(vector.Digest("hash"), kept.Hash);
        Assert.Equal(new MessageKey(SealingVectors.People["alice"].Fingerprint, row.Envelope.Id), kept.Message);
    }

    [Fact]
    public void Lobby_has_room_for_500_members()
    {
        var vector = SealingVectors.All("limit");
        var (state, identities) = FullLobby.Make();

        Assert.Equal(vector.Digest("head"), state.Head);
        Assert.Equal(vector.GetProperty("height").GetUInt64(), state.Height);
        Assert.Equal(RosterState.MembersMax, state.Members.Count);
        var verdict = RosterState.Apply(state, SealingVectors.Entry(vector.Bytes("entry")), identities, out _);
        Assert.Equal(vector.Text("error"), SealingVectors.Name(verdict));
    }

    [Fact]
    public void Mutated_entries_get_the_recorded_verdicts()
    {
        var number = 0;
        foreach (var vector in SealingVectors.All("fuzz").GetProperty("roster").EnumerateArray())
        {
            var state = SealingVectors.StateAt(SealingVectors.Main, vector.GetProperty("height").GetInt32());
            var verdict = SealingVectors.Apply(state, vector.Bytes("entry"), out var next);
            var said = next is null ? VerdictCode.Of(verdict) : $"ok {next.Head}";

            Assert.True(vector.Text("verdict") == said, $"{number}: {said} instead of {vector.Text("verdict")}");
            number++;
        }

        Assert.Equal(500, number);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Long_walk_has_the_recorded_verdict_and_state_at_each_step(int index)
    {
        var walk = SealingVectors.All("fuzz").GetProperty("walks")[index];
        Assert.Equal(Verdict.Accepted, SealingVectors.Apply(null, walk.Bytes("root"), out var state));
        Assert.Equal(walk.Text("policy") == "all" ? History.All : History.FromJoin, state!.History);
        var number = 0;
        foreach (var step in walk.GetProperty("steps").EnumerateArray())
        {
            var verdict = SealingVectors.Apply(state, step.Bytes("entry"), out var next);
            state = next ?? state;
            var said = next is null ? VerdictCode.Of(verdict) : "ok";

            Assert.True(step.Text("verdict") == said, $"{number}: {said} instead of {step.Text("verdict")}");
            Assert.Equal(step.Text("state"), Describe(state));
            number++;
        }

        Assert.Equal(300, number);
    }

    static string Describe(RosterState state)
    {
        var members = state.Members.Values
            .Select(member => $"{member.Identity.Fingerprint.ToString()[..8]}{(int)member.Rights}")
            .Order(StringComparer.Ordinal);
        var dirty = state.IsDirty ? "true" : "false";
        var name = Base64Text.Encode(Encoding.UTF8.GetBytes(state.Name));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{state.Height} {state.Head} {state.Generation} {dirty} {name} {string.Join(',', members)}");
    }

    static Verdict Kdf(JsonElement kdf) => KdfParameters.Accept(
        kdf.GetProperty("v").GetInt64(),
        kdf.Bytes("salt"),
        kdf.GetProperty("ops").GetInt64(),
        kdf.GetProperty("mem").GetInt64(),
        out _);

    // Check 2 is the server's: the nonce is the id.
    static Verdict AsServer(JsonElement vector)
    {
        var log = SealingVectors.Receiver(vector.GetProperty("prior").GetInt32());
        var row = vector.Row();
        return row.Envelope is not null && row.Envelope.Id != vector.Uuid("nonce")
            ? Verdict.BadEnvelope
            : log.Judge(row, vector.Uuid("token"), SealingVectors.Records).Verdict;
    }
}
