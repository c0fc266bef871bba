using System.IO.Pipelines;

namespace Conclave.Server.Connections;

/// <summary>Writes one thing so that it can be told from the next; returns how many bytes that took.</summary>
delegate int Framing(PipeWriter output, FrameKind kind, ReadOnlySpan<byte> payload);

/// <summary>
/// The framing of plain HTTP: one JSON object in each line. Where a WebSocket is pinged there is a space at the
/// beginning of the next line, which no JSON parser minds.
/// </summary>
static class JsonLines
{
    public const byte End = (byte)'\n';

    const byte Blank = (byte)' ';

    public static int Write(PipeWriter output, FrameKind kind, ReadOnlySpan<byte> payload)
    {
        switch (kind)
        {
            case FrameKind.Text:
                WriteOneLine(output, payload);
                Write(output, End);
                return payload.Length + 1;
            case FrameKind.Ping:
                Write(output, Blank);
                return 1;
            default:
                // The end of the body says goodbye.
                return 0;
        }
    }

    // In JSON a raw line break can only be white space. Here it would let the author of row_data forge a line.
    static void WriteOneLine(PipeWriter output, ReadOnlySpan<byte> json)
    {
        while (!json.IsEmpty)
        {
            var room = output.GetSpan();
            room = room[..Math.Min(room.Length, json.Length)];
            json[..room.Length].CopyTo(room);
            room.Replace((byte)'\n', Blank);
            room.Replace((byte)'\r', Blank);
            output.Advance(room.Length);
            json = json[room.Length..];
        }
    }

    static void Write(PipeWriter output, byte one)
    {
        output.GetSpan(1)[0] = one;
        output.Advance(1);
    }
}
