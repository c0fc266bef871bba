using System.Text;
using System.Text.Json;
using Conclave.Protocol;

namespace Conclave.Sdk;

/// <summary>
/// What a message says: one JSON value, most often a string. Any lobby carries it, whatever way the lobby keeps it,
/// and delivers exactly the bytes that were posted. It is private and cannot be printed by accident:
/// <see cref="ToString"/> gives the size only.
/// </summary>
public sealed class Content
{
    /// <summary>Arrays and objects inside each other, at most.</summary>
    const int DepthMax = 32;

    static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    internal Content(RawJson json) => Json = json;

    /// <summary>The exact bytes of the JSON value.</summary>
    public RawJson Json { get; }

    /// <summary>The text, if this is a JSON string; else null.</summary>
    public string? Text => Json.AsString();

    /// <summary>
    /// What kind of content it is (docs/sealing.md, section 6.2): <c>text</c> for a JSON string, <c>t</c> of an object
    /// that has one (<c>secret</c>, <c>file</c>, <c>chunk</c>, <c>index</c> or another); null for anything else.
    /// </summary>
    public string? Type => field ??= TypeOf(Json);

    /// <summary>The text <paramref name="text"/>, as a JSON string.</summary>
    /// <exception cref="ArgumentException"><paramref name="text"/> is not well-formed Unicode.</exception>
    public static Content OfText(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        // The serialiser would quietly put U+FFFD in place of half a character, and a password would not be itself.
        _ = StrictUtf8.GetByteCount(text);
        return new Content(RawJson.OfString(text));
    }

    /// <summary>
    /// The JSON value in <paramref name="utf8"/>, kept byte for byte; white space around it is dropped.
    /// </summary>
    /// <exception cref="ArgumentException">
    /// The bytes are not exactly one JSON value in UTF-8, or it nests deeper than 32 levels.
    /// </exception>
    public static Content OfJson(ReadOnlyMemory<byte> utf8)
    {
        var trimmed = utf8.Trim(" \t\r\n"u8);
        var reader = new Utf8JsonReader(trimmed.Span, new JsonReaderOptions { MaxDepth = DepthMax });
        try
        {
            while (reader.Read())
            {
                // To decode a string is the only way to have its escapes and its UTF-8 checked.
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName)
                    reader.GetString();
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new ArgumentException("This is not one JSON value that a lobby can carry.", nameof(utf8), exception);
        }
        return new Content(new RawJson(trimmed.ToArray()));
    }

    /// <summary>The JSON value that <paramref name="json"/> is the text of.</summary>
    /// <exception cref="ArgumentException">The text is not exactly one JSON value of at most 32 levels.</exception>
    public static Content OfJson(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        return OfJson(StrictUtf8.GetBytes(json));
    }

    static string? TypeOf(RawJson json)
    {
        if (json.IsNull || json.Utf8.Span[0] is not ((byte)'"' or (byte)'{'))
            return null;
        if (json.Utf8.Span[0] == (byte)'"')
            return "text";
        var reader = new Utf8JsonReader(json.Utf8.Span);
        reader.Read();
        string? type = null;
        try
        {
            // Of a name twice the last counts.
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isType = reader.ValueTextEquals("t"u8);
                reader.Read();
                if (isType)
                    type = reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
                reader.Skip();
            }
        }
        catch (InvalidOperationException)
        {
            // Half a character, as an escape: its sender's doing, which must not end the reading.
            return null;
        }
        return type;
    }

    /// <summary>The size only: what a lobby holds is private and must not slip into a log.</summary>
    public override string ToString() => string.Create(null, $"Content({Json.Utf8.Length} bytes)");
}
