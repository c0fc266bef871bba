using System.Text;
using Conclave.Roster;
using Conclave.Sealing;
using Conclave.Tests.Support;

namespace Conclave.Tests.Sealing;

public sealed class ContentTypeTests
{
    static readonly DateTimeOffset Noon = new(2026, 9, 21, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Text_comes_back_and_may_say_when()
    {
        using var content = new TextContent("привет").ToContent(Noon);
        using var wave = new TextContent("👋").ToContent();

        Assert.Equal("""{"t":"text","text":"привет","at":1789992000000}""", Head(content));
        Assert.True(TextContent.TryRead(content, out var text));
        Assert.Equal("привет", text.Text);
        Assert.True(TextContent.TryRead(wave, out text));
        Assert.Equal("👋", text.Text);
    }

    [Fact]
    public void Secret_comes_back_as_it_was()
    {
        using var value = SecretContent.Of("db", "pa$$", 7).ToContent();
        using var fields = SecretContent.Of("card", new Dictionary<string, string> { ["pin"] = "1234" }).ToContent();
        using var gone = SecretContent.Gone("db", 9).ToContent();

        Assert.Equal("""{"t":"secret","name":"db","value":"pa$$","prev":7}""", Head(value));
        Assert.Equal("""{"t":"secret","name":"card","fields":{"pin":"1234"}}""", Head(fields));
        Assert.Equal("""{"t":"secret","name":"db","prev":9,"gone":true}""", Head(gone));
        Assert.True(SecretContent.TryRead(value, out var secret));
        Assert.Equal(("db", "pa$$", null, 7UL, false), (
            secret.Name, secret.Value, secret.Fields, secret.Previous, secret.IsGone));
        Assert.True(SecretContent.TryRead(fields, out secret));
        Assert.Equal("1234", secret.Fields!["pin"]);
        Assert.Null(secret.Value);
        Assert.Null(secret.Previous);
        Assert.True(SecretContent.TryRead(gone, out secret));
        Assert.True(secret.IsGone);
    }

    [Fact]
    public void File_is_the_blob_or_its_chunks()
    {
        byte[] bytes = [1, 2, 3];
        var piece = new FileChunk(Guid.NewGuid(), Content.ChunkHash(bytes));
        using var chunk = FileContent.Chunk(bytes);
        using var whole = new FileContent("notes.txt", "text/plain", 3, null).ToContent(bytes);
        using var chunked = new FileContent("big.iso", "application/octet-stream", 3, [piece]).ToContent([]);

        Assert.Equal(("chunk", """{"t":"chunk"}"""), (chunk.Type, Head(chunk)));
        Assert.Equal(bytes, chunk.Blob.ToArray());
        Assert.True(FileContent.TryRead(whole, out var file));
        Assert.Equal(("notes.txt", "text/plain", 3UL, null), (file.Name, file.Mime, file.Size, file.Chunks));
        Assert.Equal(bytes, whole.Blob.ToArray());
        Assert.True(FileContent.TryRead(chunked, out file));
        Assert.Equal([piece], file.Chunks!);
        Assert.Throws<ArgumentException>(() => new FileContent("notes.txt", "text/plain", 4, null).ToContent(bytes));
        Assert.Throws<ArgumentException>(() => FileContent.Chunk(new byte[FileContent.ChunkBytes + 1]));
    }

    [Fact]
    public void Index_names_the_newest_versions()
    {
        var index = new IndexContent(
            512, new Dictionary<string, ulong> { ["db"] = 7 }, new Dictionary<string, ulong> { ["notes.txt"] = 300 });
        using var content = index.ToContent();

        Assert.Equal("""{"t":"index","through":512,"secrets":{"db":7},"files":{"notes.txt":300}}""", Head(content));
        Assert.True(IndexContent.TryRead(content, out var read));
        Assert.Equal(512UL, read.Through);
        Assert.Equal(index.Secrets, read.Secrets);
        Assert.Equal(index.Files, read.Files);
    }

    [Fact]
    public void Published_contents_are_read()
    {
        using var keys = SealingVectors.Keys();
        var log = SealingVectors.Receiver(0);
        var read = 0;
        foreach (var row in SealingVectors.All("stream").EnumerateArray())
        {
            var judgement = log.Judge(row.Row(), row.Uuid("token"), SealingVectors.Records);
            if (judgement.Row.Envelope is not null)
            {
                Assert.Equal(
                    Verdict.Accepted, SealedMessage.Open(judgement, keys[log.Roster!.Generation], out var content));
                read += content!.Type switch
                {
                    "text" when TextContent.TryRead(content, out _) => 1,
                    "secret" when SecretContent.TryRead(content, out _) => 1,
                    "file" when FileContent.TryRead(content, out _) => 1,
                    "index" when IndexContent.TryRead(content, out _) => 1,
                    "chunk" => 1,
                    _ => 0,
                };
            }

            log.Append(judgement);
        }

        Assert.Equal(8, read);
    }

    [Theory]
    [InlineData("""{"t":"text"}""")]
    [InlineData("""{"t":"text","text":1}""")]
    [InlineData("""{"t":"secret","value":"x"}""")]
    [InlineData("""{"t":"secret","name":"x"}""")]
    [InlineData("""{"t":"secret","name":"x","value":1}""")]
    [InlineData("""{"t":"secret","name":"x","fields":{"a":1}}""")]
    [InlineData("""{"t":"secret","name":"x","value":"y","prev":-1}""")]
    [InlineData("""{"t":"secret","name":"x","value":"y","prev":9007199254740992}""")]
    [InlineData("""{"t":"file","name":"x","mime":"y","size":1}""")]
    [InlineData("""{"t":"file","name":"x","mime":"y","size":"0"}""")]
    [InlineData("""{"t":"file","name":"x","mime":"y","size":1,"chunks":[{"id":"AA","hash":"AA"}]}""")]
    [InlineData("""{"t":"file","name":"x","mime":"y","size":1,"chunks":[1]}""")]
    [InlineData("""{"t":"file","name":"x","mime":"y","size":1,"chunks":{}}""")]
    [InlineData("""{"t":"index","through":1,"secrets":{}}""")]
    [InlineData("""{"t":"index","through":1.5,"secrets":{},"files":{}}""")]
    [InlineData("""{"t":"index","through":1,"secrets":{"a":"1"},"files":{}}""")]
    [InlineData("""{"t":"poll"}""")]
    public void What_is_not_as_it_must_be_is_not_read(string head)
    {
        using var content = Content.Create(Encoding.UTF8.GetBytes(head));

        Assert.False(TextContent.TryRead(content, out _));
        Assert.False(SecretContent.TryRead(content, out _));
        Assert.False(FileContent.TryRead(content, out _));
        Assert.False(IndexContent.TryRead(content, out _));
    }

    [Fact]
    public void Contents_print_nothing()
    {
        object[] contents =
        [
            new TextContent("seen by nobody"), SecretContent.Of("db", "pa$$"),
            new FileContent("salaries.xlsx", "x", 0, null),
            new IndexContent(0, new Dictionary<string, ulong>(), new Dictionary<string, ulong>()),
        ];

        Assert.All(contents, content => Assert.Equal(content.GetType().Name, content.ToString()));
    }

    static string Head(Content content) => Encoding.UTF8.GetString(content.Head.Span);
}
