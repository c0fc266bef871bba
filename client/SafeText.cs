using System.Globalization;
using System.Text;

namespace Conclave.Client;

/// <summary>
/// What others wrote, made safe to show: a message must not move the cursor, recolour the screen, reverse the reading
/// order or hide inside an invisible character. Whatever could is spelled out as <c>\u{202e}</c>.
/// </summary>
static class SafeText
{
    /// <summary>Stands before each line of a text of several lines, so that none can pass for a line of ours.</summary>
    public const string Margin = "    | ";

    const string Tab = "    ";

    /// <summary><paramref name="text"/> on one line: line breaks are spelled out too.</summary>
    public static string OneLine(string text)
    {
        if (IsPlain(text))
            return text;
        var safe = new StringBuilder(text.Length + 16);
        for (var index = 0; index < text.Length;)
        {
            var found = Rune.TryGetRuneAt(text, index, out var rune);
            // A surrogate without its partner is no character at all; terminals disagree on what to do with it.
            if (!found)
                safe.Append(CultureInfo.InvariantCulture, $"\\u{{{(int)text[index]:x}}}");
            else if (IsHarmful(rune))
                safe.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:x}}}");
            else
                safe.Append(rune);
            index += found ? rune.Utf16SequenceLength : 1;
        }
        return safe.ToString();
    }

    /// <summary>
    /// <paramref name="text"/> for people: on one line if it is one, otherwise every line on its own behind the
    /// <see cref="Margin"/>, beginning on a new line.
    /// </summary>
    public static string Body(string text)
    {
        var lines = text.Replace("\r\n", "\n", StringComparison.Ordinal)
            .Replace("\t", Tab, StringComparison.Ordinal)
            .Split('\n');
        return lines.Length == 1
            ? OneLine(lines[0])
            : string.Concat(lines.Select(line => "\n" + Margin + OneLine(line)));
    }

    /// <summary>
    /// <paramref name="json"/> with the same meaning on one line. Line breaks can only be white space in JSON, and
    /// harmful characters only stand inside its strings, where an escape says the same.
    /// </summary>
    /// <param name="json">One JSON value.</param>
    /// <param name="escape">Whether a terminal reads it: then harmful characters are escaped.</param>
    public static string Json(string json, bool escape)
    {
        var line = json.Replace('\n', ' ').Replace('\r', ' ');
        if (!escape || IsPlain(line))
            return line;
        var safe = new StringBuilder(line.Length + 16);
        foreach (var rune in line.EnumerateRunes())
        {
            // A tab may also stand between two values, where an escape would be an error; a space says the same there.
            if (rune.Value == '\t')
                safe.Append(' ');
            else if (!IsHarmful(rune))
                safe.Append(rune);
            else
                AppendUtf16(safe, rune);
        }
        return safe.ToString();
    }

    static void AppendUtf16(StringBuilder safe, Rune rune)
    {
        Span<char> units = stackalloc char[2];
        foreach (var unit in units[..rune.EncodeToUtf16(units)])
            safe.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:x4}");
    }

    static bool IsPlain(string text)
    {
        foreach (var character in text)
        {
            if (character is < ' ' or >= '\u007f')
                return false;
        }
        return true;
    }

    // Format characters are those of the bidi algorithm, joiners, tags and other invisible ones.
    static bool IsHarmful(Rune rune) => Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control
        or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
}
