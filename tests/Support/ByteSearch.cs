using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.RegularExpressions;
using System.Text.Unicode;

namespace Conclave.Tests.Support;

/// <summary>Looks for things in anything, in the encodings in which programs leave them behind.</summary>
sealed partial class ByteSearch
{
    const int ChunkBytes = 1 << 20;
    const int RegionBytesMax = 1 << 30;

    readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);
    readonly SearchValues<string> _patterns;
    readonly int _overlap;

    /// <param name="things">
    /// What to look for, by the name to tell it by: texts in UTF-8, or other bytes. At least 12 bytes each.
    /// </param>
    public ByteSearch(params IEnumerable<(string Name, byte[] Bytes)> things)
    {
        foreach (var (name, bytes) in things)
        {
            foreach (var pattern in EncodingsOf(bytes))
                _names[Encoding.Latin1.GetString(pattern)] = name;
        }
        _patterns = SearchValues.Create([.. _names.Keys], StringComparison.Ordinal);
        _overlap = _names.Keys.Max(pattern => pattern.Length);
    }

    /// <summary>What is found in a text.</summary>
    public HashSet<string> In(string text) => In(new MemoryStream(Encoding.UTF8.GetBytes(text)));

    /// <summary>What is found in a stream, to its end.</summary>
    public HashSet<string> In(Stream stream)
    {
        HashSet<string> found = [];
        var bytes = new byte[ChunkBytes];
        var chars = new char[_overlap + ChunkBytes];
        var kept = 0;
        while (stream.Read(bytes) is > 0 and var count)
        {
            Encoding.Latin1.GetChars(bytes.AsSpan(0, count), chars.AsSpan(kept));
            var rest = chars.AsSpan(0, kept + count);
            while (rest.IndexOfAny(_patterns) is >= 0 and var at)
            {
                rest = rest[at..];
                foreach (var (pattern, name) in _names)
                {
                    if (rest.StartsWith(pattern))
                        found.Add(name);
                }
                rest = rest[1..];
            }
            // A thing may lie across two chunks.
            var overlap = Math.Min(_overlap, kept + count);
            chars.AsSpan(kept + count - overlap, overlap).CopyTo(chars);
            kept = overlap;
        }
        return found;
    }

    /// <summary>What is found in streams, each to its end.</summary>
    public HashSet<string> In(IEnumerable<Stream> streams) => [.. streams.SelectMany(In)];

    /// <summary>What is found in a file.</summary>
    public HashSet<string> InFile(string path)
    {
        using var file = File.OpenRead(path);
        return In(file);
    }

    /// <summary>What is found in the files of a folder, however deep, but for those of some folders in it.</summary>
    public HashSet<string> InFiles(string folder, params string[] without)
    {
        HashSet<string> found = [];
        foreach (var path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            if (without.Any(other => path.StartsWith(other + '/', StringComparison.Ordinal)))
                continue;
            try
            {
                found.UnionWith(InFile(path));
            }
            catch (IOException)
            {
                // A socket, or a file that has just gone.
            }
        }
        return found;
    }

    /// <summary>
    /// What is found in all the memory that a process can write to: what a core dump of it would hold.
    /// </summary>
    public HashSet<string> InMemoryOf(int process)
    {
        HashSet<string> found = [];
        using var memory = File.OpenRead($"/proc/{process}/mem");
        foreach (var line in File.ReadLines($"/proc/{process}/maps"))
        {
            var range = line.Split(' ', '-');
            var (start, end) = (AddressOf(range[0]), AddressOf(range[1]));
            if (!range[2].StartsWith("rw", StringComparison.Ordinal) || end - start > RegionBytesMax)
                continue;
            try
            {
                memory.Position = start;
                found.UnionWith(In(new Region(memory, end)));
            }
            catch (IOException)
            {
                // It has just gone, or belongs to a device.
            }
        }
        return found;
    }

    static long AddressOf(string text) =>
        long.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    static IEnumerable<byte[]> EncodingsOf(byte[] bytes)
    {
        yield return bytes;
        var texts = FormsOf(bytes);
        if (Utf8.IsValid(bytes))
            texts = texts.Concat(FormsOf(Encoding.UTF8.GetString(bytes)));
        foreach (var text in texts)
        {
            yield return Encoding.UTF8.GetBytes(text);
            yield return Encoding.Unicode.GetBytes(text);
            yield return Encoding.BigEndianUnicode.GetBytes(text);
        }
    }

    // As programs write bytes into a text.
    static IEnumerable<string> FormsOf(byte[] bytes)
    {
        yield return Convert.ToHexString(bytes);
        yield return Convert.ToHexStringLower(bytes);
        // Base64 of something longer that holds it, wherever it begins; without what depends on its neighbours.
        for (var shift = 0; shift < 3; shift++)
        {
            var text = Convert.ToBase64String([.. new byte[shift], .. bytes]);
            var inner = text[(shift == 0 ? 0 : 4)..(text.Length - 4)];
            yield return inner;
            yield return inner.Replace('+', '-').Replace('/', '_');
        }
    }

    // As programs write a text into another one: as it is, in JSON, in an address.
    static IEnumerable<string> FormsOf(string text)
    {
        yield return text;
        var json = JavaScriptEncoder.Default.Encode(text);
        yield return json;
        yield return Escape().Replace(json, escape => escape.Value.ToLowerInvariant());
        yield return string.Concat(text.Select(unit => $"\\u{(int)unit:x4}"));
        var percent = Uri.EscapeDataString(text);
        yield return percent;
        yield return Escape().Replace(percent, escape => escape.Value.ToLowerInvariant());
    }

    [GeneratedRegex(@"\\u[0-9A-F]{4}|%[0-9A-F]{2}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Escape();

    /// <summary>Reads a file up to a place.</summary>
    sealed class Region(FileStream file, long end) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer) =>
            file.Read(buffer[..(int)Math.Min(buffer.Length, end - file.Position)]);

        public override void Flush()
        {
            // Nothing is ever written.
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
