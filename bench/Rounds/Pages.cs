namespace Conclave.Bench.Rounds;

/// <summary>Writes the measured part of docs/performance.md, between its marks, and the charts beside it.</summary>
static class Pages
{
    const string Begin = "<!-- measured: begin; make bench writes what stands here -->";
    const string End = "<!-- measured: end -->";

    public static void Write(Result result)
    {
        var folder = Path.Combine(Tree.Root, "docs/performance");
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "rates.svg"), Rates(result).Svg());
        File.WriteAllText(Path.Combine(folder, "latency.svg"), Latency(result).Svg());
        File.WriteAllText(Path.Combine(folder, "cpu.svg"), Cpu(result).Svg());
        var page = Path.Combine(Tree.Root, "docs/performance.md");
        var text = File.ReadAllText(page);
        var begin = text.IndexOf(Begin, StringComparison.Ordinal);
        var end = text.IndexOf(End, StringComparison.Ordinal);
        if (begin < 0 || end < begin)
            throw new BenchException("docs/performance.md has lost the marks between which the figures stand");
        File.WriteAllText(page, text[..(begin + Begin.Length)] + "\n\n" + Measured(result) + "\n" + text[end..]);
    }

    static string Measured(Result result) =>
        $"""
        {new Summary(result).Markdown().Trim()}

        ![The rate of each workload, as a share of its yardstick](performance/rates.svg)

        ![How long a post takes, or an entry until it is delivered](performance/latency.svg)

        ![What a post and a delivery cost server and PostgreSQL](performance/cpu.svg)

        """;

    static Plot Rates(Result result)
    {
        var plot = new Plot(
            "Rate, as a share of the yardstick", "median of the rounds; green: sealed; the red line is the goal");
        foreach (var outcome in result.Outcomes)
        {
            var rate = Metric.Rates.First(metric => metric.Name == outcome.Rate);
            if (Statistics.Median(outcome.Ratios(rate).Cast<double?>()) is not { } ratio)
                continue;
            var goal = Goal.All.FirstOrDefault(
                goal => goal.Workload == outcome.Workload && goal.Metric == rate && goal.Kind == GoalKind.Ratio);
            var yardstick = new Plot.Bar(1, Label(rate, outcome.YardstickMedian(rate)), Plot.Yardstick);
            var ours = new Plot.Bar(ratio, Label(rate, outcome.Median(rate)), ColourOf(outcome));
            plot.Add(outcome.Workload, goal?.Limit, yardstick, ours);
        }
        return plot;
    }

    static Plot Latency(Result result)
    {
        var plot = new Plot(
            "p99", "grey: the yardstick; blue: the server; green: sealed; median of the rounds, in milliseconds");
        foreach (var outcome in result.Outcomes)
            AddBoth(plot, outcome, Metric.P99, microseconds => microseconds / 1000);
        return plot;
    }

    static Plot Cpu(Result result)
    {
        var plot = new Plot(
            "Processor time of server and PostgreSQL",
            "grey: the floor; blue: the server; green: sealed; microseconds for each");
        foreach (var outcome in result.Outcomes)
        {
            var metric = outcome.Rate == Metric.Deliveries.Name ? Metric.CpuPerDelivery : Metric.CpuPerPost;
            AddBoth(plot, outcome, metric, value => value);
        }
        return plot;
    }

    static void AddBoth(Plot plot, Outcome outcome, Metric metric, Func<double, double> scale)
    {
        if (outcome.Median(metric) is not { } ours || outcome.YardstickMedian(metric) is not { } yardstick)
            return;
        plot.Add(outcome.Workload, null,
            new Plot.Bar(scale(yardstick), metric.Format(yardstick), Plot.Yardstick),
            new Plot.Bar(scale(ours), metric.Format(ours), ColourOf(outcome)));
    }

    // What is sealed stands apart from the same in plain lobbies, further up.
    static string ColourOf(Outcome outcome) => outcome.Plain is null ? Plot.Ours : Plot.Sealed;

    static string Label(Metric metric, double? value) => value is { } number ? metric.Format(number) : "";
}
