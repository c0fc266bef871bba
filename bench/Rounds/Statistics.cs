namespace Conclave.Bench.Rounds;

/// <summary>What many rounds say together.</summary>
static class Statistics
{
    // Fewer say nothing about a trend.
    const int GrowthRoundsMin = 6;

    public static double? Median(IEnumerable<double?> values)
    {
        double[] sorted = [.. values.OfType<double>().Order()];
        if (sorted.Length == 0)
            return null;
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /// <summary>
    /// The last third to the middle third; nothing for a few rounds. The first third is left out: in it code is
    /// compiled, and the heap finds its size.
    /// </summary>
    public static double[] Growth(double[] values)
    {
        if (values.Length < GrowthRoundsMin)
            return [];
        var third = values.Length / 3;
        var last = Median(values[^third..].Cast<double?>());
        var middle = Median(values[^(2 * third)..^third].Cast<double?>());
        return last / middle is { } growth ? [growth] : [];
    }
}
