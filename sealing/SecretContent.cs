using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Conclave.Sealing;

/// <summary>
/// One version of a named secret: <c>{"t":"secret","name":…,"value":…}</c>, or with <c>fields</c> (docs/sealing.md,
/// section 6.2). Of two versions of one name with the same <see cref="Previous"/> the earlier seq counts and readers
/// ignore the other; a writer looks after its acknowledgement whether it lost.
/// </summary>
/// <remarks>Its texts are strings, which nothing can wipe: let go of it soon.</remarks>
public sealed class SecretContent
{
    const string Type = "secret";

    SecretContent(string name) => Name = name;

    /// <summary>The name under which versions replace each other.</summary>
    public string Name { get; }

    /// <summary>The secret; null if it consists of <see cref="Fields"/>, or is gone.</summary>
    public string? Value { get; private init; }

    /// <summary>The parts of the secret by name; null if it is one <see cref="Value"/>, or gone.</summary>
    public IReadOnlyDictionary<string, string>? Fields { get; private init; }

    /// <summary>Seq of the version that this one replaces; null for the first.</summary>
    public ulong? Previous { get; private init; }

    /// <summary>The name is retired: there is no secret of this name any more.</summary>
    public bool IsGone { get; private init; }

    /// <summary>A secret of one value.</summary>
    /// <param name="name">The name.</param>
    /// <param name="value">The secret.</param>
    /// <param name="previous">Seq of the version that it replaces; null for the first.</param>
    /// <exception cref="ArgumentNullException">
    /// <paramref name="name"/> or <paramref name="value"/> is null.
    /// </exception>
    public static SecretContent Of(string name, string value, ulong? previous = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(value);
        return new(name) { Value = value, Previous = previous };
    }

    /// <summary>A secret of several named parts.</summary>
    /// <inheritdoc cref="Of(string, string, ulong?)"/>
    /// <param name="name">The name.</param>
    /// <param name="fields">The parts by name; kept, not copied.</param>
    /// <param name="previous">Seq of the version that it replaces; null for the first.</param>
    /// <exception cref="ArgumentNullException">
    /// <paramref name="name"/> or <paramref name="fields"/> is null.
    /// </exception>
    public static SecretContent Of(string name, IReadOnlyDictionary<string, string> fields, ulong? previous = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(fields);
        return new(name) { Fields = fields, Previous = previous };
    }

    /// <summary>The end of a secret.</summary>
    /// <param name="name">The name.</param>
    /// <param name="previous">Seq of the last version.</param>
    /// <exception cref="ArgumentNullException"><paramref name="name"/> is null.</exception>
    public static SecretContent Gone(string name, ulong? previous)
    {
        ArgumentNullException.ThrowIfNull(name);
        return new(name) { IsGone = true, Previous = previous };
    }

    /// <summary>Reads a content; false if it is no secret, or not as one must be.</summary>
    /// <exception cref="ArgumentNullException"><paramref name="content"/> is null.</exception>
    /// <exception cref="ObjectDisposedException"><paramref name="content"/> has been disposed.</exception>
    public static bool TryRead(Content content, [NotNullWhen(true)] out SecretContent? secret)
    {
        secret = ContentHead.Read(content, Type, Read);
        return secret is not null;
    }

    /// <summary>The content to seal.</summary>
    /// <param name="at">The sender's clock: a claim, no more. Null leaves it out.</param>
    /// <exception cref="ArgumentException">
    /// It is too long for a head of 64 KiB, or a text holds half a surrogate pair.
    /// </exception>
    public Content ToContent(DateTimeOffset? at = null) => ContentHead.Write(Type, at, [], json =>
    {
        json.WriteString("name", Name);
        if (Value is not null)
        {
            json.WriteString("value", Value);
        }

        if (Fields is not null)
        {
            json.WriteStartObject("fields");
            foreach (var (name, value) in Fields)
            {
                json.WriteString(name, value);
            }

            json.WriteEndObject();
        }

        if (Previous is { } previous)
        {
            json.WriteNumber("prev", previous);
        }

        if (IsGone)
        {
            json.WriteBoolean("gone", true);
        }
    });

    /// <summary>The name of the type, and nothing else.</summary>
    public override string ToString() => nameof(SecretContent);

    static SecretContent? Read(JsonElement head)
    {
        var isGone = head.TryGetProperty("gone", out var gone) && gone.ValueKind == JsonValueKind.True;
        var value = ContentHead.Text(head, "value");
        _ = ContentHead.TryMap<string>(head, "fields", TryText, out var fields);
        var hasPrevious = ContentHead.TryNumber(head, "prev", out var previous);
        return ContentHead.Text(head, "name") is not { } name || (!isGone && value is null && fields is null)
            || (!hasPrevious && head.TryGetProperty("prev", out var wrong) && wrong.ValueKind != JsonValueKind.Null)
            ? null
            : new(name)
            {
                Value = isGone ? null : value,
                Fields = isGone || value is not null ? null : fields,
                Previous = hasPrevious ? previous : null,
                IsGone = isGone,
            };
    }

    static bool TryText(JsonElement value, [MaybeNullWhen(false)] out string text)
    {
        text = value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        return text is not null;
    }
}
