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
    // The framework heeds signals only once the server listens, and that of a closed terminal never: a PostgreSQL that
    // runs by then would be left behind.
    using var signals = new StopSignals();
    await using var host = await ServerHost.StartAsync(settings, TimeProvider.System, signals.Asked);
    Greeting.Print(Console.Out, host, settings);
    await host.Stopping.WaitAsync(signals.Asked).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
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
