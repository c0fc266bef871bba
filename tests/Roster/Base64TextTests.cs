using System.Text;
using Conclave.Roster;
using CsCheck;

namespace Conclave.Tests.Roster;

public sealed class Base64TextTests
{
    const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    [Fact]
    public void Bytes_come_back_as_they_were() => Gen.Byte.Array[0, 200].Sample(bytes =>
        Base64Text.TryDecode(Base64Text.Encode(bytes), out var decoded) && decoded.AsSpan().SequenceEqual(bytes));

    [Fact]
    public void Each_text_is_the_only_spelling_of_its_bytes() =>
        Gen.String[Gen.Char[Alphabet + Alphabet + "=+/ \n.\u0410é%\0"], 0, 9].Sample(text =>
            Base64Text.TryDecode(text, out var bytes)
                ? string.Equals(Base64Text.Encode(bytes), text, StringComparison.Ordinal)
                : bytes is null);

    [Fact]
    public void Text_and_its_utf8_are_read_alike() => Gen.String[Gen.Char["AQgw-_=+é"], 0, 9].Sample(text =>
        Base64Text.TryDecode(text, out _) == Base64Text.TryDecode(Encoding.UTF8.GetBytes(text), out _));

    [Theory]
    [InlineData("")]
    [InlineData("AA")]
    [InlineData("-_-_")]
    public void Text_without_padding_is_read(string text) => Assert.True(Base64Text.TryDecode(text, out _));
}
