using System.Buffers;
using System.Buffers.Binary;

namespace Conclave.Server.Connections;

/// <summary>
/// Frames that leave with the next write. Frames of a server are not masked (RFC 6455, section 5.1), so a frame is a
/// short header and the bytes as they are: many copies of one event differ in nothing.
/// </summary>
sealed class Outgoing : IDisposable
{
    /// <summary>Where to stop adding and write, in bytes. One frame may go beyond.</summary>
    public const int BytesGoal = 64 << 10;

    const byte FinalText = 0x81;
    const byte FinalPing = 0x89;
    const int HeaderBytesMax = 10;

    byte[] _buffer = [];
    int _count;

    public ReadOnlyMemory<byte> Bytes => _buffer.AsMemory(0, _count);

    public bool IsEmpty => _count == 0;

    public bool IsFull => _count >= BytesGoal;

    /// <summary>How many bytes may be added before it is full.</summary>
    public int Room => Math.Max(0, BytesGoal - _count);

    public void AddText(ReadOnlySpan<byte> payload)
    {
        Reserve(payload.Length + HeaderBytesMax);
        _buffer[_count++] = FinalText;
        switch (payload.Length)
        {
            case < 126:
                _buffer[_count++] = (byte)payload.Length;
                break;
            case <= ushort.MaxValue:
                _buffer[_count++] = 126;
                BinaryPrimitives.WriteUInt16BigEndian(_buffer.AsSpan(_count), (ushort)payload.Length);
                _count += sizeof(ushort);
                break;
            default:
                _buffer[_count++] = 127;
                BinaryPrimitives.WriteUInt64BigEndian(_buffer.AsSpan(_count), (ulong)payload.Length);
                _count += sizeof(ulong);
                break;
        }
        payload.CopyTo(_buffer.AsSpan(_count));
        _count += payload.Length;
    }

    public void AddPing()
    {
        Reserve(HeaderBytesMax);
        _buffer[_count++] = FinalPing;
        _buffer[_count++] = 0;
    }

    /// <summary>Starts anew, and gives the memory back: most connections are idle most of the time.</summary>
    public void Clear()
    {
        _count = 0;
        Dispose();
    }

    public void Dispose()
    {
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    void Reserve(int bytes)
    {
        if (_count + bytes <= _buffer.Length)
            return;
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_count + bytes, Math.Max(1024, 2 * _buffer.Length)));
        _buffer.AsSpan(0, _count).CopyTo(larger);
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }
}
