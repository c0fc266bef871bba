using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Conclave.Sealing;

/// <summary>Writes and reads the heads of the content types that are known (docs/sealing.md, section 6.2).</summary>
static class ContentHead
{
    // Heads are never put into a page of HTML, so letters of all languages stand for themselves.
    static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    static readonly JsonDocumentOptions Deep = new() { MaxDepth = Content.DepthMax };

    /// <exception cref="ArgumentException">
    /// A text holds half a surrogate pair, or the head is longer than <see cref="Content.HeadBytesMax"/>.
    /// </exception>
    public static Content Write(
        string type, DateTimeOffset? at, ReadOnlySpan<byte> blob, Action<Utf8JsonWriter> writeFields)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        try
        {
            using (var json = new Utf8JsonWriter(buffer, Plain))
            {
                json.WriteStartObject();
                json.WriteString("t", type);
                writeFields(json);
                if (at is { } time)
                {
                    json.WriteNumber("at", time.ToUnixTimeMilliseconds());
                }

                json.WriteEndObject();
            }

            return Content.Create(buffer.WrittenSpan, blob);
        }
        finally
        {
            // Also wipes it.
            buffer.Clear();
        }
    }

    /// <summary>
    /// Reads the head of a content of this type; null if it is of another, or a field is not as it must be.
    /// </summary>
    public static T? Read<T>(Content content, string type, Func<JsonElement, T?> readFields)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(content);
        if (!string.Equals(content.Type, type, StringComparison.Ordinal))
        {
            return null;
        }

        using var json = JsonDocument.Parse(content.Head, Deep);
        try
        {
            return readFields(json.RootElement);
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair, written as an escape, is no text.
            return null;
        }
    }

    public static string? Text(JsonElement head, string name) =>
        head.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    public static bool TryNumber(JsonElement head, string name, out ulong number)
    {
        number = 0;
        return head.TryGetProperty(name, out var value) && TryNumber(value, out number);
    }

    public static bool TryNumber(JsonElement value, out ulong number)
    {
        number = 0;
        return value.ValueKind == JsonValueKind.Number && value.TryGetUInt64(out number) && number < 1UL << 53;
    }

    /// <summary>
    /// An object whose members all read as <paramref name="read"/> wants; of a name twice the last counts.
    /// </summary>
    public static bool TryMap<T>(
        JsonElement head, string name, TryRead<T> read, [NotNullWhen(true)] out Dictionary<string, T>? map)
    {
        map = null;
        if (!head.TryGetProperty(name, out var members) || members.ValueKind != JsonValueKind.Object)
        {
            return false;
        }

        var values = new Dictionary<string, T>(StringComparer.Ordinal);
        foreach (var member in members.EnumerateObject())
        {
            if (!read(member.Value, out var value))
            {
                return false;
            }

            values[member.Name] = value;
        }

        map = values;
        return true;
    }

    public delegate bool TryRead<T>(JsonElement value, [MaybeNullWhen(false)] out T read);
}
