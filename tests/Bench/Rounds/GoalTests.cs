using Conclave.Bench.Rounds;

namespace Conclave.Tests.Bench.Rounds;

/// <summary>How the bench judges, for a bench that judges wrongly is worse than none.</summary>
public sealed class GoalTests
{
    static readonly Goal AtLeast = new("P4", Metric.Entries, GoalKind.Ratio, Least: true, 0.8);
    static readonly Goal AtMost = new("P5", Metric.Memory, GoalKind.Last, Least: false, 100);
    static readonly Goal NoGrowth = new("P5", Metric.Memory, GoalKind.Growth, Least: false, 1.05);

    [Fact]
    public void Every_goal_is_one_of_a_workload_that_runs() =>
        Assert.Empty(Goal.All.Select(goal => goal.Workload)
            .Except(Workload.All(new Plan()).Select(workload => workload.Name)));

    [Fact]
    public void Goal_missed_by_no_more_than_the_noise_is_told_from_one_that_is_missed()
    {
        Verdict[] atLeast = [.. new double?[] { 0.8, 0.79, 0.64, 0.63, null }.Select(AtLeast.Judge)];
        Verdict[] atMost = [.. new double?[] { 100, 101, 125, 126, null }.Select(AtMost.Judge)];

        Verdict[] expected =
            [Verdict.Holds, Verdict.Within25Percent, Verdict.Within25Percent, Verdict.Misses, Verdict.NotMeasured];
        Assert.Equal(expected, atLeast);
        Assert.Equal(expected, atMost);
    }

    [Fact]
    public void Ratio_is_that_of_one_round_and_the_middle_one_counts()
    {
        // The machine slows down fivefold in the last round, and the ratio hardly notices.
        var outcome = Measured(
            yardstick: [Entries(1000), Entries(1000), Entries(200)],
            subject: [Entries(700), Entries(900), Entries(160)]);

        Assert.Equal((0.8, 0.7, 0.9), outcome.Find(AtLeast));
    }

    [Fact]
    public void Round_in_which_anything_was_lost_counts_for_nothing_and_is_told()
    {
        var lost = Entries(5000) with { Errors = ["seq 7 was lost"] };
        var outcome = Measured(yardstick: [Entries(1000), Entries(1000)], subject: [Entries(500), lost]);

        Assert.Equal((0.5, 0.5, 0.5), outcome.Find(AtLeast));
        Assert.Contains("seq 7 was lost", Assert.Single(outcome.Faults), StringComparison.Ordinal);
    }

    [Fact]
    public void Memory_that_goes_on_growing_is_seen_and_memory_that_settles_is_not()
    {
        var growing = Measured([], [.. Enumerable.Range(0, 10).Select(round => Memory(80 + 4 * round))]);
        var settled = Measured([], [.. Enumerable.Range(0, 10).Select(round => Memory(round < 3 ? 60 : 90))]);

        Assert.True(growing.Find(NoGrowth)!.Value.Value > 1.05);
        Assert.Equal(1, settled.Find(NoGrowth)!.Value.Value);
    }

    [Fact]
    public void Sealed_posts_are_compared_with_plain_ones_of_the_same_round()
    {
        var outcome = Measured(
            yardstick: [Entries(1000), Entries(1000), Entries(100)],
            subject: [Entries(300), Entries(400), Entries(45)]) with
        {
            Plain = [Entries(600), Entries(1000), Entries(50)],
        };

        Assert.Equal([0.5, 0.4, 0.9], outcome.PlainRatios(Metric.Entries));
        Assert.Equal([0.3, 0.4, 0.45], outcome.Ratios(Metric.Entries));
    }

    static Outcome Measured(Run[] yardstick, Run[] subject) => new()
    {
        Workload = "P4",
        Rate = Metric.Entries.Name,
        Command = "",
        YardstickName = "floor",
        SubjectName = "conclave",
        Yardstick = yardstick,
        Subject = subject,
    };

    static Run Entries(double rate) => new() { EntriesPerSecond = rate };

    static Run Memory(double kib) => new() { ServerRssKib = kib };
}
