using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Conclave.Tests.Support;

/// <summary>Looks for things in anything, in the encodings in which programs leave them behind.</summary>
sealed class ByteSearch
{
    const int ChunkBytes = 1 << 20;
    const int RegionBytesMax = 1 << 30;

    readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);
    readonly SearchValues<string> _patterns;
    readonly int _overlap;

    /// <param name="things">What to look for, by the name to tell it by. At least 12 bytes each.</param>
    public ByteSearch(IEnumerable<(string Name, byte[] Bytes)> things)
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

    /// <summary>What is found in the files of a folder, however deep.</summary>
    public HashSet<string> InFiles(string folder)
    {
        HashSet<string> found = [];
        foreach (var path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            try
            {
                using var file = File.OpenRead(path);
                found.UnionWith(In(file));
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
        yield return Encoding.ASCII.GetBytes(Convert.ToHexString(bytes));
        yield return Encoding.ASCII.GetBytes(Convert.ToHexStringLower(bytes));
        var utf16 = new byte[2 * bytes.Length];
        for (var index = 0; index < bytes.Length; index++)
            BinaryPrimitives.WriteInt16LittleEndian(utf16.AsSpan(2 * index), bytes[index]);
        yield return utf16;
        // Base64 of something longer that holds it, wherever it begins; without what depends on its neighbours.
        for (var shift = 0; shift < 3; shift++)
        {
            var text = Convert.ToBase64String([.. new byte[shift], .. bytes]);
            var inner = text[(shift == 0 ? 0 : 4)..(text.Length - 4)];
            yield return Encoding.ASCII.GetBytes(inner);
            yield return Encoding.ASCII.GetBytes(inner.Replace('+', '-').Replace('/', '_'));
        }
    }

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
