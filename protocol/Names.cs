using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Conclave.Protocol;

/// <summary>The rules for logins and passwords (docs/protocol.md, section 3).</summary>
public static class Login
{
    /// <summary>In characters, all of them ASCII.</summary>
    public const int LengthMax = 64;

    /// <summary>In bytes of UTF-8.</summary>
    public const int PasswordBytesMin = 8;

    /// <summary>In bytes of UTF-8.</summary>
    public const int PasswordBytesMax = 1024;

    /// <summary>The canonical (lower case) form of <paramref name="text"/>, or null if it is no login.</summary>
    public static string? Canonical(string text)
    {
        if (text.Length is 0 or > LengthMax)
            return null;
        foreach (var character in text)
        {
            if (!char.IsAsciiLetterOrDigit(character) && character is not ('.' or '_' or '-'))
                return null;
        }
        return text.ToLowerInvariant();
    }
}

/// <summary>The one form in which a UUID is taken from a request.</summary>
public static class Uuid
{
    const int TextLength = 36;

    /// <summary>
    /// Takes exactly 8-4-4-4-12 hexadecimal digits of either case, as Utf8Parser does. Guid's own parser also takes
    /// blanks around them, and "0x" or "+" inside.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> utf8, out Guid uuid)
    {
        uuid = default;
        return utf8.Length == TextLength && Utf8Parser.TryParse(utf8, out uuid, out var count, 'D')
            && count == TextLength;
    }
}

/// <summary>The rules for names of lobbies (docs/protocol.md, section 3).</summary>
public static class LobbyName
{
    /// <summary>In characters (Unicode scalar values) of the NFC form.</summary>
    public const int LengthMax = 128;

    /// <summary>In bytes of UTF-8 of the NFC form.</summary>
    public const int BytesMax = 255;

    /// <summary>The NFC form of <paramref name="text"/>, or null if it is no name for a lobby.</summary>
    public static string? Canonical(string text)
    {
        // Far beyond what NFC can shrink: refuse before normalising a megabyte. U+FFFE is no character, and .NET
        // throws rather than normalise it.
        if (text.Length is 0 or > 4 * BytesMax || text.Contains('\uFFFE', StringComparison.Ordinal)
            || !IsWellFormed(text))
            return null;
        var name = text.Normalize(NormalizationForm.FormC);
        if (Encoding.UTF8.GetByteCount(name) > BytesMax || char.IsWhiteSpace(name[0]) || char.IsWhiteSpace(name[^1]))
            return null;
        var length = 0;
        foreach (var rune in name.EnumerateRunes())
        {
            length++;
            if (Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format
                or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)
                return null;
        }
        return length <= LengthMax ? name : null;
    }

    /// <summary>
    /// The key under which a canonical name is unique and looked up: without regard to case. Upper case, as Unicode
    /// advises for comparing, then NFC again, since mapping case can leave it.
    /// </summary>
    public static string Key(string canonicalName) =>
        canonicalName.ToUpperInvariant().Normalize(NormalizationForm.FormC);

    static bool IsWellFormed(string text)
    {
        for (var index = 0; index < text.Length; index++)
        {
            if (!char.IsSurrogate(text[index]))
                continue;
            if (!char.IsHighSurrogate(text[index]) || index + 1 == text.Length || !char.IsLowSurrogate(text[index + 1]))
                return false;
            index++;
        }
        return true;
    }
}
