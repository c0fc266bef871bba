using System.Buffers.Binary;
using System.Text;
using Conclave.Client;
using Conclave.Client.Texts;
using Conclave.Sealing;
using RowVerdict = Conclave.Roster.Verdict;
using Verdict = Conclave.Sdk.Verdict;

namespace Conclave.Tests.Sdk.Sealing;

/// <summary>A member who seals what no honest program writes: half a surrogate pair, as an escape.</summary>
public sealed class HalfCharacterTests
{
    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("""{"t":"json","value":{"t":"\ud800"}}""")]
    [InlineData("""{"t":"json","value":"\ud800"}""")]
    [InlineData("""{"t":"json","value":{"t":"secret","\ud800":1}}""")]
    [InlineData("""{"t":"secret","name":"wifi","\ud800":1}""")]
    [InlineData("""{"t":"file","\ud800":1,"name":"plan","mime":"text/plain","size":0}""")]
    public async Task Half_a_character_of_one_member_keeps_nobody_from_reading_the_rest(string head)
    {
        await using var den = await PaperDen.StartAsync();
        var bob = await den.LetInAsync("bob");
        Put(den.Server, den.Lobby, head);
        await den.SayAsync("said after it");

        var read = (await bob.HistoryAsync("den", cancellationToken: Cancel)).Entries;

        Assert.Equal((Verdict.Unreadable, "bad_content"), (read[2].Verdict, read[2].Fault));
        Assert.Equal("said after it", read[3].Content!.Text);
        Assert.All(read, entry => Assert.NotEmpty(EntryReport.Line(entry, English.Language)));
        Assert.Empty(await bob.Secrets.ListAsync("den", Cancel));
        Assert.Empty(await bob.Files.ListAsync("den", Cancel));
    }

    static void Put(PaperServer server, PaperLobby den, string head)
    {
        using var mallory = Identity.FromSeed("alice", server.SeedOf("alice"));
        var wrap = den.Wraps.Single(wrap => wrap.To == mallory.Fingerprint).Wrap;
        Assert.Equal(
            RowVerdict.Accepted, GenerationKey.OpenWrap(den.Log.Roster!, 1, mallory, wrap, out var key));
        using var opened = key!;
        var id = SealedMessage.NewId();
        var header = SealedMessage.Header(den.Log.Roster!.Head, Seen.In(den.Log), id);
        var context = SealedMessage.Context(den.Id, mallory.Fingerprint, header);
        var utf8 = Encoding.UTF8.GetBytes(head);
        var length = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, utf8.Length);
        byte[] padded = [.. length, .. utf8, 0x80, .. new byte[300]];
        var row = SealedMessage.Sign(mallory, den.Id, header, Box.Seal(opened.Bytes, context, padded));
        var stored = den.Append(server.Users["alice"].Token, row, id);
        Assert.Equal((RowVerdict.Accepted, 3), (stored.Verdict, stored.Seq));
    }
}
