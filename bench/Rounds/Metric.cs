using System.Globalization;

namespace Conclave.Bench.Rounds;

/// <summary>One figure of a run.</summary>
/// <param name="Name">As a heading.</param>
/// <param name="Of">The figure; null where the run has none.</param>
/// <param name="Format">How it is written.</param>
sealed record Metric(string Name, Func<Run, double?> Of, Func<double, string> Format)
{
    const double MicrosecondsPerMillisecond = 1000;

    public static Metric Posts { get; } = new("posts/s", run => run.PostsPerSecond, Count);

    public static Metric Deliveries { get; } = new("deliveries/s", run => run.DeliveriesPerSecond, Count);

    public static Metric Entries { get; } = new("entries/s", run => run.EntriesPerSecond, Count);

    public static Metric Connects { get; } = new("connects/s", run => run.ConnectsPerSecond, Count);

    public static Metric Starts { get; } = new("starts/s", _ => null, Count);

    /// <summary>One of these is what a workload counts.</summary>
    public static IReadOnlyList<Metric> Rates { get; } = [Posts, Deliveries, Entries, Connects, Starts];

    public static Metric P50 { get; } = new("p50", run => Positive(run.P50), Time);

    public static Metric P99 { get; } = new("p99", run => Positive(run.P99), Time);

    /// <summary>Of server and PostgreSQL together.</summary>
    public static Metric CpuPerPost { get; } = new("CPU/post", run => Cpu(run) / Positive(run.Posts), Microseconds);

    /// <summary>Of server and PostgreSQL together.</summary>
    public static Metric CpuPerDelivery { get; } =
        new("CPU/delivery", run => Cpu(run) / Positive(run.Deliveries), Microseconds);

    public static Metric PostsPerCommit { get; } =
        new("posts/commit", run => Positive(run.PostsPerCommit), value => Fixed(value, 1));

    /// <summary>What the server holds resident, in bytes.</summary>
    public static Metric Memory { get; } = new(
        "memory", run => run.ServerRssKib * 1024, value => Fixed(value / 1e6, 0) + " MB");

    /// <summary>The same when the clients have left.</summary>
    public static Metric MemoryLeft { get; } = new(
        "memory afterwards", run => run.ServerRssLeftKib * 1024, value => Fixed(value / 1e6, 0) + " MB");

    public static Metric BytesPerConnection { get; } = new(
        "memory/connection", run => run.BytesPerConnection, value => Fixed(value / 1024, 1) + " KiB");

    /// <summary>The same number of digits everywhere, whatever the language of the machine.</summary>
    public static string Fixed(double value, int decimals) =>
        value.ToString("N" + decimals.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    static string Count(double value) => Fixed(value, 0);

    static string Microseconds(double value) => Fixed(value, value < 100 ? 1 : 0) + " µs";

    static string Time(double microseconds) => microseconds < MicrosecondsPerMillisecond
        ? Fixed(microseconds, 0) + " µs"
        : Fixed(microseconds / MicrosecondsPerMillisecond, microseconds < 10_000 ? 2 : 0) + " ms";

    static double? Cpu(Run run) => run.CpuServer + run.CpuPostgres;

    static double? Positive(double? count) => count > 0 ? count : null;
}
