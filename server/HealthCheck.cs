namespace Conclave.Server;

/// <summary>Asks a running server whether it is ready: images have no curl.</summary>
static class HealthCheck
{
    public static async Task<int> RunAsync(Settings settings)
    {
        var url = settings.Urls[0];
        // A server that listens on every address is asked on this machine's own.
        var host = url.Host is "0.0.0.0" or "[::]" ? "127.0.0.1" : url.Host;
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(4) };
        try
        {
            using var reply = await client.GetAsync(new UriBuilder(url) { Host = host, Path = "/readyz" }.Uri);
            return reply.IsSuccessStatusCode ? 0 : 1;
        }
        catch (Exception fault) when (fault is HttpRequestException or TaskCanceledException)
        {
            return 1;
        }
    }
}
