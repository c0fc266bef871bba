// References
//   RFC 6455, section 5.2: the base framing protocol.
using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Conclave.Server.Connections;

/// <summary>What a frame is; the numbers are those of RFC 6455, section 5.2.</summary>
enum FrameKind
{
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

/// <summary>The head of a frame that a client sent.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="IsFinal">Whether its message ends with it.</param>
/// <param name="Bytes">Size of the payload.</param>
/// <param name="Mask">What the payload is masked with, in the order of its bytes.</param>
[StructLayout(LayoutKind.Auto)]
readonly record struct FrameHeader(FrameKind Kind, bool IsFinal, long Bytes, uint Mask)
{
    /// <summary>Size of the largest payload of a close, a ping or a pong, in bytes.</summary>
    public const int ControlBytesMax = 125;

    const int BytesMax = 14;
    const int Final = 0x80;
    const int Reserved = 0x70;
    const int Masked = 0x80;

    public bool IsControl => Kind >= FrameKind.Close;

    /// <summary>
    /// Reads the header at the beginning of <paramref name="buffer"/>, and moves that behind it. False while it is not
    /// all there.
    /// </summary>
    /// <exception cref="InvalidDataException">No client may send such a frame.</exception>
    public static bool TryRead(ref ReadOnlySequence<byte> buffer, out FrameHeader header)
    {
        header = default;
        Span<byte> bytes = stackalloc byte[BytesMax];
        var count = (int)Math.Min(BytesMax, buffer.Length);
        buffer.Slice(0, count).CopyTo(bytes);
        if (count < 2)
            return false;
        var size = bytes[1] & ~Masked;
        var sizeBytes = size switch
        {
            126 => sizeof(ushort),
            127 => sizeof(ulong),
            _ => 0,
        };
        if ((bytes[0] & Reserved) != 0 || (bytes[1] & Masked) == 0)
            throw new InvalidDataException("a frame of a client is masked, and has no reserved bits");
        if (count < 2 + sizeBytes + sizeof(uint))
            return false;
        var payloadBytes = sizeBytes switch
        {
            sizeof(ushort) => BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]),
            sizeof(ulong) => BinaryPrimitives.ReadInt64BigEndian(bytes[2..]),
            _ => size,
        };
        var mask = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(2 + sizeBytes)..]);
        header = new FrameHeader((FrameKind)(bytes[0] & 0x0F), (bytes[0] & Final) != 0, payloadBytes, mask);
        if (!Enum.IsDefined(header.Kind) || payloadBytes < 0
            || header.IsControl && (payloadBytes > ControlBytesMax || !header.IsFinal))
            throw new InvalidDataException("a frame has no known form");
        buffer = buffer.Slice(2 + sizeBytes + sizeof(uint));
        return true;
    }

    /// <summary>Copies payload bytes and takes the mask off.</summary>
    /// <param name="source">Masked bytes, from <paramref name="offset"/> of the payload on.</param>
    /// <param name="destination">At least as long.</param>
    /// <param name="offset">Where in the payload.</param>
    public void Unmask(ReadOnlySpan<byte> source, Span<byte> destination, long offset)
    {
        // The mask as it meets the first byte, twice over; little-endian, as the bytes lie.
        var mask = System.Numerics.BitOperations.RotateRight(Mask, (int)(offset % sizeof(uint)) * 8);
        var wide = (ulong)mask << 32 | mask;
        while (source.Length >= sizeof(ulong))
        {
            BinaryPrimitives.WriteUInt64LittleEndian(
                destination, BinaryPrimitives.ReadUInt64LittleEndian(source) ^ wide);
            source = source[sizeof(ulong)..];
            destination = destination[sizeof(ulong)..];
        }
        for (var index = 0; index < source.Length; index++)
            destination[index] = (byte)(source[index] ^ (byte)(wide >> (8 * index)));
    }
}
