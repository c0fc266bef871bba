using System.Text;
using Conclave.Sealing;

namespace Conclave.Tests.Sealing;

public sealed class ContentTests
{
    public static TheoryData<string> Wrong =>
    [
        "", " ", "[]", "\"t\"", "null", "{}", "{\"t\":1}", "{\"t\":null}", "{\"T\":\"text\"}", "{\"t\":\"text\"",
        "{\"t\":\"text\",}", "{\"t\":\"text\"}x", "{\"t\":\"text\"}{}", "\ufeff{\"t\":\"text\"}", "{'t':'text'}",
        "{\"t\":\"text\"/**/}", "{\"t\":\"text\",\"n\":01}", "{\"t\":\"text\",\"n\":NaN}", "{\"t\":\"\\ud800\"}",
        "{\"t\":\"text\",\"text\":\"\\udc00\"}", "{\"t\":\"json\",\"value\":{\"t\":\"\\ud800\"}}",
        "{\"t\":\"json\",\"value\":[\"\\ud83dx\\ude00\"]}", "{\"t\":\"json\",\"\\ud800\":1}",
        "{\"t\":\"a\",\"t\":1}", "{\"t\":\"\n\"}",
        "{\"t\":\"text\",\"a\":" + new string('[', 64) + new string(']', 64) + "}",
        "{\"t\":\"" + new string('x', Content.HeadBytesMax) + "\"}",
    ];

    [Theory, MemberData(nameof(Wrong))]
    public void What_readers_would_refuse_is_not_made(string head) =>
        Assert.Throws<ArgumentException>(() => Content.Create(Encoding.UTF8.GetBytes(head)));

    [Fact]
    public void Head_that_is_not_utf8_is_not_made()
    {
        Assert.Throws<ArgumentException>(() => Content.Create([.. "{\"t\":\""u8, 0xc3, .. "\"}"u8]));
        Assert.Throws<ArgumentException>(() => Content.Create([.. "{\"t\":\"text\",\"a\":\""u8, 0xc3, .. "\"}"u8]));
        Assert.Throws<ArgumentException>(() => Content.Create([.. "{\"t\":\"text\",\""u8, 0xc0, 0x80, .. "\":1}"u8]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(4)]
    public void Content_without_a_head_is_none(int size)
    {
        var padded = new byte[256];
        padded[size] = 0x80;
        Assert.Null(Content.Unpad(padded));
        Assert.Equal(new byte[256], padded);
    }

    [Theory]
    [InlineData("""{"t":"text"}""", "text")]
    [InlineData(" {\n\"t\" : \"text\" } ", "text")]
    [InlineData("""{"t":1,"t":"file"}""", "file")]
    [InlineData("""{"a":{"t":"secret"},"t":"unheard of"}""", "unheard of")]
    [InlineData("""{"\u0074":"text"}""", "text")]
    [InlineData("""{"t":""}""", "")]
    [InlineData("""{"t":"text","text":"\ud83d\ude00 \\ud800 \n"}""", "text")]
    public void Type_is_the_last_t_of_the_head(string head, string type)
    {
        using var content = Content.Create(Encoding.UTF8.GetBytes(head), [1, 2, 3]);

        Assert.Equal(type, content.Type);
        Assert.Equal(head, Encoding.UTF8.GetString(content.Head.Span));
        Assert.Equal([1, 2, 3], content.Blob.ToArray());
    }

    [Fact]
    public void Head_may_be_64_levels_deep()
    {
        var head = "{\"t\":\"text\",\"a\":" + new string('[', 63) + new string(']', 63) + "}";
        using var content = Content.Create(Encoding.UTF8.GetBytes(head));
        Assert.Equal("text", content.Type);
    }

    [Fact]
    public void Head_may_have_64_KiB()
    {
        var head = "{\"t\":\"" + new string('x', Content.HeadBytesMax - 8) + "\"}";
        using var content = Content.Create(Encoding.UTF8.GetBytes(head));
        Assert.Equal(Content.HeadBytesMax, content.Head.Length);
    }
}
