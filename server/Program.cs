using System.Runtime.InteropServices;
using Conclave.Server;
using Conclave.Server.Storage;

try
{
    switch (args)
    {
        case []:
            return await ServeAsync(Settings.OfEnvironment());
        case ["healthcheck"]:
            return await HealthCheck.RunAsync(Settings.OfEnvironment());
        case ["--help" or "-h"]:
            await Console.Out.WriteLineAsync(Greeting.Usage);
            return 0;
        default:
            await Console.Error.WriteLineAsync(Greeting.Usage);
            return 2;
    }
}
catch (StartupException fault)
{
    await Console.Error.WriteLineAsync("conclave-server: " + fault.Message);
    return 1;
}
catch (OperationCanceledException)
{
    await Console.Error.WriteLineAsync("conclave-server: asked to stop before it was there");
    return 1;
}

static async Task<int> ServeAsync(Settings settings)
{
    await using var host = await StartAsync(settings);
    Greeting.Print(Console.Out, host, settings);
    await host.Stopping;
    if (host.Cluster is not { Exited.IsCompleted: true })
        return 0;
    await Console.Error.WriteLineAsync(
        $"conclave-server: its PostgreSQL has ended unasked; see the log in {settings.DataPath}, then start it again");
    return 1;
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
