using System.Globalization;
using System.Text;

namespace Conclave.Bench.Rounds;

/// <summary>A result in tables: the figures, and how they stand to the goals.</summary>
sealed class Summary(Result result)
{
    const string None = "–";

    static readonly Metric[] Figures =
        [Metric.P50, Metric.P99, Metric.CpuPerPost, Metric.CpuPerDelivery, Metric.PostsPerCommit, Metric.Memory];

    /// <summary>What went wrong while it was measured; then the figures mean nothing.</summary>
    public IReadOnlyList<string> Faults { get; } = [.. result.Outcomes.SelectMany(outcome => outcome.Faults)];

    /// <summary>Everything, for a terminal.</summary>
    public string Text() => string.Join('\n', Where(), FigureTable().Text(), Notes(), GoalTable().Text());

    /// <summary>Everything, for a page.</summary>
    public string Markdown() => string.Join('\n', Where(), GoalTable().Markdown(), FigureTable().Markdown(), Notes());

    /// <summary>Each workload's yardstick, subject and their ratio: medians of the rounds.</summary>
    Table FigureTable()
    {
        var table = new Table(["workload", "", "rate", .. Figures.Select(metric => metric.Name)]);
        foreach (var outcome in result.Outcomes)
        {
            var rate = RateOf(outcome);
            if (outcome.Yardstick.Count == 0)
            {
                table.Add([outcome.Workload, outcome.SubjectName, .. Cells(outcome, rate, outcome.Median)]);
                continue;
            }
            table.Add([outcome.Workload, outcome.YardstickName, .. Cells(outcome, rate, outcome.YardstickMedian)]);
            if (outcome.Plain is not null)
                table.Add(["", "plain", .. Cells(outcome, rate, outcome.PlainMedian)]);
            table.Add(["", outcome.SubjectName, .. Cells(outcome, rate, outcome.Median)]);
            table.Add(["", "ratio", .. Figures.Prepend(rate).Select(metric => Ratio(outcome.Ratios(metric)))]);
            if (outcome.Plain is not null)
            {
                table.Add([
                    "", "to plain", .. Figures.Prepend(rate).Select(metric => Ratio(outcome.PlainRatios(metric)))]);
            }
        }
        return table;
    }

    Table GoalTable()
    {
        var table = new Table("workload", "figure", "goal", "measured", "rounds from", "to", "verdict");
        foreach (var goal in Goal.All)
        {
            if (result.Outcomes.FirstOrDefault(outcome => outcome.Workload == goal.Workload) is not { } outcome)
                continue;
            var found = outcome.Find(goal);
            table.Add(
                goal.Workload,
                goal.What,
                goal.TextFor(outcome.YardstickName),
                found is { } measured ? goal.Write(measured.Value) : None,
                found is { } least ? goal.Write(least.Least) : None,
                found is { } most ? goal.Write(most.Most) : None,
                WordOf(goal.Judge(found?.Value)));
        }
        return table;
    }

    string Where()
    {
        var machine = result.Machine;
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"Commit {result.Commit}, {result.Mode} run, {result.Time:u}.");
        text.Append(CultureInfo.InvariantCulture, $"{machine.Processor}, {machine.Processors} processors, ");
        text.AppendLine(CultureInfo.InvariantCulture, $"{Metric.Fixed(machine.MemoryBytes / 1e9, 0)} GB;");
        text.AppendLine(CultureInfo.InvariantCulture,
            $"{machine.System}; {machine.FileSystem}; .NET {machine.DotNet};");
        text.AppendLine(CultureInfo.InvariantCulture, $"PostgreSQL {machine.Postgres} with {machine.Durability}.");
        text.AppendLine(CultureInfo.InvariantCulture,
            $"The system's load average before: {Metric.Fixed(machine.LoadBefore, 1)}.");
        text.AppendLine(result.Limits.Count == 0
            ? "No limit was raised."
            : "Raised limits: " + string.Join(", ", result.Limits.Select(limit => $"{limit.Key}={limit.Value}")) + ".");
        return text.ToString();
    }

    string Notes()
    {
        var text = new StringBuilder();
        foreach (var outcome in result.Outcomes)
        {
            if (Statistics.Median(outcome.Subject.Select(run => run.ReplayEntriesPerSecond)) is { } replay)
            {
                text.AppendLine(CultureInfo.InvariantCulture,
                    $"{outcome.Workload}: the one who replays reads {Metric.Fixed(replay, 0)} entries/s meanwhile.");
            }
            if (Statistics.Median(outcome.Subject.Select(run => run.ConnectsPerSecond)) is { } connects)
            {
                text.AppendLine(CultureInfo.InvariantCulture,
                    $"{outcome.Workload}: {Metric.Fixed(connects, 0)} connects/s, {Each(outcome)} for each.");
            }
        }
        var seals = result.Outcomes.SelectMany(outcome => outcome.Subject).Select(run => run.Seal);
        if (Statistics.Median(seals) is { } seal)
        {
            text.AppendLine(CultureInfo.InvariantCulture,
                $"P7: to seal a post takes a client {Metric.Fixed(seal, 0)} µs, which are not in the figures.");
        }
        foreach (var outcome in result.Outcomes.Where(outcome => outcome is { Workload: "lone post", Yardstick: [] }))
            text.AppendLine(outcome.Workload + ": there is no pgbench here to compare with.");
        return text.ToString();
    }

    static string Each(Outcome outcome) =>
        outcome.Median(Metric.BytesPerConnection) is { } bytes ? Metric.BytesPerConnection.Format(bytes) : None;

    static IEnumerable<string> Cells(Outcome outcome, Metric rate, Func<Metric, double?> median)
    {
        yield return median(rate) is { } value ? $"{rate.Format(value)} {outcome.Rate}" : None;
        foreach (var metric in Figures)
            yield return median(metric) is { } figure ? metric.Format(figure) : None;
    }

    static string Ratio(double[] ratios) =>
        Statistics.Median(ratios.Cast<double?>()) is { } ratio ? Metric.Fixed(ratio, 2) : None;

    static Metric RateOf(Outcome outcome) => Metric.Rates.First(metric => metric.Name == outcome.Rate);

    static string WordOf(Verdict verdict) => verdict switch
    {
        Verdict.Holds => "holds",
        Verdict.Within25Percent => "within 25 %",
        Verdict.Misses => "misses",
        _ => "not measured",
    };
}
