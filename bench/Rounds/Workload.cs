namespace Conclave.Bench.Rounds;

/// <summary>Who is measured.</summary>
enum Target
{
    /// <summary>The least a durable server must do (bench/Floor).</summary>
    Floor,

    /// <summary>The server.</summary>
    Conclave,

    /// <summary>PostgreSQL alone, by its own pgbench.</summary>
    Pgbench,

    /// <summary>The start of the server.</summary>
    Start,
}

/// <summary>One of the two that take turns.</summary>
/// <param name="Target">Who is measured.</param>
/// <param name="Words">What the load generator is told beside where; nothing where it does not measure.</param>
sealed record Leg(Target Target, string Words);

/// <summary>What a workload is called and told where its lobbies are sealed.</summary>
/// <param name="Name">As in the tables.</param>
/// <param name="Leg">The server.</param>
sealed record SealedTwin(string Name, Leg Leg);

/// <summary>One thing that is measured: in rounds, in each the yardstick first and then the subject.</summary>
/// <param name="Name">As in the goals: P1 to P7, and what sets it apart.</param>
/// <param name="Yardstick">What the subject is compared with; null if a number is the goal.</param>
/// <param name="Subject">The server, most of the time.</param>
/// <param name="Rate">What its rate counts.</param>
sealed record Workload(string Name, Leg? Yardstick, Leg Subject, Metric Rate)
{
    /// <summary>Who the yardstick is, in the tables.</summary>
    public string YardstickName => Yardstick?.Target switch
    {
        null => "",
        Target.Floor => "floor",
        Target.Pgbench => "pgbench",
        _ => "undisturbed",
    };

    public string SubjectName => Yardstick?.Target == Target.Conclave ? "disturbed" : "conclave";

    /// <summary>The same in sealed lobbies, a workload of its own that runs in the same rounds; or null.</summary>
    public SealedTwin? Sealed { get; init; }

    public int? Rounds { get; init; }

    /// <summary>Whether it begins on a server that has done nothing yet.</summary>
    public bool OnFreshServer { get; init; }

    /// <summary>Whether each round does: it would fill memory that the one before has left free.</summary>
    public bool OnFreshServerEachRound { get; init; }

    /// <summary>The lobbies that must be full before: number and entries.</summary>
    public IReadOnlyList<int> Lobbies { get; init; } = [];

    public const int StoredLobby = 20;
    public const int StoredEntries = 50_000;
    public const int LargeLobby = 21;

    static readonly string FirstSealedLobby =
        $"first_user={SealedSeed.FirstUser} first_lobby={SealedSeed.FirstLobby}";

    static readonly string FullSealedLobby =
        $"first_user={SealedSeed.FirstUser} first_lobby={SealedSeed.FirstLobby + SealedSeed.LobbyCount}";

    /// <summary>All of them, in the order in which they run.</summary>
    public static IReadOnlyList<Workload> All(Plan plan)
    {
        const string Crowd = "posts connections=64 lobbies=16";
        // So few posts on their way that batches are small, as they are in life: then writes decide, and not bytes.
        const string Fanout = "fanout subscribers=200 rate=0 window=4";
        var large = plan.LargeLobbyEntries;
        return
        [
            AlsoSealed("P1 window 1", Crowd + " window=1", FirstSealedLobby, Metric.Posts),
            AlsoSealed("P1 window 32", Crowd + " window=32", FirstSealedLobby, Metric.Posts),
            OnBoth("P1 16 KiB", Crowd + " window=1 bytes=16384", Metric.Posts),
            AlsoSealed("P2 200", Fanout, FullSealedLobby, Metric.Deliveries),
            AlsoSealed(
                "P2 1,000", "fanout subscribers=1000 rate=0 window=4",
                $"{FullSealedLobby} members={SealedSeed.MemberCount - 1}", Metric.Deliveries),
            OnBoth("P2 200 window 128", "fanout subscribers=200 rate=0 window=128", Metric.Deliveries),
            OnBoth("P2 1,000 window 128", "fanout subscribers=1000 rate=0 window=128", Metric.Deliveries),
            OnBoth("P2 paced", "fanout subscribers=200 rate=10000", Metric.Deliveries),
            OnBoth("P4", $"replay lobby={StoredLobby} entries={StoredEntries}", Metric.Entries) with
            {
                Lobbies = [StoredLobby],
            },
            OnBoth("P4 large lobby", $"replay lobby={LargeLobby} entries={large}", Metric.Entries) with
            {
                Lobbies = [LargeLobby],
            },
            new("P6", new(Target.Conclave, Fanout), new(Target.Conclave, Fanout + " slow=1 replay=1"),
                Metric.Deliveries) { Lobbies = [LargeLobby] },
            new("lone post", new(Target.Pgbench, ""), new(Target.Conclave, "posts connections=1 lobbies=1 window=1"),
                Metric.Posts),
            OnBoth("P5", "many lobbies=1000 members=5", Metric.Posts) with
            {
                OnFreshServer = true,
                Rounds = plan.MemoryRounds,
            },
            new("P3 by token", null, new(Target.Conclave, "idle connections=5000 by=token"), Metric.Connects)
            {
                OnFreshServerEachRound = true,
            },
            // A few at a time: of many from one address the server would believe that they guess.
            new("P3 by password", null,
                new(Target.Conclave, $"idle connections={plan.PasswordConnections} by=password openings=8"),
                Metric.Connects),
            new("start", null, new(Target.Start, ""), Metric.Starts),
        ];
    }

    static Workload AlsoSealed(string name, string words, string where, Metric rate) => OnBoth(name, words, rate) with
    {
        Sealed = new("P7" + name[2..], new(Target.Conclave, $"{words} sealed=1 {where}")),
    };

    static Workload OnBoth(string name, string words, Metric rate) =>
        new(name, new(Target.Floor, words), new(Target.Conclave, words), rate);
}
