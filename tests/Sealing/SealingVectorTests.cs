using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Conclave.Roster;
using Conclave.Sealing;
using Conclave.Tests.Support;

namespace Conclave.Tests.Sealing;

/// <summary>The published vectors of what needs a secret: boxes, identities, passwords, keys and messages.</summary>
public sealed class SealingVectorTests
{
    public static TheoryData<string> Negative => SealingVectors.Negative("vault", "unbox", "wrap", "link", "message");

    [Theory, MemberData(nameof(Negative))]
    public void What_must_fail_fails_as_it_must(string name)
    {
        var vector = SealingVectors.NegativeNamed(name);
        var verdict = vector.Text("op") switch
        {
            "vault" => OpenVault(vector),
            "unbox" => Unbox(vector),
            "wrap" => OpenWrap(vector),
            "link" => OpenLink(vector),
            _ => Receive(vector),
        };

        Assert.Equal(vector.Text("error"), SealingVectors.Name(verdict));
    }

    [Fact]
    public void Every_negative_vector_is_run() => Assert.Equal(
        SealingVectors.All("negative").GetArrayLength(),
        Negative.Count + Roster.RosterVectorTests.Negative.Count);

    [Fact]
    public void Padding_is_as_published()
    {
        foreach (var pair in SealingVectors.All("padme").EnumerateArray())
        {
            Assert.Equal(pair[1].GetInt32(), Padding.Padme(pair[0].GetInt32()));
        }

        foreach (var vector in SealingVectors.All("pad").EnumerateArray())
        {
            var content = vector.Bytes("P");
            var padded = new byte[Padding.PaddedBytes(content.Length)];
            content.CopyTo(padded, 0);
            Padding.Mark(padded, content.Length);
            Assert.Equal(content.Length, Padding.ContentBytes(padded));

            // No content is empty; the file gives its padded form no length.
            Assert.Equal(content.Length == 0 ? 0 : padded.Length, vector.GetProperty("length").GetInt32());
        }
    }

    [Fact]
    public void Boxes_are_made_and_opened_as_published()
    {
        foreach (var vector in SealingVectors.All("box").EnumerateArray())
        {
            var (key, box, plaintext) = (vector.Bytes("key"), vector.Bytes("box"), vector.Bytes("pt"));
            var opened = new byte[plaintext.Length];

            Assert.Equal(box, Box.Seal(key, Context(vector), vector.Bytes("N"), plaintext));
            Assert.True(Box.TryOpen(key, Context(vector), box, opened));
            Assert.Equal(plaintext, opened);
        }
    }

    [Fact]
    public void Identities_come_from_their_seeds()
    {
        foreach (var vector in SealingVectors.All("identities").EnumerateObject())
        {
            var person = SealingVectors.People[vector.Name];
            var (signSeed, sealSeed) = (new byte[32], new byte[32]);
            new LabeledTuple("identity/sign"u8).Derive(vector.Value.Bytes("seed"), signSeed);
            new LabeledTuple("identity/seal"u8).Derive(vector.Value.Bytes("seed"), sealSeed);

            Assert.Equal(vector.Value.Bytes("sign_seed"), signSeed);
            Assert.Equal(vector.Value.Bytes("seal_seed"), sealSeed);
            Assert.Equal(vector.Value.Bytes("record"), person.Record.Bytes.ToArray());
            Assert.Equal(vector.Value.Digest("fp"), person.Fingerprint);
        }

        var succession = SealingVectors.All("succession");
        Assert.Equal(
            succession.Bytes("sig"),
            SealingVectors.People[succession.Text("old")].SignSuccession(
                SealingVectors.People[succession.Text("new")].Record));
    }

    [Fact]
    public void Password_becomes_the_published_keys_and_opens_the_vault()
    {
        var vector = SealingVectors.All("password");
        var kdf = vector.GetProperty("kdf");
        Assert.Equal(
            Verdict.Accepted,
            KdfParameters.Accept(
                kdf.GetProperty("v").GetInt64(), kdf.Bytes("salt"), kdf.GetProperty("ops").GetInt64(),
                kdf.GetProperty("mem").GetInt64(), out var parameters));
        var password = Encoding.UTF8.GetString(vector.Bytes("password_utf8"));
        Assert.False(password.IsNormalized(NormalizationForm.FormC));

        using var keys = PasswordKeys.Derive(vector.Text("login"), password, parameters!);

        Assert.Equal(vector.Text("auth"), keys.Auth());
        Assert.Equal(vector.Bytes("vkey"), keys.VaultKey.Bytes.ToArray());
        var alice = SealingVectors.People["alice"];
        var seed = SealingVectors.All("identities").GetProperty("alice").Bytes("seed");
        Assert.Equal(
            vector.Bytes("vault")[1..],
            Box.Seal(keys.VaultKey.Bytes, new LabeledTuple("vault"u8), vector.Bytes("N"), seed));
        Assert.Equal(
            Verdict.Accepted,
            Identity.OpenVault("alice", keys.VaultKey, vector.Bytes("vault"), alice.Record.Bytes, out var opened));
        Assert.Equal(alice.Fingerprint, opened!.Fingerprint);
        opened.Dispose();
    }

    [Fact]
    public void Entries_are_signed_as_published()
    {
        foreach (var roster in SealingVectors.All("rosters").EnumerateObject())
        {
            var height = 0;
            foreach (var vector in roster.Value.GetProperty("entries").EnumerateArray())
            {
                var bytes = vector.Bytes("entry");
                var entry = SealingVectors.Entry(bytes);
                var author = SealingVectors.People[vector.Text("author")];

                var signed = RosterSigner.Sign(
                    author, SealingVectors.StateAt(roster.Name, height++), entry.Change);

                Assert.Equal(bytes, signed.Bytes.ToArray());
                Assert.Equal(vector.GetProperty("op").GetByte(), entry.Change.Operation);
            }
        }
    }

    [Fact]
    public void Keys_links_and_wraps_are_as_published()
    {
        var keys = SealingVectors.All("keys");
        foreach (var vector in keys.GetProperty("K").EnumerateArray())
        {
            using var key = SealingVectors.Key(vector.GetProperty("generation").GetInt32());
            Assert.Equal(vector.Digest("commit"), key.Commit);
        }

        foreach (var vector in keys.GetProperty("links").EnumerateArray())
        {
            var generation = vector.GetProperty("generation").GetInt32();
            var roster = SealingVectors.LastState(vector.Text("roster"));
            using var key = SealingVectors.Key(generation);
            using var before = SealingVectors.Key(generation - 1);
            var context = key.LinkContext(roster.LobbyId);

            Assert.Equal(vector.Bytes("link"), Box.Seal(key.Bytes, context, vector.Bytes("N"), before.Bytes));
            Assert.Equal(Verdict.Accepted, key.OpenLink(roster, out var opened));
            Assert.Equal(before.Commit, opened!.Commit);
        }

        foreach (var vector in keys.GetProperty("wraps").EnumerateArray())
        {
            CheckWrap(vector);
        }
    }

    [Fact]
    public void Messages_are_sealed_to_the_published_bytes_and_open_again()
    {
        using var keys = SealingVectors.Keys();
        var log = SealingVectors.Receiver(0);
        foreach (var vector in SealingVectors.All("stream").EnumerateArray())
        {
            var judgement = log.Judge(vector.Row(), vector.Uuid("token"), SealingVectors.Records);
            if (vector.Text("kind") == "message")
            {
                var key = keys[vector.GetProperty("generation").GetUInt64()]!;
                Assert.Equal(vector.Text("row_data_utf8"), Encoding.UTF8.GetString(Reseal(vector, log.Roster!, key)));
                Assert.Equal(Verdict.Accepted, SealedMessage.Open(judgement, key, out var content));
                Assert.Equal(vector.GetProperty("head").Text("t"), content!.Type);
                Assert.True(JsonElement.DeepEquals(
                    vector.GetProperty("head"), JsonDocument.Parse(content.Head).RootElement));
                Assert.Equal(vector.Bytes("blob"), content.Blob.ToArray());
                Assert.Equal(vector.Bytes("P"), content.Packed.ToArray());
            }

            Assert.Equal(vector.Digest("H"), log.Append(judgement).Hash);
            Assert.Equal(vector.GetProperty("height").GetUInt64(), log.Roster!.Height);
        }
    }

    [Fact]
    public void Mutated_messages_get_the_recorded_verdicts()
    {
        var number = 0;
        using var keys = SealingVectors.Keys();
        foreach (var vector in SealingVectors.All("fuzz").GetProperty("message").EnumerateArray())
        {
            var log = SealingVectors.Receiver(SealingVectors.StreamRows);
            var judgement = log.Judge(
                SealedRow.Parse(vector.Bytes("row_data")), vector.Uuid("token"), SealingVectors.Records);
            var verdict = Open(judgement, keys, out var content);
            var said = content is null
                ? VerdictCode.Of(verdict)
                : $"ok {HashOf(content)}";

            Assert.True(vector.Text("verdict") == said, $"{number}: {said} instead of {vector.Text("verdict")}");
            Assert.Equal(vector.Digest("H"), log.Append(judgement).Hash);
            number++;
        }

        Assert.Equal(300, number);
    }

    [Fact]
    public void Codes_that_people_compare_are_as_published()
    {
        var safety = SealingVectors.All("safety");
        var (one, other) = (SealingVectors.People[safety.Text("a")], SealingVectors.People[safety.Text("b")]);
        Assert.Equal(safety.Text("digits"), VerificationCode.SafetyNumber(one.Fingerprint, other.Fingerprint));
        Assert.Equal(safety.Text("reverse"), VerificationCode.SafetyNumber(other.Fingerprint, one.Fingerprint));

        var lobby = SealingVectors.All("lobby_code");
        var log = SealingVectors.Receiver(lobby.GetProperty("seq").GetInt32());
        Assert.Equal(lobby.GetProperty("height").GetUInt64(), log.Roster!.Height);
        Assert.Equal(lobby.Text("digits"), VerificationCode.LobbyCode(log.Roster, log.Last));

        var chunk = SealingVectors.All("chunk_hash");
        Assert.Equal(chunk.Digest("hash"), Content.ChunkHash(chunk.Bytes("bytes")));
    }

    // The published wrap, from the seed of its encapsulation, which no program of ours can choose.
    static void CheckWrap(JsonElement vector)
    {
        var generation = vector.GetProperty("generation").GetUInt64();
        var roster = SealingVectors.LastState(vector.Text("roster"));
        var recipient = SealingVectors.People[vector.Text("to")];
        var wrap = vector.Bytes("wrap");
        using var key = SealingVectors.Key((int)generation);
        var (ciphertext, shared) = (new byte[1120], new byte[32]);
        var libsodium = NativeLibrary.Load("libsodium", typeof(Geralt.XWing).Assembly, null);
        var encapsulate = Marshal.GetDelegateForFunctionPointer<EncapsulateFromSeed>(
            NativeLibrary.GetExport(libsodium, "crypto_kem_xwing_enc_deterministic"));
        Assert.Equal(
            0, encapsulate(ciphertext, shared, recipient.Record.SealKey.ToArray(), vector.Bytes("encap_seed")));
        var context = GenerationKey.WrapContext(
            roster.LobbyId, generation, recipient.Fingerprint, key.Commit, ciphertext);

        Assert.Equal(vector.Bytes("ss"), shared);
        Assert.Equal(wrap, [1, .. ciphertext, .. Box.Seal(shared, context, vector.Bytes("N"), key.Bytes)]);
        Assert.Equal(Verdict.Accepted, GenerationKey.OpenWrap(roster, generation, recipient, wrap, out var opened));
        Assert.Equal(key.Bytes, opened!.Bytes);
        opened.Dispose();
    }

    static byte[] Reseal(JsonElement vector, RosterState roster, GenerationKey key)
    {
        var sender = SealingVectors.People[vector.Text("sender")];
        var point = new LogPoint(vector.GetProperty("seen_seq").GetUInt64(), vector.Digest("seen_hash"));
        var header = SealedMessage.Header(roster.Head, new(point, false), new(vector.Bytes("id"), bigEndian: true));
        var content = vector.Bytes("P");
        var padded = new byte[Padding.PaddedBytes(content.Length)];
        content.CopyTo(padded, 0);
        Padding.Mark(padded, content.Length);
        var context = SealedMessage.Context(roster.LobbyId, sender.Fingerprint, header);
        return SealedMessage.Sign(
            sender, roster.LobbyId, header, Box.Seal(key.Bytes, context, vector.Bytes("N"), padded));
    }

    static Verdict OpenVault(JsonElement vector)
    {
        using var key = new VaultKey(new SecretBytes(vector.Bytes("vkey")));
        return Identity.OpenVault(
            vector.Text("login"), key, vector.Bytes("vault"), vector.Bytes("record"), out _);
    }

    static Verdict Unbox(JsonElement vector)
    {
        var box = vector.Bytes("box");
        var plaintext = Enumerable.Repeat((byte)0xaa, Math.Max(0, box.Length - Box.OverheadBytes)).ToArray();
        var isOpen = Box.TryOpen(vector.Bytes("key"), Context(vector), box, plaintext);
        Assert.True(isOpen || plaintext.All(value => value == 0));
        return isOpen ? Verdict.Accepted : Verdict.BadBox;
    }

    static Verdict OpenWrap(JsonElement vector) => GenerationKey.OpenWrap(
        SealingVectors.LastState(vector.Text("roster")),
        vector.GetProperty("generation").GetUInt64(),
        SealingVectors.People[vector.Text("to")],
        vector.Bytes("wrap"),
        out _);

    static Verdict OpenLink(JsonElement vector)
    {
        var before = SealingVectors.StateAt(vector.Text("roster"), vector.GetProperty("height").GetInt32());
        Assert.Equal(Verdict.Accepted, SealingVectors.Apply(before, vector.Bytes("entry"), out var roster));
        // Such a rotation may well commit to another key than the one tried here.
        using var key = GenerationKey.Restore(vector.GetProperty("generation").GetUInt64(), vector.Bytes("K"));
        return key.OpenLink(roster!, out _);
    }

    static Verdict Receive(JsonElement vector)
    {
        int[] tombstones = vector.TryGetProperty("tombstones", out var seqs)
            ? [.. seqs.EnumerateArray().Select(seq => seq.GetInt32())]
            : [];
        var without = vector.TryGetProperty("without_generation", out var generation) ? generation.GetInt32() : 0;
        using var keys = SealingVectors.Keys(without);
        var log = SealingVectors.Receiver(vector.GetProperty("prior").GetInt32(), tombstones);
        return Open(log.Judge(vector.Row(), vector.Uuid("token"), SealingVectors.Records), keys, out _);
    }

    static Verdict Open(Judgement judgement, KeyRing keys, out Content? content)
    {
        content = null;
        return judgement is { Verdict: Verdict.Accepted, Row.Envelope: not null, Roster: { } roster }
            ? SealedMessage.Open(judgement, keys[roster.Generation], out content)
            : judgement.Verdict;
    }

    static Digest HashOf(Content content) =>
        new LabeledTuple("test"u8).Add(Encoding.UTF8.GetBytes(content.Type)).Add(content.Blob.Span).Hash();

    static LabeledTuple Context(JsonElement vector)
    {
        var context = new LabeledTuple(Encoding.ASCII.GetBytes(vector.Text("label")));
        foreach (var field in vector.GetProperty("ctx").EnumerateArray())
        {
            context = context.Add(field.Bytes());
        }

        return context;
    }

    delegate int EncapsulateFromSeed(byte[] ciphertext, byte[] shared, byte[] publicKey, byte[] seed);
}
