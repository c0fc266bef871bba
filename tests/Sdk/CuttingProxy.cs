using System.Net;
using System.Net.Sockets;

namespace Conclave.Tests.Sdk;

/// <summary>
/// Stands between a client and a server and passes bytes on, until it cuts the line in the midst of them. Its address
/// stays when the server's changes, as that of a load balancer does.
/// </summary>
sealed class CuttingProxy : IAsyncDisposable
{
    readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    readonly CancellationTokenSource _stop = new();
    readonly int[] _bytesUntilCut;
    readonly Task _accepting;

    /// <summary>A proxy that cuts line number n after so many bytes from the server, and those beyond never.</summary>
    public CuttingProxy(Uri target, params int[] bytesUntilCut)
    {
        Target = target;
        _bytesUntilCut = bytesUntilCut;
        _listener.Start();
        Address = new Uri($"http://{_listener.LocalEndpoint}");
        _accepting = AcceptAsync();
    }

    public Uri Address { get; }

    /// <summary>Where new lines lead.</summary>
    public Uri Target { get; set; }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    async Task AcceptAsync()
    {
        List<Task> lines = [];
        try
        {
            while (true)
            {
                var caller = await _listener.AcceptTcpClientAsync(_stop.Token);
                int? bytes = lines.Count < _bytesUntilCut.Length ? _bytesUntilCut[lines.Count] : null;
                lines.Add(ConnectAsync(caller, bytes));
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed.
        }
        await Task.WhenAll(lines);
    }

    async Task ConnectAsync(TcpClient caller, int? bytesUntilCut)
    {
        using var server = new TcpClient();
        using (caller)
        using (var cut = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token))
        {
            try
            {
                await server.ConnectAsync(Target.Host, Target.Port, cut.Token);
                var up = PassAsync(caller.GetStream(), server.GetStream(), null, cut.Token);
                var down = PassAsync(server.GetStream(), caller.GetStream(), bytesUntilCut, cut.Token);
                await Task.WhenAny(up, down);
                await cut.CancelAsync();
                await Task.WhenAll(up, down);
            }
            catch (SocketException)
            {
                // Nobody listens there just now; the caller sees the line end.
            }
        }
    }

    static async Task PassAsync(NetworkStream from, NetworkStream to, int? bytesUntilCut, CancellationToken cut)
    {
        var buffer = new byte[4096];
        var left = bytesUntilCut ?? long.MaxValue;
        try
        {
            while (left > 0)
            {
                var count = await from.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, left)), cut);
                if (count == 0)
                {
                    return;
                }
                left -= count;
                await to.WriteAsync(buffer.AsMemory(0, count), cut);
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // The line ended on the other side.
        }
    }
}
