using System.Text;
using Conclave.Roster;
using Conclave.Sealing;
using Conclave.Tests.Support;
using CsCheck;

namespace Conclave.Tests.Sealing;

public sealed class SealedMessageTests : IDisposable
{
    static readonly Identity Alice = SealingVectors.People["alice"];
    static readonly Guid AliceToken = SealingVectors.Token("alice");

    readonly LobbyLog _log = SealingVectors.Receiver(SealingVectors.StreamRows);
    readonly GenerationKey _key = SealingVectors.Key(4);

    public void Dispose() => _key.Dispose();

    [Fact]
    public void What_was_sealed_opens_again() =>
        Gen.Select(Gen.String, Gen.Byte.Array[0, 3000]).Sample((text, blob) =>
        {
            var head = Encoding.UTF8.GetBytes(
                $$"""{"t":"text","text":{{System.Text.Json.JsonSerializer.Serialize(text)}}}""");
            using var content = Content.Create(head, blob);
            var row = SealedMessage.Seal(
                Alice, _log.Roster!, _key, Seen.In(_log), SealedMessage.NewId(), content);
            var judgement = _log.Judge(SealedRow.Parse(row), AliceToken, SealingVectors.Records);

            Assert.Equal(Verdict.Accepted, judgement.Verdict);
            Assert.Equal(Verdict.Accepted, SealedMessage.Open(judgement, _key, out var opened));
            Assert.Equal(head, opened!.Head.ToArray());
            Assert.Equal(blob, opened.Blob.ToArray());
            opened.Dispose();
        }, iter: 100, threads: 1);

    [Fact]
    public void Row_tells_nothing_of_its_length_within_the_padding()
    {
        int[] sizes = [.. Enumerable.Range(0, 120).Select(blob =>
        {
            using var content = Content.Create("""{"t":"chunk"}"""u8, new byte[blob]);
            return SealedMessage.Seal(
                Alice, _log.Roster!, _key, Seen.In(_log), SealedMessage.NewId(), content).Length;
        }).Distinct()];

        Assert.Single(sizes);
    }

    [Fact]
    public void Message_sealed_for_another_key_is_a_mistake()
    {
        using var content = Content.Create("""{"t":"text"}"""u8);
        using var old = SealingVectors.Key(3);
        using var stranger = GenerationKey.Create(4);
        var dirty = SealingVectors.StateAt(SealingVectors.Main, 6)!;
        Assert.True(dirty.IsDirty);
        using var due = SealingVectors.Key((int)dirty.Generation);

        Assert.Throws<ArgumentException>(() => Seal(_log.Roster!, old));
        Assert.Throws<ArgumentException>(() => Seal(_log.Roster!, stranger));
        Assert.Throws<ArgumentException>(() => Seal(dirty, due));

        byte[] Seal(RosterState roster, GenerationKey key) =>
            SealedMessage.Seal(Alice, roster, key, Seen.In(_log), SealedMessage.NewId(), content);
    }

    [Fact]
    public void Only_an_accepted_message_is_opened_and_only_with_a_key_that_the_roster_knows()
    {
        var row = SealingVectors.All("stream")[19];
        var refused = _log.Judge(row.Row(), AliceToken, SealingVectors.Records);
        Assert.Equal(Verdict.Replay, refused.Verdict);
        Assert.Throws<ArgumentException>(() => SealedMessage.Open(refused, _key, out _));

        var accepted = SealingVectors.Receiver(19).Judge(row.Row(), AliceToken, SealingVectors.Records);
        using var stranger = GenerationKey.Create(4);
        using var later = GenerationKey.Create(5);
        using var earlier = SealingVectors.Key(3);
        Assert.Throws<ArgumentException>(() => SealedMessage.Open(accepted, stranger, out _));
        Assert.Throws<ArgumentException>(() => SealedMessage.Open(accepted, later, out _));
        Assert.Equal(Verdict.BadBox, SealedMessage.Open(accepted, earlier, out var content));
        Assert.Null(content);
        Assert.Equal(Verdict.NoKey, SealedMessage.Open(accepted, null, out _));
        Assert.Equal(Verdict.Accepted, SealedMessage.Open(accepted, _key, out _));
    }

    // Whoever holds the key may put anything into a box; the sender signs it all the same.
    [Fact]
    public void Whatever_a_member_puts_into_a_box_is_content_or_bad_content()
    {
        byte[][] seeds = [.. SealingVectors.All("stream").EnumerateArray()
            .Where(row => row.Text("kind") == "message").Select(row => row.Bytes("P"))];
        var opened = 0;
        foreach (var packed in Tampering.Mutations(seeds, 3_000))
        {
            byte[] padded = [.. packed, 0x80, .. new byte[300]];
            var header = SealedMessage.Header(_log.Roster!.Head, Seen.In(_log), SealedMessage.NewId());
            var context = SealedMessage.Context(_log.LobbyId, Alice.Fingerprint, header);
            var row = SealedMessage.Sign(Alice, _log.LobbyId, header, Box.Seal(_key.Bytes, context, padded));
            var judgement = _log.Judge(SealedRow.Parse(row), AliceToken, SealingVectors.Records);
            Assert.Equal(Verdict.Accepted, judgement.Verdict);

            var verdict = SealedMessage.Open(judgement, _key, out var content);

            Assert.Equal(content is null ? Verdict.BadContent : Verdict.Accepted, verdict);
            opened += content is null ? 0 : 1;
        }

        Assert.InRange(opened, 100, 2_900);
    }
}
