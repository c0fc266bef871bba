using System.Diagnostics;
using Conclave.Server.Storage;

namespace Conclave.Bench.Rounds;

/// <summary>A program of ours that runs until it is stopped; what it says goes into a file.</summary>
sealed class Child : IAsyncDisposable
{
    const int SigTerm = 15;
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    readonly Process _process;
    readonly StreamWriter _log;
    readonly Lock _gate = new();
    readonly TaskCompletionSource<string> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly string _readyStart;

    Child(ProcessStartInfo start, string readyStart, string log)
    {
        _readyStart = readyStart;
        Directory.CreateDirectory(Path.GetDirectoryName(log)!);
        _log = new StreamWriter(log, append: true) { AutoFlush = true };
        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
        _process.OutputDataReceived += (_, line) => Note(line.Data);
        _process.ErrorDataReceived += (_, line) => Note(line.Data);
        _process.Exited += (_, _) => _ready.TrySetException(
            new BenchException($"{Path.GetFileName(start.FileName)} ended by itself; see {log}"));
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>The line that said that it is ready.</summary>
    public string ReadyLine { get; private set; } = "";

    /// <param name="program">Its path.</param>
    /// <param name="environment">What it is told.</param>
    /// <param name="readyStart">How the line begins that says it is ready; null not to wait for one.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task<Child> StartAsync(
        string program,
        IReadOnlyDictionary<string, string> environment,
        string? readyStart,
        CancellationToken cancellation)
    {
        var start = Command(program, []);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        var log = Path.Combine(Tree.Root, "artifacts", "bench", Path.GetFileName(program) + ".log");
        var child = new Child(start, readyStart ?? "", log);
        child._process.Start();
        child._process.BeginOutputReadLine();
        child._process.BeginErrorReadLine();
        if (readyStart is null)
            return child;
        try
        {
            child.ReadyLine = await child._ready.Task.WaitAsync(Patience, cancellation);
            return child;
        }
        catch
        {
            await child.DisposeAsync();
            throw;
        }
    }

    /// <summary>A command that knows nothing of how the caller's shell has set a server.</summary>
    public static ProcessStartInfo Command(string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in start.Environment.Keys
            .Where(name => name.StartsWith("CONCLAVE_", StringComparison.Ordinal)
                || name.StartsWith("PG", StringComparison.Ordinal)).ToArray())
            start.Environment.Remove(name);
        return start;
    }

    /// <summary>Stops it as Ctrl-C does.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            PostgresProcesses.Signal(_process.Id, SigTerm);
            using var patience = new CancellationTokenSource(Patience);
            await _process.WaitForExitAsync(patience.Token);
        }
        _process.Dispose();
        lock (_gate)
            _log.Dispose();
    }

    void Note(string? line)
    {
        if (line is null)
            return;
        lock (_gate)
            _log.WriteLine(line);
        if (line.StartsWith(_readyStart, StringComparison.Ordinal))
            _ready.TrySetResult(line);
    }
}
