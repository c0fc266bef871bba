using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Conclave.Server.Storage;
using Microsoft.Diagnostics.NETCore.Client;

namespace Conclave.Tests.Support;

/// <summary>The built server as a process of its own, with a PostgreSQL of its own: what can be killed.</summary>
sealed class ServerProcess : IAsyncDisposable
{
    const int SigHup = 1;
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

    /// <summary>Whether the program is there that writes core dumps; some makers of .NET leave it out.</summary>
    public static bool CanDumpCore => File.Exists(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "createdump"));

    public static async Task<ServerProcess> StartAsync(
        string data, params IEnumerable<(string Name, string Value)> environment)
    {
        var start = Program(data);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return await StartAsync(data, start);
    }

    /// <summary>The same in the care of <c>nohup</c>, which has it outlive the terminal.</summary>
    public static async Task<ServerProcess> StartWithoutHangUpAsync(string data)
    {
        var start = Program(data);
        start.ArgumentList.Insert(0, start.FileName);
        start.FileName = "nohup";
        return await StartAsync(data, start);
    }

    static async Task<ServerProcess> StartAsync(string data, ProcessStartInfo start)
    {
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

    /// <summary>Its terminal is closed.</summary>
    public void HangUp() => PostgresProcesses.Signal(_process.Id, SigHup);

    /// <summary>Whether it takes no notice of its terminal.</summary>
    public bool IgnoresHangUp()
    {
        var ignored = File.ReadLines($"/proc/{_process.Id}/status").Single(
            line => line.StartsWith("SigIgn:", StringComparison.Ordinal))["SigIgn:".Length..];
        return (long.Parse(ignored, NumberStyles.HexNumber | NumberStyles.AllowLeadingWhite,
            CultureInfo.InvariantCulture) & (1L << (SigHup - 1))) != 0;
    }

    /// <summary>Waits until it ends by itself; its exit code and what it said on standard error.</summary>
    public async Task<(int Code, string Errors)> ExitAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(patience.Token);
        return (_process.ExitCode, await _errors);
    }

    /// <summary>Writes what <c>pg_dump</c> says of its database to a file.</summary>
    public async Task DumpDatabaseAsync(string file)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var programs = await PostgresPrograms.FindAsync(
            Environment.GetEnvironmentVariable("CONCLAVE_POSTGRES_BIN"), dataMajor: null,
            await PostgresAccount.FindAsync(cancellation), cancellation);
        // Where the server's programs are links, this one is beside what they lead to.
        var folder = File.ResolveLinkTarget(programs.Postgres, returnFinalTarget: true) is { } target
            ? Path.GetDirectoryName(target.FullName)!
            : programs.Folder;
        string[] words =
            ["--host", Path.Combine(Data, "postgres", "socket"), "--username", "conclave", "--file", file, "conclave"];
        var start = new ProcessStartInfo(Path.Combine(folder, "pg_dump"), words)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        var dump = await OperatorProgram.RunAsync(start, input: []);
        Assert.True(dump.Code == 0, dump.ToString());
    }

    /// <summary>
    /// Writes all of its memory to a file, as when it crashes; it goes on. Needs the program that .NET comes with for
    /// this: see <see cref="CanDumpCore"/>.
    /// </summary>
    public Task DumpCoreAsync(string file) => new DiagnosticsClient(Id).WriteDumpAsync(
        DumpType.Full, file, logDumpGeneration: false, TestContext.Current.CancellationToken);

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
