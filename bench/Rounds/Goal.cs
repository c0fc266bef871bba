namespace Conclave.Bench.Rounds;

/// <summary>How a figure stands to its goal.</summary>
enum Verdict
{
    Holds,

    /// <summary>Missed by no more than the noise of a shared machine.</summary>
    Within25Percent,

    Misses,

    NotMeasured,
}

/// <summary>What is to be reached. The table below is the only place where the goals stand.</summary>
/// <param name="Workload">Whose.</param>
/// <param name="Metric">Which figure.</param>
/// <param name="Kind">What is compared.</param>
/// <param name="Least">Whether the limit is a lower one.</param>
/// <param name="Limit">The limit.</param>
sealed record Goal(string Workload, Metric Metric, GoalKind Kind, bool Least, double Limit)
{
    const double Noise = 1.25;

    public static IReadOnlyList<Goal> All { get; } =
    [
        AtLeast("P1 window 1", Metric.Posts, 0.65),
        AtMost("P1 window 1", Metric.P99, 1.6),
        AtLeast("P1 window 32", Metric.Posts, 0.5),
        new("P1 window 32", Metric.PostsPerCommit, GoalKind.Value, Least: true, 80),
        AtLeast("P2 200", Metric.Deliveries, 0.85),
        AtLeast("P2 1,000", Metric.Deliveries, 0.85),
        AtMost("P2 paced", Metric.CpuPerDelivery, 1.15),
        new("P3 by token", Metric.BytesPerConnection, GoalKind.Value, Least: false, 24 * 1024),
        AtLeast("P4", Metric.Entries, 0.8),
        AtLeast("P4 large lobby", Metric.Entries, 0.8),
        AtLeast("P5", Metric.Posts, 0.8),
        new("P5", Metric.MemoryLeft, GoalKind.Last, Least: false, 120e6),
        // "No growth": the last rounds hold no more than the first, but for what a collector leaves lying about.
        new("P5", Metric.MemoryLeft, GoalKind.Growth, Least: false, 1.05),
        AtLeast("P6", Metric.Deliveries, 0.9),
        AtMost("lone post", Metric.P50, 2),
        new("start", Metric.P50, GoalKind.Value, Least: false, 1_500_000),
    ];

    string Sign => Least ? "≥" : "≤";

    /// <param name="yardstick">What the ratio is to.</param>
    public string TextFor(string yardstick) => Kind switch
    {
        GoalKind.Ratio => $"{Sign} {Metric.Fixed(Limit, 2)} × {yardstick}",
        GoalKind.Growth => "no growth (≤ 5 %)",
        _ => $"{Sign} {Metric.Format(Limit)}",
    };

    public string What => Kind == GoalKind.Growth ? "memory, last rounds : first" : Metric.Name;

    public Verdict Judge(double? value) => (value, Least) switch
    {
        (null, _) => Verdict.NotMeasured,
        ({ } number, true) => number >= Limit ? Verdict.Holds
            : number >= Limit / Noise ? Verdict.Within25Percent : Verdict.Misses,
        ({ } number, false) => number <= Limit ? Verdict.Holds
            : number <= Limit * Noise ? Verdict.Within25Percent : Verdict.Misses,
    };

    /// <summary>The figure as it is compared.</summary>
    public string Write(double value) =>
        Kind is GoalKind.Value or GoalKind.Last ? Metric.Format(value) : Metric.Fixed(value, 2);

    static Goal AtLeast(string workload, Metric metric, double ratio) =>
        new(workload, metric, GoalKind.Ratio, Least: true, ratio);

    static Goal AtMost(string workload, Metric metric, double ratio) =>
        new(workload, metric, GoalKind.Ratio, Least: false, ratio);
}

/// <summary>What of a figure is compared with its limit.</summary>
enum GoalKind
{
    /// <summary>The ratio to the yardstick of the same round.</summary>
    Ratio,

    /// <summary>The figure itself.</summary>
    Value,

    /// <summary>The figure itself, after the last round.</summary>
    Last,

    /// <summary>The ratio of the last rounds to the first.</summary>
    Growth,
}
