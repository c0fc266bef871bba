using System.Diagnostics.CodeAnalysis;

namespace Conclave.Sealing;

/// <summary>A message for people: <c>{"t":"text","text":…}</c> (docs/sealing.md, section 6.2).</summary>
public sealed class TextContent
{
    const string Type = "text";

    /// <summary>Makes one.</summary>
    /// <exception cref="ArgumentNullException"><paramref name="text"/> is null.</exception>
    public TextContent(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        Text = text;
    }

    /// <summary>The text.</summary>
    public string Text { get; }

    /// <summary>Reads a content; false if it is no text, or not as one must be.</summary>
    /// <exception cref="ArgumentNullException"><paramref name="content"/> is null.</exception>
    /// <exception cref="ObjectDisposedException"><paramref name="content"/> has been disposed.</exception>
    public static bool TryRead(Content content, [NotNullWhen(true)] out TextContent? text)
    {
        text = ContentHead.Read(content, Type, head =>
            ContentHead.Text(head, "text") is { } value ? new TextContent(value) : null);
        return text is not null;
    }

    /// <summary>The content to seal.</summary>
    /// <param name="at">The sender's clock: a claim, no more. Null leaves it out.</param>
    /// <exception cref="ArgumentException">
    /// The text is too long for a head of 64 KiB, or holds half a surrogate pair.
    /// </exception>
    public Content ToContent(DateTimeOffset? at = null) =>
        ContentHead.Write(Type, at, [], json => json.WriteString("text", Text));

    /// <summary>The name of the type, and nothing else.</summary>
    public override string ToString() => nameof(TextContent);
}
