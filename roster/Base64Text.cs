using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Conclave.Roster;

/// <summary>
/// Binary in JSON: base64url (RFC 4648, section 5) without padding, in its one canonical spelling (docs/sealing.md,
/// section 2). .NET's own decoder also takes padding and blanks, and a text that may be spelled in two ways could be
/// stored twice.
/// </summary>
public static class Base64Text
{
    static ReadOnlySpan<byte> Alphabet => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"u8;

    static readonly SearchValues<byte> Letters = SearchValues.Create(Alphabet);

    /// <summary>The text for <paramref name="bytes"/>; empty for none.</summary>
    public static string Encode(ReadOnlySpan<byte> bytes) => Base64Url.EncodeToString(bytes);

    /// <inheritdoc cref="TryDecode(ReadOnlySpan{byte}, out byte[])"/>
    public static bool TryDecode(ReadOnlySpan<char> text, [NotNullWhen(true)] out byte[]? bytes)
    {
        // What is not ASCII becomes a question mark, which is no letter of the alphabet.
        var ascii = new byte[text.Length];
        Encoding.ASCII.GetBytes(text, ascii);
        return TryDecode(ascii, out bytes);
    }

    /// <summary>
    /// Decodes <paramref name="text"/>. False means <c>bad_encoding</c>: it has padding, another character than those
    /// of base64url, a length that no bytes have, or bits left over that are not zero.
    /// </summary>
    /// <param name="text">May be empty, which is no bytes.</param>
    /// <param name="bytes">The bytes, or null when the result is false.</param>
    public static bool TryDecode(ReadOnlySpan<byte> text, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = null;
        if (text.Length % 4 == 1 || text.ContainsAnyExcept(Letters) || HasBitsLeft(text))
        {
            return false;
        }

        bytes = Base64Url.DecodeFromUtf8(text);
        return true;
    }

    // Two letters carry 12 bits for one byte, three carry 18 for two: 4 or 2 bits are left over.
    static bool HasBitsLeft(ReadOnlySpan<byte> text) => (text.Length % 4) switch
    {
        2 => (Alphabet.IndexOf(text[^1]) & 0b1111) != 0,
        3 => (Alphabet.IndexOf(text[^1]) & 0b11) != 0,
        _ => false,
    };
}
