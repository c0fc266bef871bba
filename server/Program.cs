using System.Runtime.InteropServices;
using Conclave.Server;
using Conclave.Server.Operator;
using Conclave.Server.Storage;

try
{
    var root = CommandTree.Build(
        () => ServeAsync(Settings.OfEnvironment()), () => HealthCheck.RunAsync(Settings.OfEnvironment()));
    return await CommandTree.RunAsync(root, args);
}
catch (StartupException fault)
{
    await Console.Error.WriteLineAsync("conclave-server: " + fault.Message);
    return ExitCode.Failed;
}
catch (OperationCanceledException)
{
    await Console.Error.WriteLineAsync("conclave-server: asked to stop before it was there");
    return ExitCode.Failed;
}

static async Task<int> ServeAsync(Settings settings)
{
    await using var host = await StartAsync(settings);
    Greeting.Print(Console.Out, host, settings);
    await host.Stopping;
    string? fault = host switch
    {
        { Cluster.Exited.IsCompleted: true } =>
            $"its PostgreSQL has ended unasked; see the log in {settings.DataPath}, then start it again",
        { Claim.Overtaken.IsCompleted: true } =>
            "a backup was restored or the master key changed under it; start it again",
        _ => null,
    };
    if (fault is null)
        return ExitCode.Done;
    await Console.Error.WriteLineAsync("conclave-server: " + fault);
    return ExitCode.Failed;
}

// Until the server listens nobody else heeds these signals, and a PostgreSQL that runs already would be left behind.
static async Task<ServerHost> StartAsync(Settings settings)
{
    using var asked = new CancellationTokenSource();
    using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
    using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    return await ServerHost.StartAsync(settings, TimeProvider.System, asked.Token);

    void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true;
        asked.Cancel();
    }
}
