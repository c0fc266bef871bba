using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Conclave.Protocol;

/// <summary>
/// One JSON value as the exact bytes it was written with. <c>row_data</c> and <c>id</c> travel this way: stored,
/// delivered and echoed without being re-serialised. The default value stands for JSON <c>null</c>.
/// </summary>
/// <param name="Utf8">The bytes of one well-formed JSON value, without white space around it.</param>
[JsonConverter(typeof(RawJsonConverter))]
public readonly record struct RawJson(ReadOnlyMemory<byte> Utf8)
{
    /// <summary>Whether this is JSON <c>null</c>.</summary>
    public bool IsNull => Utf8.IsEmpty || Utf8.Span.SequenceEqual("null"u8);

    /// <summary>The JSON string that holds <paramref name="text"/>.</summary>
    public static RawJson OfString(string text) =>
        new(JsonSerializer.SerializeToUtf8Bytes(text, WireJson.Context.String));

    /// <summary>
    /// The text of a JSON string, or null if this is a value of another kind, or holds half a character as an escape.
    /// </summary>
    public string? AsString()
    {
        if (Utf8.IsEmpty || Utf8.Span[0] != (byte)'"')
            return null;
        var reader = new Utf8JsonReader(Utf8.Span);
        reader.Read();
        try
        {
            return reader.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Bytewise equality: <c>1.0</c> and <c>1</c> are different values.</summary>
    public bool Equals(RawJson other) => Utf8.Span.SequenceEqual(other.Utf8.Span);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Utf8.Span);
        return hash.ToHashCode();
    }

    /// <summary>The type and size only: what a lobby holds is private and must not slip into a log.</summary>
    public override string ToString() => string.Create(null, $"RawJson({Utf8.Length} bytes)");

    /// <summary>The JSON text itself.</summary>
    public string ToJson() => Utf8.IsEmpty ? "null" : Encoding.UTF8.GetString(Utf8.Span);
}

sealed class RawJsonConverter : JsonConverter<RawJson>
{
    public override bool HandleNull => true;

    public override RawJson Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        // The serialiser hands out a reader over one contiguous buffer when it was given bytes, which is all we do.
        if (reader.HasValueSequence)
            throw new JsonException("a raw value needs a contiguous buffer");
        using var document = JsonDocument.ParseValue(ref reader);
        return new RawJson(Encoding.UTF8.GetBytes(document.RootElement.GetRawText()));
    }

    public override void Write(Utf8JsonWriter writer, RawJson value, JsonSerializerOptions options)
    {
        if (value.Utf8.IsEmpty)
            writer.WriteNullValue();
        else
            writer.WriteRawValue(value.Utf8.Span, skipInputValidation: true);
    }
}
