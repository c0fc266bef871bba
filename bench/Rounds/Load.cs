using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Conclave.Bench.Rounds;

/// <summary>Runs the load generator, a process of its own (bench/Load), once for each measurement.</summary>
static class Load
{
    // Beyond the time it was asked for: connecting, and reading a large lobby to its end.
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <param name="words">The workload and its settings.</param>
    /// <param name="at">Whom to load.</param>
    /// <param name="seconds">How long to measure.</param>
    /// <param name="warmup">How long to run before, in seconds.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task<Run> RunAsync(
        string words, Endpoint at, int seconds, int warmup, CancellationToken cancellation)
    {
        string[] arguments =
        [
            .. words.Split(' '),
            "target=" + at.Name,
            "at=127.0.0.1:" + Text(at.Port),
            "seconds=" + Text(seconds),
            "warmup=" + Text(warmup),
            "server=" + Text(at.ProcessId),
            "postgres=" + Text(at.PostgresId),
            "database=" + at.Database,
        ];
        using var process = Process.Start(Child.Command(Tree.Program("Load", "conclave-load"), arguments))!;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(Patience);
        var output = process.StandardOutput.ReadToEndAsync(patience.Token);
        var errors = process.StandardError.ReadToEndAsync(patience.Token);
        try
        {
            await process.WaitForExitAsync(patience.Token);
            return Read(await output, await errors, process.ExitCode, at.Name);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            cancellation.ThrowIfCancellationRequested();
            return Failed(at.Name, $"it did not end within {Patience.TotalMinutes} minutes");
        }
    }

    static Run Read(string output, string errors, int exitCode, string target)
    {
        try
        {
            var line = output.TrimEnd().Split('\n')[^1];
            var run = JsonSerializer.Deserialize(line, ResultJson.Default.Run)!;
            // A check that failed without a word is a failure all the same.
            return exitCode == 0 || run.Errors.Count > 0
                ? run
                : run with { Errors = [$"the load generator ended with {exitCode}: {errors.Trim()}"] };
        }
        catch (JsonException)
        {
            return Failed(target, $"the load generator ended with {exitCode} and no figures: {errors.Trim()}");
        }
    }

    static Run Failed(string target, string error) => new() { Target = target, Errors = [error] };

    static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A server under load, and the database it stores in.</summary>
/// <param name="Name">As the load generator calls it.</param>
/// <param name="Port">On 127.0.0.1.</param>
/// <param name="ProcessId">Of the server.</param>
/// <param name="PostgresId">Of the first process of PostgreSQL.</param>
/// <param name="Database">For Npgsql.</param>
sealed record Endpoint(string Name, int Port, int ProcessId, int PostgresId, string Database);
