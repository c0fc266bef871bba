using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;
using Conclave.Protocol;
using Conclave.Roster;
using Conclave.Sealing;
using SealedContent = Conclave.Sealing.Content;

namespace Conclave.Sdk.Sealing;

/// <summary>
/// One content, two forms (docs/sealing.md, section 6.2): in a sealed lobby head and blob, in a plain one the head as
/// row_data with the blob as its member <c>blob</c>, and a text as a JSON string. Callers only see the plain form.
/// </summary>
static class ContentForm
{
    /// <summary>A JSON value that is neither a text nor has a <c>t</c> travels in a head of this type.</summary>
    const string JsonType = "json";

    /// <summary>The sealed form, for the caller to dispose.</summary>
    /// <exception cref="RefusedException">It is too long: a head has at most 64 KiB.</exception>
    public static SealedContent ToSealed(Content content)
    {
        try
        {
            return content.Text is { } text ? new TextContent(text).ToContent() : OfJson(content.Json.Utf8);
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException)
        {
            throw RefusedException.From(new Refusal(
                ErrorCode.TooLarge,
                "A sealed lobby takes texts and objects of at most 64 KiB, 64 levels deep. Post it as a file"),
                exception);
        }
    }

    /// <summary>The plain form.</summary>
    public static Content ToPlain(SealedContent content)
    {
        if (TextContent.TryRead(content, out var text))
            return new Content(RawJson.OfString(text.Text));
        if (string.Equals(content.Type, JsonType, StringComparison.Ordinal))
        {
            using var json = JsonDocument.Parse(content.Head, Deep);
            if (json.RootElement.TryGetProperty("value"u8, out var value))
                return new Content(new RawJson(System.Text.Encoding.UTF8.GetBytes(value.GetRawText())));
        }
        return new Content(new RawJson(content.Blob.IsEmpty ? content.Head.ToArray() : WithBlob(content)));
    }

    static readonly JsonDocumentOptions Deep = new() { MaxDepth = SealedContent.DepthMax };

    static SealedContent OfJson(ReadOnlyMemory<byte> utf8)
    {
        using var json = JsonDocument.Parse(utf8, Deep);
        var root = json.RootElement;
        var isTyped = root.ValueKind == JsonValueKind.Object
            && root.TryGetProperty("t"u8, out var type) && type.ValueKind == JsonValueKind.String;
        if (!isTyped)
            return SealedContent.Create([.. "{\"t\":\"json\",\"value\":"u8, .. utf8.Span, (byte)'}']);
        return root.TryGetProperty("blob"u8, out var blob) && blob.ValueKind == JsonValueKind.String
            && Base64Text.TryDecode(blob.GetString(), out var bytes)
                ? WithoutBlob(root, bytes)
                : SealedContent.Create(utf8.Span);
    }

    static SealedContent WithoutBlob(JsonElement root, byte[] blob)
    {
        var head = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(head, WireJson.WriterOptions))
        {
            writer.WriteStartObject();
            foreach (var member in root.EnumerateObject().Where(member => !member.NameEquals("blob"u8)))
                member.WriteTo(writer);
            writer.WriteEndObject();
        }
        var content = SealedContent.Create(head.WrittenSpan, blob);
        head.Clear();
        CryptographicOperations.ZeroMemory(blob);
        return content;
    }

    // A head has at least its t, so a comma before the blob is right.
    static byte[] WithBlob(SealedContent content)
    {
        var head = content.Head.Span;
        var blob = System.Text.Encoding.ASCII.GetBytes(Base64Text.Encode(content.Blob.Span));
        return [.. head[..head.LastIndexOf((byte)'}')], .. ",\"blob\":\""u8, .. blob, .. "\"}"u8];
    }
}
