using System.Text.Json.Serialization;

namespace Conclave.Bench.Rounds;

/// <summary>What one run of a workload gave: the line that the load generator prints. What it lacks is null.</summary>
sealed record Run
{
    public string Workload { get; init; } = "";

    public string Target { get; init; } = "";

    public double? Posts { get; init; }

    public double? Deliveries { get; init; }

    public double? Seconds { get; init; }

    public double? PostsPerSecond { get; init; }

    public double? DeliveriesPerSecond { get; init; }

    public double? EntriesPerSecond { get; init; }

    public double? ReplayEntriesPerSecond { get; init; }

    public double? ConnectsPerSecond { get; init; }

    public double? BytesPerConnection { get; init; }

    public double? SlowBytes { get; init; }

    [JsonPropertyName("p50_us")]
    public double? P50 { get; init; }

    [JsonPropertyName("p99_us")]
    public double? P99 { get; init; }

    [JsonPropertyName("max_us")]
    public double? Max { get; init; }

    [JsonPropertyName("cpu_server_us")]
    public double? CpuServer { get; init; }

    [JsonPropertyName("cpu_postgres_us")]
    public double? CpuPostgres { get; init; }

    [JsonPropertyName("cpu_load_us")]
    public double? CpuLoad { get; init; }

    /// <summary>What a client needs to seal a post, apart from the above: it was done before.</summary>
    [JsonPropertyName("seal_us")]
    public double? Seal { get; init; }

    public double? Commits { get; init; }

    public double? PostsPerCommit { get; init; }

    public double? ServerRssKib { get; init; }

    public double? ServerRssLeftKib { get; init; }

    /// <summary>What was lost, doubled, reordered or refused. A run that has any measures nothing.</summary>
    public IReadOnlyList<string> Errors { get; init; } = [];
}
