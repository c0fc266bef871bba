using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Conclave.Tests.Support;

/// <summary>A collector of OpenTelemetry: takes what is sent to it by HTTP, and shows it as it came.</summary>
sealed class Collector : IAsyncDisposable
{
    readonly HttpListener _listener = new();
    readonly ConcurrentQueue<(string Path, string Body)> _taken = new();
    readonly Task _taking;

    public Collector()
    {
        using (var free = new TcpListener(IPAddress.Loopback, 0))
        {
            free.Start();
            Url = new Uri($"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}");
        }
        _listener.Prefixes.Add(Url + "");
        _listener.Start();
        _taking = Task.Run(TakeAsync);
    }

    public Uri Url { get; }

    /// <summary>Everything that came to a path so far, byte by byte.</summary>
    public string Taken(string path) =>
        string.Concat(_taken.Where(one => one.Path == path).Select(one => one.Body));

    /// <summary>How often something came to a path.</summary>
    public int Count(string path) => _taken.Count(one => one.Path == path);

    public async ValueTask DisposeAsync()
    {
        _listener.Close();
        await _taking;
    }

    async Task TakeAsync()
    {
        try
        {
            while (true)
            {
                var context = await _listener.GetContextAsync();
                using var body = new MemoryStream();
                await context.Request.InputStream.CopyToAsync(body);
                _taken.Enqueue((context.Request.Url!.AbsolutePath, Encoding.Latin1.GetString(body.ToArray())));
                context.Response.Close();
            }
        }
        catch (Exception end) when (end is HttpListenerException or ObjectDisposedException)
        {
            // The test is over.
        }
    }
}
