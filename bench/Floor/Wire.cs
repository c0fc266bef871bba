using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Conclave.Bench.Floor;

/// <summary>
/// The frames of the floor, all numbers little-endian: length of what follows (4 bytes), kind (1), then per kind.
/// <code>
/// to the server    1 post        lobby (4) id (4) nonce (16) body
///                  2 subscribe   lobby (4) after (8; -1 = from the end)
///                  3 read        lobby (4) after (8) entries at most (4)
/// to the client    1 ack         id (4) seq (8)
///                  2 entry       lobby (4) seq (8) time (8) author (16) nonce (16) body
///                  3 subscribed  lobby (4) last seq (8)
///                  4 read        lobby (4) last seq (8), after its entries
/// </code>
/// </summary>
static class Wire
{
    public const int HeaderBytes = 5;
    public const int AckBytes = HeaderBytes + 12;
    public const int EntryBytes = HeaderBytes + 52;
    public const int EndBytes = HeaderBytes + 12;

    public const byte Post = 1;
    public const byte Subscribe = 2;
    public const byte Read = 3;

    const byte Ack = 1;
    const byte Entry = 2;

    public const byte Subscribed = 3;
    public const byte ReadEnd = 4;

    public static void WriteAck(Span<byte> frame, uint id, long seq)
    {
        WriteHeader(frame, AckBytes, Ack);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[5..], id);
        BinaryPrimitives.WriteInt64LittleEndian(frame[9..], seq);
    }

    /// <summary>Writes all of an entry but its body, which follows.</summary>
    public static void WriteEntry(Span<byte> frame, in Entry entry, int bodyBytes)
    {
        WriteHeader(frame, EntryBytes + bodyBytes, Entry);
        BinaryPrimitives.WriteInt32LittleEndian(frame[5..], entry.Lobby);
        BinaryPrimitives.WriteInt64LittleEndian(frame[9..], entry.Seq);
        BinaryPrimitives.WriteInt64LittleEndian(frame[17..], entry.Time);
        entry.Author.TryWriteBytes(frame[25..]);
        entry.Nonce.TryWriteBytes(frame[41..]);
    }

    /// <summary>What ends a read, and what begins a subscription.</summary>
    public static void WriteEnd(Span<byte> frame, byte kind, int lobby, long lastSeq)
    {
        WriteHeader(frame, EndBytes, kind);
        BinaryPrimitives.WriteInt32LittleEndian(frame[5..], lobby);
        BinaryPrimitives.WriteInt64LittleEndian(frame[9..], lastSeq);
    }

    static void WriteHeader(Span<byte> frame, int bytes, byte kind)
    {
        BinaryPrimitives.WriteInt32LittleEndian(frame, bytes - 4);
        frame[4] = kind;
    }
}

/// <summary>An entry without its body.</summary>
[StructLayout(LayoutKind.Auto)]
readonly record struct Entry(int Lobby, long Seq, long Time, Guid Author, Guid Nonce);
