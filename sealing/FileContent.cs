using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Conclave.Roster;

namespace Conclave.Sealing;

/// <summary>A piece of a file that was posted before the file, by the same sender.</summary>
/// <param name="Id">The id of the message that carries it.</param>
/// <param name="Hash"><see cref="Content.ChunkHash"/> of its bytes: to be checked by whoever puts the file
/// together.</param>
public sealed record FileChunk(Guid Id, Digest Hash);

/// <summary>
/// A file: <c>{"t":"file","name":…,"mime":…,"size":…}</c>, whole in the blob or in chunks (docs/sealing.md, section
/// 6.2).
/// </summary>
public sealed class FileContent
{
    /// <summary>Size of every chunk but the last, in bytes: one fits into a request.</summary>
    public const int ChunkBytes = 512 * 1024;

    const string Type = "file";
    const string ChunkType = "chunk";

    /// <summary>A file.</summary>
    /// <param name="name">Its name: text that its sender chose, never a path to write to.</param>
    /// <param name="mime">Its media type, as its sender says.</param>
    /// <param name="size">In bytes, below 2^53.</param>
    /// <param name="chunks">Its pieces in order; null when the file is the blob.</param>
    /// <exception cref="ArgumentNullException"><paramref name="name"/> or <paramref name="mime"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="size"/> is 2^53 or more.</exception>
    public FileContent(string name, string mime, ulong size, IReadOnlyList<FileChunk>? chunks)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(mime);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(size, 1UL << 53);
        (Name, Mime, Size, Chunks) = (name, mime, size, chunks);
    }

    /// <summary>Its name: text that its sender chose, never a path to write to.</summary>
    public string Name { get; }

    /// <summary>Its media type, as its sender says.</summary>
    public string Mime { get; }

    /// <summary>
    /// In bytes. Of a file in the blob it is the blob's length; else its sender's word, to be checked.
    /// </summary>
    public ulong Size { get; }

    /// <summary>Its pieces in order; null when the file is the blob.</summary>
    public IReadOnlyList<FileChunk>? Chunks { get; }

    /// <summary>
    /// Reads a content; false if it is no file, or not as one must be. The blob stays in the content.
    /// </summary>
    /// <exception cref="ArgumentNullException"><paramref name="content"/> is null.</exception>
    /// <exception cref="ObjectDisposedException"><paramref name="content"/> has been disposed.</exception>
    public static bool TryRead(Content content, [NotNullWhen(true)] out FileContent? file)
    {
        file = ContentHead.Read(content, Type, head => Read(head, content.Blob.Length));
        return file is not null;
    }

    /// <summary>A chunk to seal.</summary>
    /// <param name="bytes">At most <see cref="ChunkBytes"/>.</param>
    /// <exception cref="ArgumentException"><paramref name="bytes"/> are more than a chunk has.</exception>
    public static Content Chunk(ReadOnlySpan<byte> bytes) => bytes.Length <= ChunkBytes
        ? ContentHead.Write(ChunkType, null, bytes, _ => { })
        : throw new ArgumentException("A chunk has at most 512 KiB.", nameof(bytes));

    /// <summary>The content to seal.</summary>
    /// <param name="blob">The file, if it has no chunks; else empty.</param>
    /// <param name="at">The sender's clock: a claim, no more. Null leaves it out.</param>
    /// <exception cref="ArgumentException">
    /// The blob is not the file by its length, it is too long for a head of 64 KiB, or a text holds half a surrogate
    /// pair.
    /// </exception>
    public Content ToContent(ReadOnlySpan<byte> blob, DateTimeOffset? at = null)
    {
        if ((ulong)blob.Length != (Chunks is null ? Size : 0))
        {
            throw new ArgumentException("The blob is not the file.", nameof(blob));
        }

        return ContentHead.Write(Type, at, blob, json =>
        {
            json.WriteString("name", Name);
            json.WriteString("mime", Mime);
            json.WriteNumber("size", Size);
            if (Chunks is null)
            {
                return;
            }

            json.WriteStartArray("chunks");
            foreach (var chunk in Chunks)
            {
                json.WriteStartObject();
                json.WriteString("id", Base64Text.Encode(chunk.Id.ToByteArray(bigEndian: true)));
                json.WriteString("hash", chunk.Hash.ToString());
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
    }

    /// <summary>The name of the type, and nothing else.</summary>
    public override string ToString() => nameof(FileContent);

    static FileContent? Read(JsonElement head, int blobBytes)
    {
        if (ContentHead.Text(head, "name") is not { } name || ContentHead.Text(head, "mime") is not { } mime
            || !ContentHead.TryNumber(head, "size", out var size))
        {
            return null;
        }

        if (!head.TryGetProperty("chunks", out var chunks))
        {
            return size == (ulong)blobBytes ? new(name, mime, size, null) : null;
        }

        if (chunks.ValueKind != JsonValueKind.Array || blobBytes > 0)
        {
            return null;
        }

        FileChunk?[] pieces = [.. chunks.EnumerateArray().Select(ReadChunk)];
        return pieces.Contains(null) ? null : new(name, mime, size, pieces!);
    }

    static FileChunk? ReadChunk(JsonElement chunk) =>
        chunk.ValueKind == JsonValueKind.Object
        && Base64Text.TryDecode(ContentHead.Text(chunk, "id"), out var id) && id.Length == 16
        && Digest.TryParse(ContentHead.Text(chunk, "hash"), out var hash)
            ? new(new(id, bigEndian: true), hash)
            : null;
}
