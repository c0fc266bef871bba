using System.Diagnostics;

namespace Conclave.Bench.Rounds;

/// <summary>Sets the site up and runs every workload, the yardstick and the subject in turn.</summary>
sealed class Bench
{
    const string WarmupWords = "posts connections=64 lobbies=16 window=4";
    const int WarmupSeconds = 4;

    readonly Plan _plan;
    readonly Site _site;

    Bench(Plan plan, Site site)
    {
        _plan = plan;
        _site = site;
    }

    public static async Task<Result> RunAsync(Plan plan, CancellationToken cancellation)
    {
        var workloads = Workload.All(plan)
            .Where(workload => plan.Wants(workload.Name) || plan.Wants(workload.Sealed)).ToArray();
        if (workloads.Length == 0)
            throw new BenchException("no workload has such a name: " + string.Join(", ", plan.Only));
        var since = Stopwatch.GetTimestamp();
        var loadBefore = Survey.LoadAverage();
        Say("starting PostgreSQL, the floor and the server, and seeding");
        await using var site = await Site.OpenAsync(cancellation);
        var bench = new Bench(plan, site);
        await bench.PrepareAsync(workloads, cancellation);
        List<Outcome> outcomes = [];
        var wasSealed = false;
        foreach (var workload in workloads)
        {
            // What a server keeps of sealed lobbies would be in the memory of all that comes after.
            var isSealed = plan.Wants(workload.Sealed);
            if (wasSealed && !isSealed)
                await bench.StartWarmAsync(cancellation);
            wasSealed = isSealed;
            outcomes.AddRange(await bench.MeasureAsync(workload, cancellation));
        }
        Say($"done in {Stopwatch.GetElapsedTime(since).TotalMinutes:0.0} minutes");
        return new Result
        {
            Time = TimeProvider.System.GetUtcNow(),
            Commit = Survey.Commit(),
            Mode = (plan.IsQuick ? "quick" : "full") + string.Concat(plan.Only.Select(name => " " + name)),
            Machine = await Survey.MachineAsync(site, loadBefore, cancellation),
            Limits = RaisedLimits.All,
            // P7 runs together with P1 and P2, and is told after all others.
            Outcomes = [.. outcomes.OrderBy(outcome => outcome.Plain is not null)],
        };
    }

    async Task PrepareAsync(Workload[] workloads, CancellationToken cancellation)
    {
        await Seed.RunAsync(_site, cancellation);
        if (workloads.Any(workload => _plan.Wants(workload.Sealed)))
            await SealedSeed.RunAsync(_site, cancellation);
        // Before the first figure the code that all workloads share is compiled, on both.
        foreach (var at in (Endpoint[])[_site.Floor, _site.Conclave])
            await Load.RunAsync(WarmupWords, at, WarmupSeconds, warmup: 0, cancellation);
        foreach (var lobby in workloads.SelectMany(workload => workload.Lobbies).Distinct())
        {
            var count = lobby == Workload.LargeLobby ? _plan.LargeLobbyEntries : Workload.StoredEntries;
            Say($"filling a lobby with {Metric.Fixed(count, 0)} entries, on both");
            await Seed.FillAsync(_site, lobby, count, cancellation);
        }
        await _site.VacuumAsync(cancellation);
    }

    async Task StartWarmAsync(CancellationToken cancellation)
    {
        await _site.StartConclaveAsync(cancellation);
        await Load.RunAsync(WarmupWords, _site.Conclave, WarmupSeconds, warmup: 0, cancellation);
    }

    async Task<List<Outcome>> MeasureAsync(Workload workload, CancellationToken cancellation)
    {
        var twin = _plan.Wants(workload.Sealed) ? workload.Sealed : null;
        Say(workload.Name + (twin is null ? "" : $" and {twin.Name}"));
        if (workload.OnFreshServer)
            await _site.StartConclaveAsync(cancellation);
        List<Run> yardstick = [];
        List<Run> subject = [];
        List<Run> @sealed = [];
        for (var round = 0; round < (workload.Rounds ?? _plan.Rounds); round++)
        {
            var isFirst = round == 0;
            if (workload.OnFreshServerEachRound)
                await _site.StartConclaveAsync(cancellation);
            if (workload.Yardstick is { } leg && await RunAsync(leg, isFirst, cancellation) is { } measured)
                yardstick.Add(Note(workload, workload.YardstickName, measured));
            if (await RunAsync(workload.Subject, isFirst, cancellation) is { } run)
                subject.Add(Note(workload, workload.SubjectName, run));
            if (twin is not null && await RunAsync(twin.Leg, isFirst, cancellation) is { } sealedRun)
                @sealed.Add(Note(workload, Outcome.SealedName, sealedRun));
        }
        var outcome = new Outcome
        {
            Workload = workload.Name,
            Rate = workload.Rate.Name,
            Command = workload.Subject.Words,
            YardstickName = workload.YardstickName,
            SubjectName = workload.SubjectName,
            Yardstick = yardstick,
            Subject = subject,
        };
        List<Outcome> outcomes = _plan.Wants(workload.Name) ? [outcome] : [];
        if (twin is not null)
        {
            outcomes.Add(outcome with
            {
                Workload = twin.Name,
                Command = twin.Leg.Words,
                SubjectName = Outcome.SealedName,
                Subject = @sealed,
                Plain = subject,
            });
        }
        return outcomes;
    }

    async Task<Run?> RunAsync(Leg leg, bool isFirst, CancellationToken cancellation)
    {
        var warmup = isFirst ? _plan.FirstWarmupSeconds : _plan.WarmupSeconds;
        await _site.SettleAsync(cancellation);
        return leg.Target switch
        {
            Target.Floor => await Load.RunAsync(leg.Words, _site.Floor, _plan.SecondsEach, warmup, cancellation),
            Target.Conclave => await Load.RunAsync(
                leg.Words, _site.Conclave, _plan.SecondsEach, warmup, cancellation),
            Target.Pgbench => await SingleInsert.RunAsync(_site, _plan.SecondsEach, cancellation),
            Target.Start => await StartTime.RunAsync(_site, cancellation),
            _ => throw new ArgumentOutOfRangeException(nameof(leg)),
        };
    }

    static Run Note(Workload workload, string name, Run run)
    {
        var figures = new[] { workload.Rate, Metric.P50, Metric.P99, Metric.Memory }
            .Select(metric => metric.Of(run) is { } value ? $"{metric.Name} {metric.Format(value)}" : null)
            .OfType<string>();
        Console.WriteLine($"  {name,-12} {string.Join(", ", figures)}");
        foreach (var error in run.Errors)
            Console.WriteLine($"  {name,-12} FAILED: {error}");
        return run;
    }

    static void Say(string text) => Console.WriteLine(text);
}
