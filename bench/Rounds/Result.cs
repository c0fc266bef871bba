using System.Text.Json;
using System.Text.Json.Serialization;

namespace Conclave.Bench.Rounds;

/// <summary>All that a run of the bench found out; what bench/results holds.</summary>
sealed record Result
{
    public required DateTimeOffset Time { get; init; }

    public required string Commit { get; init; }

    /// <summary>full or quick, and which workloads if not all.</summary>
    public required string Mode { get; init; }

    public required Machine Machine { get; init; }

    /// <summary>The server's limits that were raised.</summary>
    public required IReadOnlyDictionary<string, string> Limits { get; init; }

    public required IReadOnlyList<Outcome> Outcomes { get; init; }
}

/// <summary>Where it ran.</summary>
/// <param name="Processor">The model.</param>
/// <param name="Processors">How many .NET sees.</param>
/// <param name="MemoryBytes">All that there is.</param>
/// <param name="System">Kernel and version.</param>
/// <param name="FileSystem">Where the cluster lay.</param>
/// <param name="Postgres">Its version.</param>
/// <param name="Durability">How PostgreSQL was set.</param>
/// <param name="DotNet">Its version.</param>
/// <param name="LoadBefore">How busy the machine was before: the system's average over one minute.</param>
sealed record Machine(
    string Processor,
    int Processors,
    long MemoryBytes,
    string System,
    string FileSystem,
    string Postgres,
    string Durability,
    string DotNet,
    double LoadBefore);

/// <summary>What one workload gave: the runs of both in the order of the rounds.</summary>
sealed record Outcome
{
    /// <summary>The subject's name where lobbies are sealed; in plain ones it has the server's.</summary>
    public const string SealedName = "sealed";

    public required string Workload { get; init; }

    /// <summary>What its rate counts.</summary>
    public required string Rate { get; init; }

    public required string Command { get; init; }

    public required string YardstickName { get; init; }

    public required string SubjectName { get; init; }

    public required IReadOnlyList<Run> Yardstick { get; init; }

    public required IReadOnlyList<Run> Subject { get; init; }

    /// <summary>Where lobbies are sealed: the same rounds in plain ones. Null otherwise.</summary>
    public IReadOnlyList<Run>? Plain { get; init; }

    /// <summary>What went wrong; nothing in a good run.</summary>
    [JsonIgnore]
    public IEnumerable<string> Faults => Yardstick.Concat(Subject).Concat(Plain ?? [])
        .SelectMany(run => run.Errors.Select(error => $"{Workload}, {run.Target}: {error}"));

    /// <summary>Of the subject's rounds; null where nothing was measured.</summary>
    public double? Median(Metric metric) => Statistics.Median(Good(Subject).Select(metric.Of));

    public double? YardstickMedian(Metric metric) => Statistics.Median(Good(Yardstick).Select(metric.Of));

    public double? PlainMedian(Metric metric) => Statistics.Median(Good(Plain ?? []).Select(metric.Of));

    /// <summary>The ratio to the yardstick in each round; rounds that failed are left out.</summary>
    public double[] Ratios(Metric metric) => Ratios(metric, Yardstick);

    /// <summary>The ratio to the same in plain lobbies, likewise.</summary>
    public double[] PlainRatios(Metric metric) => Ratios(metric, Plain ?? []);

    double[] Ratios(Metric metric, IEnumerable<Run> others) =>
    [
        .. Subject.Zip(others)
            .Where(pair => pair.First.Errors.Count == 0 && pair.Second.Errors.Count == 0)
            .Select(pair => metric.Of(pair.First) / metric.Of(pair.Second))
            .Where(ratio => ratio is { } number && double.IsFinite(number))
            .Select(ratio => ratio!.Value),
    ];

    /// <summary>What the goal compares with its limit, and between which values it lay.</summary>
    public (double Value, double Least, double Most)? Find(Goal goal)
    {
        double[] values = goal.Kind switch
        {
            GoalKind.Ratio => Ratios(goal.Metric),
            GoalKind.Growth => Statistics.Growth([.. Good(Subject).Select(goal.Metric.Of).OfType<double>()]),
            _ => [.. Good(Subject).Select(goal.Metric.Of).OfType<double>()],
        };
        if (values.Length == 0)
            return null;
        var value = goal.Kind == GoalKind.Last ? values[^1] : Statistics.Median(values.Cast<double?>())!.Value;
        return (value, values.Min(), values.Max());
    }

    static IEnumerable<Run> Good(IEnumerable<Run> runs) => runs.Where(run => run.Errors.Count == 0);
}

/// <summary>Results as files.</summary>
static class ResultFile
{
    /// <summary>Writes a result that is to be kept where it is kept, and any other where nobody commits it.</summary>
    /// <returns>The path.</returns>
    public static async Task<string> WriteAsync(Result result, bool isWhole, CancellationToken cancellation)
    {
        var folder = Path.Combine(Tree.Root, isWhole ? "bench/results" : "artifacts/bench/results");
        Directory.CreateDirectory(folder);
        var name = result.Time.ToString("yyyy-MM-dd'T'HHmm'Z'", System.Globalization.CultureInfo.InvariantCulture);
        var path = Path.Combine(folder, $"{name}-{result.Commit}.json");
        await using var file = File.Create(path);
        await JsonSerializer.SerializeAsync(file, result, ResultJson.Default.Result, cancellation);
        await file.WriteAsync("\n"u8.ToArray(), cancellation);
        return Path.GetRelativePath(Environment.CurrentDirectory, path);
    }

    public static async Task<Result> ReadAsync(string path, CancellationToken cancellation)
    {
        await using var file = File.OpenRead(path);
        return await JsonSerializer.DeserializeAsync(file, ResultJson.Default.Result, cancellation)
            ?? throw new BenchException($"{path} holds no result");
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    WriteIndented = true)]
[JsonSerializable(typeof(Result))]
[JsonSerializable(typeof(Run))]
sealed partial class ResultJson : JsonSerializerContext;
