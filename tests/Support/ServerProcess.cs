using System.Diagnostics;
using System.Globalization;
using Conclave.Server.Storage;

namespace Conclave.Tests.Support;

/// <summary>The built server as a process of its own, with a PostgreSQL of its own: what can be killed.</summary>
sealed class ServerProcess : IAsyncDisposable
{
    const int SigTerm = 15;
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    readonly Process _process;
    readonly Task<string> _output;
    readonly Task<string> _errors;

    ServerProcess(Process process, string data, Uri url)
    {
        _process = process;
        Data = data;
        Url = url;
        // A pipe that nobody reads would stop the server.
        _output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        _errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
    }

    /// <summary>The data folder.</summary>
    public string Data { get; }

    public Uri Url { get; }

    /// <summary>PostgreSQL's first process.</summary>
    public int Postmaster => PostmasterOf(Data);

    /// <summary>To its database, for the user who runs the server.</summary>
    public string Database => $"Host={Path.Combine(Data, "postgres", "socket")};Username=conclave;Database=conclave";

    /// <summary>Its process id.</summary>
    public int Id => _process.Id;

    public static async Task<ServerProcess> StartAsync(
        string data, params IEnumerable<(string Name, string Value)> environment)
    {
        var start = Program(data);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        var process = Process.Start(start)!;
        using var patience = new CancellationTokenSource(Patience);
        while (await process.StandardOutput.ReadLineAsync(patience.Token) is { } line)
        {
            if (line.StartsWith("Conclave listens on ", StringComparison.Ordinal))
                return new ServerProcess(process, data, new Uri(line.Split(' ')[^1]));
        }
        throw new InvalidOperationException(await process.StandardError.ReadToEndAsync(patience.Token));
    }

    /// <summary>The first process of the PostgreSQL in a data folder.</summary>
    public static int PostmasterOf(string data) => int.Parse(
        File.ReadLines(Path.Combine(data, "postgres", "data", "postmaster.pid")).First(), CultureInfo.InvariantCulture);

    /// <summary>The built program, to be started on a data folder and with nothing of our own environment.</summary>
    public static ProcessStartInfo Program(string data, params ReadOnlySpan<string> arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "conclave-server"), [.. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        var inherited = start.Environment.Keys.Where(name => name.StartsWith("CONCLAVE_", StringComparison.Ordinal));
        foreach (var name in inherited.Where(name => name != "CONCLAVE_POSTGRES_BIN").ToArray())
            start.Environment.Remove(name);
        start.Environment["CONCLAVE_DATA"] = data;
        start.Environment["CONCLAVE_URLS"] = "http://127.0.0.1:0";
        // Its users post as fast as they are answered.
        start.Environment["CONCLAVE_LIMIT_MESSAGES_PER_SECOND"] = "0";
        return start;
    }

    /// <summary>kill -9, of the server alone: its PostgreSQL lives on.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Waits until it ends by itself; its exit code and what it said on standard error.</summary>
    public async Task<(int Code, string Errors)> ExitAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(patience.Token);
        return (_process.ExitCode, await _errors);
    }

    /// <summary>All that it said since it listened, once it has ended.</summary>
    public async Task<string> SaidAsync() => await _output + await _errors;

    /// <summary>Stops it as Ctrl-C does.</summary>
    public async Task StopAsync()
    {
        if (_process.HasExited)
            return;
        PostgresProcesses.Signal(_process.Id, SigTerm);
        using var patience = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(patience.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _process.Dispose();
    }
}
