using System.Globalization;
using System.Text;
using System.Text.Json;
using Conclave.Client;
using CsCheck;

namespace Conclave.Tests.Client;

public sealed class SafeTextTests
{
    // What an attacker would send: a right-to-left override, an escape sequence, the one-character CSI, a joiner.
    static readonly string[] Harmful = ["\u202e", "\u001b[2J", "\u009b", "\u200d", "\u2028", "\ufeff", "\0", "\u0007"];

    static readonly string[] Ordinary = ["\n", "\r\n", "\t", "\ud800", "\udc00", "ж", "😀"];

    static readonly Gen<string> Texts =
        Gen.OneOf(
            Gen.String, Gen.OneOf(Harmful.Select(Gen.Const).ToArray()),
            Gen.OneOf(Ordinary.Select(Gen.Const).ToArray()))
            .Array[0, 8].Select(parts => string.Concat(parts));

    [Theory]
    [InlineData("plain 'text' \\ [red]", "plain 'text' \\ [red]")]
    [InlineData("Новый пароль 😀", "Новый пароль 😀")]
    [InlineData("a\u202eb", @"a\u{202e}b")]
    [InlineData("\u001b[31mred", @"\u{1b}[31mred")]
    [InlineData("two\nlines", @"two\u{a}lines")]
    [InlineData("\U000e0041", @"\u{e0041}")]
    public void Harmful_characters_are_spelled_out(string text, string shown) =>
        Assert.Equal(shown, SafeText.OneLine(text));

    [Fact]
    public void Half_a_character_is_spelled_out() =>
        Assert.Equal(@"half \u{d83d} here", SafeText.OneLine("half \ud83d here"));

    [Fact]
    public void No_text_brings_a_harmful_character_to_one_line() =>
        Texts.Sample(text => AssertHarmless(SafeText.OneLine(text)), iter: 2000);

    [Fact]
    public void Every_line_of_a_body_stands_behind_the_margin()
    {
        Texts.Sample(text =>
        {
            var lines = SafeText.Body(text).Split('\n');
            Assert.All(lines, AssertHarmless);
            // Otherwise a message could imitate an entry of somebody else by its second line.
            Assert.All(lines.Skip(1), line => Assert.StartsWith(SafeText.Margin, line, StringComparison.Ordinal));
            Assert.True(lines.Length == 1 || lines[0].Length == 0);
        }, iter: 2000);
    }

    [Fact]
    public void Json_for_a_terminal_means_the_same_and_is_harmless()
    {
        Texts.Sample(text =>
        {
            var wellFormed = string.Concat(text.EnumerateRunes());
            var json = "{\r\n\t\"a\":\t" + Raw(wellFormed) + "\n}";
            var shown = SafeText.Json(json, escape: true);
            AssertHarmless(shown);
            Assert.Equal(wellFormed, JsonDocument.Parse(shown).RootElement.GetProperty("a").GetString());
        }, iter: 2000);
    }

    [Fact]
    public void Json_for_a_pipe_keeps_every_byte_but_line_breaks() =>
        Assert.Equal(
            "{  \"a\":1.0e0, \"a\":\"\u202e\"}",
            SafeText.Json("{\r\n\"a\":1.0e0,\n\"a\":\"\u202e\"}", escape: false));

    static void AssertHarmless(string line)
    {
        foreach (var rune in line.EnumerateRunes())
        {
            Assert.True(
                Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format
                    or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator),
                $"U+{rune.Value:X4}");
        }
    }

    // As JSON allows it: only the quote, the backslash and what is below a blank need an escape.
    static string Raw(string text)
    {
        var json = new StringBuilder("\"");
        foreach (var character in text)
        {
            if (character is '"' or '\\' or < ' ')
                json.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
            else
                json.Append(character);
        }
        return json.Append('"').ToString();
    }
}
