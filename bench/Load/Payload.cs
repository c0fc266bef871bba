using System.Text;

namespace Conclave.Bench.Load;

/// <summary>
/// What is posted: a JSON string of a given size that begins with who posted it (4 hexadecimal digits) and its number
/// there (12), and always ends with the same letters. So every copy that comes back can be checked whole.
/// </summary>
sealed class Payload
{
    public const int BytesMin = PrefixBytes + 1;

    const int PrefixBytes = 1 + 4 + NumberDigits;
    const int NumberDigits = 12;

    readonly byte[] _tail;

    public Payload(int bytes)
    {
        Bytes = bytes;
        var letters = new StringBuilder(bytes);
        for (var index = PrefixBytes; index < bytes - 1; index++)
            letters.Append((char)('a' + (index * 7) % 26));
        _tail = Encoding.ASCII.GetBytes(letters.Append('"').ToString());
    }

    public int Bytes { get; }

    public byte[] Create(int poster)
    {
        var body = new byte[Bytes];
        body[0] = (byte)'"';
        WriteHex(body.AsSpan(1, 4), poster);
        _tail.CopyTo(body, PrefixBytes);
        return body;
    }

    public static void SetNumber(Span<byte> body, long number) => WriteHex(body.Slice(5, NumberDigits), number);

    /// <summary>Whether these are bytes that a poster posted, and which.</summary>
    public bool TryRead(ReadOnlySpan<byte> body, out int poster, out long number)
    {
        (poster, number) = (0, 0);
        if (body.Length != Bytes || !body[PrefixBytes..].SequenceEqual(_tail))
            return false;
        poster = (int)ReadHex(body.Slice(1, 4));
        number = ReadHex(body.Slice(5, NumberDigits));
        return poster >= 0 && number >= 0;
    }

    public static void WriteHex(Span<byte> digits, long value)
    {
        for (var index = digits.Length - 1; index >= 0; index--, value >>= 4)
            digits[index] = "0123456789abcdef"u8[(int)(value & 15)];
    }

    // Negative if there is another character among them.
    static long ReadHex(ReadOnlySpan<byte> digits)
    {
        var value = 0L;
        foreach (var digit in digits)
        {
            var nibble = digit is >= (byte)'0' and <= (byte)'9' ? digit - '0'
                : digit is >= (byte)'a' and <= (byte)'f' ? digit - 'a' + 10
                : -1;
            if (nibble < 0)
                return -1;
            value = (value << 4) | (uint)nibble;
        }
        return value;
    }
}
