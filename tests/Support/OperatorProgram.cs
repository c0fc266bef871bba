using System.Diagnostics;
using System.Text;

namespace Conclave.Tests.Support;

/// <summary>The server program as its operator runs it: one command, to its end.</summary>
sealed record OperatorProgram(int Code, string Output, string Errors)
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    /// <summary>The rows below the row of names, as cells.</summary>
    public string[][] Rows => [.. Lines.Skip(1).Select(line => line.Split('\t'))];

    public string[] Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Runs a command on the database in a data folder.</summary>
    public static Task<OperatorProgram> RunAsync(string data, params string[] arguments) =>
        RunAsync(ServerProcess.Program(data, arguments), input: []);

    /// <summary>Runs a command and gives it something to read.</summary>
    public static async Task<OperatorProgram> RunAsync(ProcessStartInfo start, byte[] input)
    {
        start.RedirectStandardInput = true;
        start.StandardOutputEncoding = start.StandardErrorEncoding = Encoding.UTF8;
        using var process = Process.Start(start)!;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Patience);
        var output = process.StandardOutput.ReadToEndAsync(patience.Token);
        var errors = process.StandardError.ReadToEndAsync(patience.Token);
        await process.StandardInput.BaseStream.WriteAsync(input, patience.Token);
        process.StandardInput.Close();
        await process.WaitForExitAsync(patience.Token);
        return new OperatorProgram(process.ExitCode, await output, await errors);
    }

    /// <summary>Runs a command that must succeed.</summary>
    public static async Task<OperatorProgram> DoAsync(string data, params string[] arguments)
    {
        var run = await RunAsync(data, arguments);
        Assert.True(run.Code == 0, $"{string.Join(' ', arguments)}: {run}");
        return run;
    }

    /// <summary>Runs a command that must fail; what it says.</summary>
    public static async Task<string> RefusedAsync(string data, params string[] arguments)
    {
        var run = await RunAsync(data, arguments);
        Assert.True(run.Code == 1, $"{string.Join(' ', arguments)}: {run}");
        Assert.StartsWith("conclave-server: ", run.Errors, StringComparison.Ordinal);
        return run.Errors;
    }
}
