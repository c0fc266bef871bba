using System.Buffers.Binary;

namespace Conclave.Bench.Floor;

/// <summary>
/// A lobby: how far its log goes, who follows it, and the frames of its last batches, so that who is a little behind
/// need not ask the database.
/// </summary>
sealed class Lobby(int number, long lastSeq)
{
    const int TailBytesMax = 8 << 20;

    readonly Lock _gate = new();
    readonly Queue<Chunk> _tail = new();
    readonly List<Peer> _subscribers = [];
    long _lastSeq = lastSeq;
    int _tailBytes;

    public int Number => number;

    /// <summary>The id in the database: keys are as wide there as the product's.</summary>
    public Guid Id { get; } = IdOf(number);

    /// <summary>What is committed.</summary>
    public long LastSeq => Volatile.Read(ref _lastSeq);

    /// <summary>What the writer has handed out; its own.</summary>
    public long NextSeq { get; set; } = lastSeq + 1;

    /// <summary>Of the batch that is being published; the writer's own.</summary>
    public List<Draft> Batch { get; } = [];

    public bool HasSubscribers => Volatile.Read(ref _subscriberCount) > 0;

    int _subscriberCount;

    public static Guid IdOf(int number) => new(number, 0, 0x4000, 0x80, 0, 0, 0, 0, 0, 0, 0);

    /// <summary>The position from which <paramref name="peer"/> follows.</summary>
    public long Add(Peer peer, long after)
    {
        lock (_gate)
        {
            _subscribers.Add(peer);
            _subscriberCount = _subscribers.Count;
            return after < 0 ? _lastSeq : after;
        }
    }

    public void Remove(Peer peer)
    {
        lock (_gate)
        {
            _subscribers.Remove(peer);
            _subscriberCount = _subscribers.Count;
        }
    }

    /// <summary>Takes what was committed and says who is to be woken.</summary>
    public void Append(long lastSeq, byte[]? frames, HashSet<Peer> woken)
    {
        lock (_gate)
        {
            if (frames is null)
            {
                _tail.Clear();
                _tailBytes = 0;
            }
            else
            {
                _tail.Enqueue(new Chunk(_lastSeq + 1, lastSeq, frames));
                _tailBytes += frames.Length;
                while (_tailBytes > TailBytesMax && _tail.Count > 1)
                    _tailBytes -= _tail.Dequeue().Frames.Length;
            }
            Volatile.Write(ref _lastSeq, lastSeq);
            foreach (var peer in _subscribers)
                woken.Add(peer);
        }
    }

    /// <summary>The frames right after <paramref name="position"/>, which moves; empty if they are not in the tail.
    /// </summary>
    public ReadOnlyMemory<byte> Take(ref long position)
    {
        lock (_gate)
        {
            foreach (var chunk in _tail)
            {
                if (chunk.Last <= position)
                    continue;
                if (chunk.First > position + 1)
                    return default;
                var frames = chunk.Frames.AsMemory();
                for (var seq = chunk.First; seq <= position; seq++)
                    frames = frames[(4 + BinaryPrimitives.ReadInt32LittleEndian(frames.Span))..];
                position = chunk.Last;
                return frames;
            }
        }
        return default;
    }

    readonly record struct Chunk(long First, long Last, byte[] Frames);
}
