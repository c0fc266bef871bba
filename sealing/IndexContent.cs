using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Conclave.Sealing;

/// <summary>
/// Where the newest version of everything lies: <c>{"t":"index","through":…,"secrets":{…},"files":{…}}</c>
/// (docs/sealing.md, section 6.2). It spares a cold reader the whole log and is a hint: the reader verifies the rows it
/// names, and looks itself at those after <see cref="Through"/>.
/// </summary>
public sealed class IndexContent
{
    const string Type = "index";

    /// <summary>An index.</summary>
    /// <param name="through">The last row that was looked at.</param>
    /// <param name="secrets">Name of each secret and the seq of its newest version; kept, not copied.</param>
    /// <param name="files">Likewise for files; kept, not copied.</param>
    /// <exception cref="ArgumentNullException">
    /// <paramref name="secrets"/> or <paramref name="files"/> is null.
    /// </exception>
    public IndexContent(
        ulong through, IReadOnlyDictionary<string, ulong> secrets, IReadOnlyDictionary<string, ulong> files)
    {
        ArgumentNullException.ThrowIfNull(secrets);
        ArgumentNullException.ThrowIfNull(files);
        (Through, Secrets, Files) = (through, secrets, files);
    }

    /// <summary>The last row that was looked at.</summary>
    public ulong Through { get; }

    /// <summary>Name of each secret and the seq of its newest version.</summary>
    public IReadOnlyDictionary<string, ulong> Secrets { get; }

    /// <summary>Name of each file and the seq of its newest version.</summary>
    public IReadOnlyDictionary<string, ulong> Files { get; }

    /// <summary>Reads a content; false if it is no index, or not as one must be.</summary>
    /// <exception cref="ArgumentNullException"><paramref name="content"/> is null.</exception>
    /// <exception cref="ObjectDisposedException"><paramref name="content"/> has been disposed.</exception>
    public static bool TryRead(Content content, [NotNullWhen(true)] out IndexContent? index)
    {
        index = ContentHead.Read(content, Type, head =>
            ContentHead.TryNumber(head, "through", out var through)
            && ContentHead.TryMap<ulong>(head, "secrets", ContentHead.TryNumber, out var secrets)
            && ContentHead.TryMap<ulong>(head, "files", ContentHead.TryNumber, out var files)
                ? new IndexContent(through, secrets, files)
                : null);
        return index is not null;
    }

    /// <summary>The content to seal.</summary>
    /// <param name="at">The sender's clock: a claim, no more. Null leaves it out.</param>
    /// <exception cref="ArgumentException">
    /// It is too long for a head of 64 KiB, or a name holds half a surrogate pair.
    /// </exception>
    public Content ToContent(DateTimeOffset? at = null) => ContentHead.Write(Type, at, [], json =>
    {
        json.WriteNumber("through", Through);
        Write(json, "secrets", Secrets);
        Write(json, "files", Files);
    });

    /// <summary>The name of the type, and nothing else.</summary>
    public override string ToString() => nameof(IndexContent);

    static void Write(Utf8JsonWriter json, string name, IReadOnlyDictionary<string, ulong> places)
    {
        json.WriteStartObject(name);
        foreach (var (key, seq) in places)
        {
            json.WriteNumber(key, seq);
        }

        json.WriteEndObject();
    }
}
