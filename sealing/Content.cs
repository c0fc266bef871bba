// Parameters
//   P = u32(len head) || head || blob; head is a JSON object of at most 64 KiB, 64 levels deep, with a string "t"
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Unicode;
using Conclave.Roster;

namespace Conclave.Sealing;

/// <summary>
/// What a message says (docs/sealing.md, section 6.2): a head, which is a JSON object whose <c>t</c> names its type,
/// and raw bytes. A type that is not known is shown as unsupported, fields that are not known are ignored.
/// </summary>
/// <remarks>It may hold anything, so it cannot be printed, and <see cref="Dispose"/> wipes it.</remarks>
public sealed class Content : IDisposable
{
    /// <summary>The longest head, in bytes.</summary>
    public const int HeadBytesMax = 64 * 1024;

    /// <summary>The most objects and arrays inside each other, the head itself counted.</summary>
    public const int DepthMax = 64;

    const int LengthBytes = 4;

    static readonly JsonDocumentOptions Strict = new()
    {
        MaxDepth = DepthMax,
        AllowTrailingCommas = false,
        CommentHandling = JsonCommentHandling.Disallow,
    };

    // P, and behind it room for nothing or the padding.
    readonly byte[] _bytes;
    readonly int _headBytes;
    readonly int _blobBytes;
    bool _isDisposed;

    Content(byte[] bytes, int headBytes, int blobBytes, string type)
    {
        (_bytes, _headBytes, _blobBytes, Type) = (bytes, headBytes, blobBytes, type);
    }

    /// <summary>
    /// The head's <c>t</c>: <c>text</c>, <c>secret</c>, <c>file</c>, <c>chunk</c>, <c>index</c>, or another.
    /// </summary>
    public string Type { get; }

    /// <summary>
    /// The head: valid UTF-8, one JSON object. Names in it may occur twice, and then the last counts.
    /// </summary>
    /// <exception cref="ObjectDisposedException">This has been disposed.</exception>
    public ReadOnlyMemory<byte> Head => Slice(LengthBytes, _headBytes);

    /// <summary>The raw bytes; empty unless the type says otherwise.</summary>
    /// <exception cref="ObjectDisposedException">This has been disposed.</exception>
    public ReadOnlyMemory<byte> Blob => Slice(LengthBytes + _headBytes, _blobBytes);

    /// <summary>P.</summary>
    internal ReadOnlySpan<byte> Packed => Slice(0, LengthBytes + _headBytes + _blobBytes).Span;

    /// <summary>Makes a content.</summary>
    /// <param name="head">One JSON object with a string <c>t</c>; copied.</param>
    /// <param name="blob">Copied.</param>
    /// <exception cref="ArgumentException">
    /// The head is longer than <see cref="HeadBytesMax"/>, deeper than <see cref="DepthMax"/>, not UTF-8, or not one
    /// JSON object with a string <c>t</c>: readers would refuse it.
    /// </exception>
    public static Content Create(ReadOnlySpan<byte> head, ReadOnlySpan<byte> blob = default)
    {
        var bytes = GC.AllocateUninitializedArray<byte>(checked(LengthBytes + head.Length + blob.Length), pinned: true);
        BinaryPrimitives.WriteInt32BigEndian(bytes, head.Length);
        head.CopyTo(bytes.AsSpan(LengthBytes));
        blob.CopyTo(bytes.AsSpan(LengthBytes + head.Length));
        return Parse(bytes, bytes.Length)
            ?? throw new ArgumentException("The head is not one JSON object with a string t.", nameof(head));
    }

    /// <summary>What names a chunk of a file in the file's head: <c>H("chunk", bytes)</c>.</summary>
    public static Digest ChunkHash(ReadOnlySpan<byte> chunk) =>
        new LabeledTuple("chunk"u8, 4 + chunk.Length).Add(chunk).Hash();

    /// <summary>
    /// Wipes it: what was taken from <see cref="Head"/> and <see cref="Blob"/> reads zeros from then on.
    /// </summary>
    public void Dispose()
    {
        _isDisposed = true;
        CryptographicOperations.ZeroMemory(_bytes);
    }

    /// <summary>The name of the type, and nothing else.</summary>
    public override string ToString() => nameof(Content);

    /// <summary>Reads a padded P; null is <c>bad_content</c>, and leaves zeros in <paramref name="padded"/>.</summary>
    /// <param name="padded">Taken over.</param>
    internal static Content? Unpad(byte[] padded)
    {
        var contentBytes = Padding.ContentBytes(padded);
        var content = contentBytes < 0 ? null : Parse(padded, contentBytes);
        if (content is null)
        {
            CryptographicOperations.ZeroMemory(padded);
        }

        return content;
    }

    static Content? Parse(byte[] bytes, int contentBytes)
    {
        // Of a content too short for its head's length nothing is left over, and no head fits into that.
        var headBytes = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        if (headBytes > HeadBytesMax || headBytes > contentBytes - LengthBytes)
        {
            return null;
        }

        var head = bytes.AsMemory(LengthBytes, (int)headBytes);
        return TypeOf(head) is { } type
            ? new(bytes, (int)headBytes, contentBytes - LengthBytes - (int)headBytes, type)
            : null;
    }

    // The parser looks at no text before it is asked for it, so UTF-8 is a question of its own.
    static string? TypeOf(ReadOnlyMemory<byte> head)
    {
        if (!Utf8.IsValid(head.Span))
        {
            return null;
        }

        try
        {
            using var json = JsonDocument.Parse(head, Strict);
            return HasWholeCharacters(head.Span)
                && json.RootElement is { ValueKind: JsonValueKind.Object } root
                && root.TryGetProperty("t"u8, out var type) && type.ValueKind == JsonValueKind.String
                ? type.GetString()
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // Half a surrogate pair, written as an escape, is no text. Wherever it stands, whoever reads on would trip over it.
    static bool HasWholeCharacters(ReadOnlySpan<byte> head)
    {
        var reader = new Utf8JsonReader(head, new JsonReaderOptions { MaxDepth = DepthMax });
        var text = Array.Empty<byte>();
        try
        {
            while (reader.Read())
            {
                if (!reader.ValueIsEscaped)
                {
                    continue;
                }

                if (text.Length == 0)
                {
                    text = GC.AllocateUninitializedArray<byte>(head.Length, pinned: true);
                }

                // What is escaped is never shorter than what it stands for.
                reader.CopyString(text);
            }

            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(text);
        }
    }

    ReadOnlyMemory<byte> Slice(int start, int length)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return _bytes.AsMemory(start, length);
    }
}
