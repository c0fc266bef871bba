namespace Conclave.Protocol;

/// <summary>Finds what JSON lets one write and UTF-8 has no bytes for.</summary>
static class Surrogates
{
    /// <summary>Whether the text inside a JSON string has a half of a surrogate pair.</summary>
    /// <param name="escaped">The text as it is written, without the quotes.</param>
    // The bytes are valid UTF-8, which has no surrogates: they can only come as \uD800 to \uDFFF, and a pair only as
    // two escapes side by side.
    public static bool HasLoneEscape(ReadOnlySpan<byte> escaped)
    {
        for (var index = escaped.IndexOf((byte)'\\'); index >= 0 && index < escaped.Length; index++)
        {
            if (escaped[index] != (byte)'\\')
                continue;
            if (escaped[++index] != (byte)'u')
                continue;
            var unit = HexOf(escaped.Slice(index + 1, 4));
            index += 4;
            if (unit is < 0xD800 or > 0xDFFF)
                continue;
            var isPair = unit < 0xDC00 && escaped.Length - index > 6 && escaped[index + 1] == (byte)'\\'
                && escaped[index + 2] == (byte)'u' && HexOf(escaped.Slice(index + 3, 4)) is >= 0xDC00 and <= 0xDFFF;
            if (!isPair)
                return true;
            index += 6;
        }
        return false;
    }

    static int HexOf(ReadOnlySpan<byte> digits) =>
        int.Parse(digits, System.Globalization.NumberStyles.AllowHexSpecifier, null);
}
