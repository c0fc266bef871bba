using System.Diagnostics;
using System.Numerics;

namespace Conclave.Bench.Load;

/// <summary>A histogram of times whose columns are at most 1.6 % wide, so that recording one is an addition.</summary>
sealed class Latencies
{
    const int Bits = 6;

    readonly long[] _counts = new long[(64 - Bits) << Bits];
    long _count;
    long _max;

    /// <param name="ticks">Of <see cref="Stopwatch"/>.</param>
    public void Add(long ticks)
    {
        var value = Math.Max(0, ticks);
        _max = Math.Max(_max, value);
        _count++;
        _counts[ColumnOf(value)]++;
    }

    public void Clear()
    {
        Array.Clear(_counts);
        (_count, _max) = (0, 0);
    }

    /// <summary>In microseconds; 0 if there is none.</summary>
    public double Percentile(double percent)
    {
        var rank = (long)Math.Ceiling(_count * percent / 100);
        for (var column = 0; column < _counts.Length && _count > 0; column++)
        {
            rank -= _counts[column];
            if (rank <= 0)
                return Microseconds(Math.Min(_max, UpperOf(column)));
        }
        return 0;
    }

    /// <summary>In microseconds.</summary>
    public double Max => Microseconds(_max);

    static double Microseconds(long ticks) => Math.Round(ticks * 1e6 / Stopwatch.Frequency, 1);

    static int ColumnOf(long value)
    {
        var shift = Math.Max(0, 63 - BitOperations.LeadingZeroCount((ulong)value) - Bits);
        return (shift << Bits) + (int)(value >> shift);
    }

    static long UpperOf(int column)
    {
        var shift = Math.Max(0, (column >> Bits) - 1);
        return ((column - ((long)shift << Bits) + 1) << shift) - 1;
    }
}
