namespace Conclave.Server;

/// <summary>Asks a running server whether it is ready: images have no curl.</summary>
static class HealthCheck
{
    public static async Task<int> RunAsync(Settings settings)
    {
        using var handler = new SocketsHttpHandler();
        // Its name is that of the world outside: here it is known by the file.
        if (settings.Tls is { } tls)
            handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) => tls.Have(shown);
        using var client = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(4) };
        try
        {
            using var reply = await client.GetAsync(new Uri(OnThisMachine(settings.Urls[0]), "/readyz"));
            return reply.IsSuccessStatusCode ? 0 : 1;
        }
        catch (Exception fault) when (fault is HttpRequestException or TaskCanceledException)
        {
            return 1;
        }
    }

    /// <summary>Where this machine reaches what listens there, which may be on all its addresses.</summary>
    public static Uri OnThisMachine(Uri url) =>
        url.Host is "0.0.0.0" or "[::]" ? new UriBuilder(url) { Host = "127.0.0.1" }.Uri : url;
}
