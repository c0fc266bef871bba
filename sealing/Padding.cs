// References
//   ISO/IEC 7816-4 padding; Padmé: Nikitin and others, "Reducing Metadata Leakage from Encrypted Files" (2019).
// Parameters
//   padded = P || 0x80 || 0x00 …, of max(256, Padmé(len(P) + 1)) bytes: at most 12 % longer from 256 on
using System.Numerics;

namespace Conclave.Sealing;

/// <summary>Hides how long a content is, roughly (docs/sealing.md, section 6).</summary>
static class Padding
{
    public const int SizeBytesMin = 256;

    const byte Marker = 0x80;

    /// <summary>How long the padded form of so many bytes is.</summary>
    public static int PaddedBytes(int contentBytes) => Math.Max(SizeBytesMin, Padme(checked(contentBytes + 1)));

    /// <summary>Writes the padding behind the content that stands in <paramref name="padded"/> already.</summary>
    /// <param name="padded">Zeros from <paramref name="contentBytes"/> on.</param>
    public static void Mark(Span<byte> padded, int contentBytes) => padded[contentBytes] = Marker;

    /// <summary>How long the content is: trailing zeros go, then exactly one marker; -1 if there is none.</summary>
    public static int ContentBytes(ReadOnlySpan<byte> padded)
    {
        var marker = padded.LastIndexOfAnyExcept((byte)0);
        return marker >= 0 && padded[marker] == Marker ? marker : -1;
    }

    /// <summary>The next length whose low bits are zero, fewer of them the shorter it is.</summary>
    internal static int Padme(int length)
    {
        if (length < 2)
        {
            return length;
        }

        var exponent = BitOperations.Log2((uint)length);
        var significant = BitOperations.Log2((uint)exponent) + 1;
        var mask = (1 << (exponent - significant)) - 1;
        return checked(length + mask) & ~mask;
    }
}
