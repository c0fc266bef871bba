using System.Diagnostics.Metrics;
using Conclave.Server.Storage;

namespace Conclave.Server.Writing;

/// <summary>What the writer tells of its commits: so much for each, however many posts it has.</summary>
sealed class WriterFigures(Meter meter)
{
    static readonly InstrumentAdvice<double> Times = new()
    {
        HistogramBucketBoundaries = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    };

    static readonly InstrumentAdvice<int> Sizes = new()
    {
        HistogramBucketBoundaries = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
    };

    // Of the verdicts, what an operator tells apart; why a post was refused, refusals are counted by.
    static readonly string[] Outcomes = ["stored", "duplicate", "refused", "failed", "unavailable", "unknown"];

    readonly Histogram<double> _seconds = meter.CreateHistogram(
        "conclave.commit.duration", "s", "From the start of a commit to its answer.", tags: null, Times);

    readonly Histogram<int> _entries = meter.CreateHistogram(
        "conclave.commit.entries", "{entry}", "Entries in one commit.", tags: null, Sizes);

    readonly Counter<long> _posts = meter.CreateCounter<long>(
        "conclave.posts", "{post}", "What was handed in for a log, by what became of it.");

    /// <summary>A batch was answered.</summary>
    public void Committed(TimeSpan duration, ReadOnlySpan<Appended> results)
    {
        _seconds.Record(duration.TotalSeconds);
        _entries.Record(results.Length);
        Span<int> counts = stackalloc int[Outcomes.Length];
        foreach (var result in results)
        {
            // What found its lobby locked goes again.
            if (result.Outcome != Outcome.Locked)
                counts[IndexOf(result.Outcome)]++;
        }
        for (var index = 0; index < counts.Length; index++)
            Add(index, counts[index]);
    }

    /// <summary>Posts came to nothing, without an answer of the database.</summary>
    public void Lost(Outcome outcome) => Add(IndexOf(outcome), 1);

    void Add(int index, int count)
    {
        if (count > 0)
            _posts.Add(count, new KeyValuePair<string, object?>("outcome", Outcomes[index]));
    }

    static int IndexOf(Outcome outcome) => outcome switch
    {
        Outcome.Stored => 0,
        Outcome.Duplicate => 1,
        Outcome.Broken => 3,
        Outcome.Unavailable => 4,
        Outcome.Unknown => 5,
        _ => 2,
    };
}
