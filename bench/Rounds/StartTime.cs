using System.Diagnostics;
using System.Globalization;
using System.Net;

namespace Conclave.Bench.Rounds;

/// <summary>
/// How long the built server takes from its start until it is ready, on a data folder that is there already, with the
/// PostgreSQL of its own in it.
/// </summary>
static class StartTime
{
    static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(2);
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static async Task<Run> RunAsync(Site site, CancellationToken cancellation)
    {
        var data = Path.Combine(site.Path, "start");
        if (!Directory.Exists(data))
        {
            Directory.CreateDirectory(data);
            await StartAsync(data, cancellation);
        }
        var microseconds = await StartAsync(data, cancellation);
        return new Run { Workload = "start", Target = "conclave", P50 = microseconds };
    }

    static async Task<double> StartAsync(string data, CancellationToken cancellation)
    {
        var url = "http://127.0.0.1:" + Site.FreePort().ToString(CultureInfo.InvariantCulture);
        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["CONCLAVE_DATA"] = data,
            ["CONCLAVE_URLS"] = url,
        };
        if (Environment.GetEnvironmentVariable("CONCLAVE_POSTGRES_BIN") is { } programs)
            environment["CONCLAVE_POSTGRES_BIN"] = programs;
        using var client = new HttpClient();
        var since = Stopwatch.GetTimestamp();
        await using var server = await Child.StartAsync(
            Tree.Program("Server", "conclave-server"), environment, null, cancellation);
        while (!await IsReadyAsync(client, url + "/readyz", cancellation))
        {
            if (server.HasExited || Stopwatch.GetElapsedTime(since) > Patience)
                throw new BenchException("the server did not start on a data folder of its own");
            await Task.Delay(Glance, TimeProvider.System, cancellation);
        }
        return Stopwatch.GetElapsedTime(since).TotalMicroseconds;
    }

    static async Task<bool> IsReadyAsync(HttpClient client, string url, CancellationToken cancellation)
    {
        try
        {
            using var response = await client.GetAsync(new Uri(url), cancellation);
            return response.StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
