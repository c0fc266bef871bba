using Conclave.Server;
using Conclave.Server.Storage;

try
{
    var settings = Settings.Read(Environment.GetEnvironmentVariable);
    switch (args)
    {
        case []:
            return await ServeAsync(settings);
        case ["healthcheck"]:
            return await HealthCheck.RunAsync(settings);
        default:
            await Console.Error.WriteLineAsync("usage: conclave-server [healthcheck]");
            return 2;
    }
}
catch (StartupException fault)
{
    await Console.Error.WriteLineAsync("conclave-server: " + fault.Message);
    return 1;
}

static async Task<int> ServeAsync(Settings settings)
{
    await using var host = await ServerHost.StartAsync(settings, TimeProvider.System, CancellationToken.None);
    Greeting.Print(Console.Out, host, settings);
    await host.Stopping;
    if (host.Cluster is not { Exited.IsCompleted: true })
        return 0;
    await Console.Error.WriteLineAsync(
        $"conclave-server: its PostgreSQL has ended unasked; see the log in {settings.DataPath}, then start it again");
    return 1;
}
