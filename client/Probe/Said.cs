using System.Text;
using System.Text.Json;

namespace Conclave.Client.Probe;

/// <summary>Something the server said: a reply or an event, with the very bytes it was said in.</summary>
sealed class Said
{
    static readonly JsonDocumentOptions Strict = new() { MaxDepth = 256 };

    readonly JsonElement _json;

    Said(string text, JsonElement json)
    {
        Text = text;
        _json = json;
    }

    public string Text { get; }

    public bool IsEvent => _json.TryGetProperty("event", out _);

    public bool IsOk => this["ok"].ValueKind == JsonValueKind.True;

    /// <summary>The name of an event; empty if it is none.</summary>
    public string Event => IsEvent ? TextOf("event") : "";

    /// <summary>The place of an entry in its log; null if this is no entry.</summary>
    public long? Seq => _json.TryGetProperty("seq", out var seq) ? seq.GetInt64() : null;

    public string? Code => Error("code");

    public string? Field => Error("field");

    public JsonElement this[string name] => _json.TryGetProperty(name, out var value)
        ? value
        : throw new BrokenRuleException($"{name} is missing in {Expect.Shown(Text)}");

    /// <exception cref="BrokenRuleException">It is not one JSON object, or has a key twice.</exception>
    public static Said Read(ReadOnlyMemory<byte> utf8)
    {
        try
        {
            using var document = JsonDocument.Parse(utf8, Strict);
            var json = document.RootElement.Clone();
            if (json.ValueKind == JsonValueKind.Object)
            {
                var names = json.EnumerateObject().Select(member => member.Name).ToList();
                var once = names.Distinct(StringComparer.Ordinal);
                Expect.Sequence(once, names, "the keys");
                return new Said(Encoding.UTF8.GetString(utf8.Span), json);
            }
        }
        catch (JsonException)
        {
            // Told below.
        }
        throw new BrokenRuleException($"not one JSON object: {Expect.Shown(Encoding.UTF8.GetString(utf8.Span))}");
    }

    public bool Has(string name) => _json.TryGetProperty(name, out _);

    public string TextOf(string name) =>
        this[name] is { ValueKind: JsonValueKind.String } value
            ? value.GetString()!
            : throw new BrokenRuleException($"{name} is no string in {Expect.Shown(Text)}");

    public long NumberOf(string name) =>
        this[name] is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out var number)
            ? number
            : throw new BrokenRuleException($"{name} is no integer in {Expect.Shown(Text)}");

    /// <summary>The value as it was written.</summary>
    public string RawOf(string name) => this[name].GetRawText();

    /// <summary>The events of a page of history.</summary>
    public List<Said> Events() =>
        [.. this["events"].EnumerateArray().Select(entry => new Said(entry.GetRawText(), entry))];

    /// <summary>This reply, which must be ok.</summary>
    public Said MustBeOk()
    {
        Expect.True(IsOk, $"a request that should succeed got {Expect.Shown(Text)}");
        return this;
    }

    string? Error(string name) =>
        _json.TryGetProperty("error", out var error) && error.TryGetProperty(name, out var value)
            ? value.GetString()
            : null;
}
