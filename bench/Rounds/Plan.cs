namespace Conclave.Bench.Rounds;

/// <summary>What to run and how long: everything, or a quick look that says the same with less certainty.</summary>
sealed record Plan
{
    public bool IsQuick { get; init; }

    /// <summary>Starts of workloads' names; empty means all.</summary>
    public IReadOnlyList<string> Only { get; init; } = [];

    /// <summary>A result to write the pages from; null to measure.</summary>
    public string? Render { get; init; }

    /// <summary>Whether its result is one to keep: all workloads, at full length.</summary>
    public bool IsWhole => !IsQuick && Only.Count == 0;

    /// <summary>How often each workload runs, on the floor and on the server in turn.</summary>
    public int Rounds => IsQuick ? 1 : 5;

    /// <summary>As often that a growth of memory would show.</summary>
    public int MemoryRounds => IsQuick ? 2 : 10;

    public int SecondsEach => IsQuick ? 2 : 5;

    public int WarmupSeconds { get; } = 1;

    /// <summary>The first time a workload comes, code is compiled and caches are filled.</summary>
    public int FirstWarmupSeconds => IsQuick ? 1 : 4;

    /// <summary>What the large lobby holds.</summary>
    public int LargeLobbyEntries => IsQuick ? 50_000 : 1_000_000;

    /// <summary>Sign-ins by password; each costs the server some 20 ms of one processor.</summary>
    public int PasswordConnections => IsQuick ? 100 : 500;

    /// <summary>Null if the arguments make no sense.</summary>
    public static Plan? Parse(IEnumerable<string> arguments)
    {
        var plan = new Plan();
        foreach (var argument in arguments)
        {
            switch (argument.Split('=', 2))
            {
                case ["quick"]:
                    plan = plan with { IsQuick = true };
                    break;
                case ["only", var names]:
                    plan = plan with { Only = names.Split(',', StringSplitOptions.RemoveEmptyEntries) };
                    break;
                case ["render", var path]:
                    plan = plan with { Render = path };
                    break;
                default:
                    return null;
            }
        }
        return plan;
    }

    public bool Wants(SealedTwin? twin) => twin is not null && Wants(twin.Name);

    public bool Wants(string name) =>
        Only.Count == 0 || Only.Any(start => name.StartsWith(start, StringComparison.OrdinalIgnoreCase));
}
