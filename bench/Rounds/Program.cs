using System.Runtime.InteropServices;
using Conclave.Bench.Rounds;
using Conclave.Server.Storage;

const string Usage =
    """
    conclave-bench [quick] [only=P1,P4]   measures and prints; a full run also writes bench/results and docs
    conclave-bench render=FILE            writes docs/performance.md anew from a result
    """;

if (Plan.Parse(args) is not { } plan)
{
    await Console.Error.WriteLineAsync(Usage);
    return 2;
}

using var asked = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
try
{
    if (plan.Render is { } path)
    {
        Pages.Write(await ResultFile.ReadAsync(path, asked.Token));
        return 0;
    }
    return await MeasureAsync(plan, asked.Token);
}
catch (Exception fault) when (fault is StartupException or BenchException)
{
    await Console.Error.WriteLineAsync("conclave-bench: " + fault.Message);
    return 1;
}
catch (OperationCanceledException) when (asked.IsCancellationRequested)
{
    await Console.Error.WriteLineAsync("conclave-bench: asked to stop; nothing was written");
    return 1;
}

static async Task<int> MeasureAsync(Plan plan, CancellationToken cancellation)
{
    var result = await Bench.RunAsync(plan, cancellation);
    var summary = new Summary(result);
    Console.WriteLine();
    Console.WriteLine(summary.Text());
    Console.WriteLine("Written to " + await ResultFile.WriteAsync(result, plan.IsWhole, cancellation));
    if (plan.IsWhole && summary.Faults.Count == 0)
        Pages.Write(result);
    foreach (var fault in summary.Faults)
        Console.WriteLine("FAILED: " + fault);
    return summary.Faults.Count == 0 ? 0 : 1;
}

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    asked.Cancel();
}
