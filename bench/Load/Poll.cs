using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Conclave.Bench.Load;

/// <summary>What a frame does to a workload.</summary>
delegate void OnFrame(Link link, in Frame frame);

/// <summary>
/// All connections on one thread: waits for the sockets that are ready, reads each once into one large buffer and
/// hands out the frames where they lie.
/// </summary>
sealed class Poll(Dialect dialect)
{
    const int EventsMax = 512;
    const int ReadBytesMax = 256 << 10;
    const int FrameBytesMax = 4 << 20;

    // The kernel packs the event on x64 only.
    static readonly int EventBytes = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;

    readonly int _poll = Native.CreatePoll(0);
    readonly byte[] _events = GC.AllocateArray<byte>(EventsMax * EventBytes, pinned: true);
    readonly byte[] _buffer = GC.AllocateArray<byte>(FrameBytesMax + ReadBytesMax, pinned: true);
    Link?[] _links = new Link?[1024];

    /// <summary>When the bytes that are looked at came in.</summary>
    public long Now { get; private set; }

    /// <summary>Handles each frame.</summary>
    public OnFrame? Handler { get; set; }

    /// <summary>Comes after the last frame of a read.</summary>
    public Action<Link>? AfterRead { get; set; }

    public void Add(Link link)
    {
        if (link.Descriptor >= _links.Length)
            Array.Resize(ref _links, Math.Max(link.Descriptor + 1, 2 * _links.Length));
        _links[link.Descriptor] = link;
        Control(Native.Add, link, Native.Readable);
    }

    /// <summary>Reads from it only when told to.</summary>
    public void Pause(Link link) => Control(Native.Modify, link, events: 0);

    public void Remove(Link link)
    {
        // Closing the socket takes it out of the kernel's list.
        _links[link.Descriptor] = null;
        link.Dispose();
    }

    public void Send(Link link, ReadOnlySpan<byte> bytes)
    {
        var hadUnsent = link.HasUnsent;
        if (!link.Send(bytes) && !hadUnsent)
            Control(Native.Modify, link, Native.Readable | Native.Writable);
    }

    /// <summary>Handles what is there; waits at most <paramref name="milliseconds"/> for something.</summary>
    public void Turn(int milliseconds)
    {
        var count = Native.Wait(_poll, ref _events[0], EventsMax, milliseconds);
        for (var index = 0; index < count; index++)
        {
            var at = index * EventBytes;
            var flags = BinaryPrimitives.ReadInt32LittleEndian(_events.AsSpan(at));
            var descriptor = BinaryPrimitives.ReadInt32LittleEndian(_events.AsSpan(at + EventBytes - 8));
            if (_links[descriptor] is not { } link)
                continue;
            if ((flags & Native.Writable) != 0 && link.SendUnsent())
                Control(Native.Modify, link, Native.Readable);
            if ((flags & ~Native.Writable) != 0)
                Read(link, ReadBytesMax);
        }
    }

    /// <summary>Reads at most so many bytes from a link and hands out what is whole.</summary>
    public void Read(Link link, int bytesMax)
    {
        var kept = link.PartialCount;
        link.Partial.AsSpan(0, kept).CopyTo(_buffer);
        var count = link.Receive(_buffer.AsSpan(kept, Math.Min(bytesMax, _buffer.Length - kept)));
        if (count == 0)
            return;
        Now = Stopwatch.GetTimestamp();
        var rest = _buffer.AsSpan(0, kept + count);
        while (dialect.TryRead(link, rest, out var frame, out var consumed))
        {
            Handler!(link, in frame);
            rest = rest[consumed..];
        }
        if (link.Partial.Length < rest.Length)
            link.Partial = new byte[Math.Max(rest.Length, 1024)];
        rest.CopyTo(link.Partial);
        link.PartialCount = rest.Length;
        AfterRead?.Invoke(link);
    }

    void Control(int operation, Link link, int events)
    {
        var change = (stackalloc byte[16]);
        BinaryPrimitives.WriteInt32LittleEndian(change, events);
        BinaryPrimitives.WriteInt32LittleEndian(change[(EventBytes - 8)..], link.Descriptor);
        if (Native.Control(_poll, operation, link.Descriptor, ref change[0]) != 0)
            throw new LoadException("the operating system does not watch this many connections");
    }
}
