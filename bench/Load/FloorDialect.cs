using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Conclave.Bench.Load;

/// <summary>The frames of bench/Floor/Wire.cs.</summary>
sealed class FloorDialect : Dialect
{
    const int PostHeadBytes = 5 + 4 + 4 + 16;
    const int EntryHeadBytes = 5 + 52;

    // Of all nonces of this run.
    readonly byte[] _run = RandomNumberGenerator.GetBytes(8);

    public override byte[] Handshake => [];

    public override bool TryRead(Link link, Span<byte> bytes, out Frame frame, out int consumed)
    {
        frame = default;
        consumed = 0;
        if (bytes.Length < 5)
            return false;
        var total = 4 + BinaryPrimitives.ReadInt32LittleEndian(bytes);
        if (bytes.Length < total)
            return false;
        consumed = total;
        switch (bytes[4])
        {
            case 1:
                frame.Kind = FrameKind.Ack;
                frame.Id = BinaryPrimitives.ReadUInt32LittleEndian(bytes[5..]);
                frame.Seq = BinaryPrimitives.ReadInt64LittleEndian(bytes[9..]);
                return true;
            case 2:
                frame.Kind = FrameKind.Entry;
                frame.Seq = BinaryPrimitives.ReadInt64LittleEndian(bytes[9..]);
                frame.Body = bytes[EntryHeadBytes..total];
                return true;
            default:
                frame.Kind = FrameKind.Answer;
                frame.Seq = BinaryPrimitives.ReadInt64LittleEndian(bytes[9..]);
                return true;
        }
    }

    public override byte[]? Greet(int user) => null;

    public override byte[]? SignIn(int user) => null;

    public override byte[]? FindLobby(int lobby) => null;

    public override void Learn(int lobby, ReadOnlySpan<byte> answer)
    {
        // Its number is its id.
    }

    public override byte[] Subscribe(int user, int lobby, long? after)
    {
        var frame = Begin(kind: 2, lobby, bytes: 17);
        BinaryPrimitives.WriteInt64LittleEndian(frame.AsSpan(9), after ?? -1);
        return frame;
    }

    public override byte[] ReadPage(int user, int lobby, long after, int countMax)
    {
        var frame = Begin(kind: 3, lobby, bytes: 21);
        BinaryPrimitives.WriteInt64LittleEndian(frame.AsSpan(9), after);
        BinaryPrimitives.WriteInt32LittleEndian(frame.AsSpan(17), countMax);
        return frame;
    }

    public override bool TryReadEntry(ref ReadOnlySpan<byte> page, out Frame entry)
    {
        entry = default;
        return false;
    }

    public override PostForm CreatePost(int user, int lobby, Payload payload)
    {
        var frame = Begin(kind: 1, lobby, PostHeadBytes + payload.Bytes);
        _run.CopyTo(frame, 13);
        payload.Create(user).CopyTo(frame, PostHeadBytes);
        return new Form(frame);
    }

    public override byte[] Pong(ReadOnlySpan<byte> body) => [];

    static byte[] Begin(byte kind, int lobby, int bytes)
    {
        var frame = new byte[bytes];
        BinaryPrimitives.WriteInt32LittleEndian(frame, bytes - 4);
        frame[4] = kind;
        BinaryPrimitives.WriteInt32LittleEndian(frame.AsSpan(5), lobby);
        return frame;
    }

    sealed class Form(byte[] frame) : PostForm(frame)
    {
        public override void Fill(Span<byte> frame, long number)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(frame[9..], (uint)number);
            // The way nonces ascend in the server's dialect: it matters to the index.
            BinaryPrimitives.WriteInt64BigEndian(frame[21..], number);
            Payload.SetNumber(frame[PostHeadBytes..], number);
        }
    }
}
