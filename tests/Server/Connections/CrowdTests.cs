using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Conclave.Tests.Support;

namespace Conclave.Tests.Server.Connections;

/// <summary>A crowd takes all that the machine has: nothing else runs beside it.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class Crowd;

/// <summary>
/// Crowds that send as much as they may and read nothing. The server is a process of its own, so that its memory is
/// its own; a signed-in pair goes on exchanging messages.
/// </summary>
[Collection<Crowd>]
public sealed class CrowdTests(PostgresCluster postgres, ITestOutputHelper output) : IDisposable
{
    const int CrowdSize = 1000;
    const int RequestBytes = 64 << 10;

    // What the server may ever have resident: 100 MiB for itself, 16 MiB of budget for strangers' requests, and for
    // each of a thousand sockets what it may send ahead of being read, 64 KiB, with what a connection takes besides.
    const long ResidentMax = 320L << 20;

    static readonly IPAddress Elsewhere = IPAddress.Parse("127.0.0.2");

    readonly string _folder = Directory.CreateTempSubdirectory("conclave-crowd-").FullName;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("websocket")]
    [InlineData("http")]
    public async Task Thousand_strangers_who_send_all_they_may_are_held_in_bounds_and_disturb_nobody(string transport)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "memory is read where Linux tells it");
        await using var server = await StartAsync();
        await using var pair = await Pair.ConnectAsync(server.Url);
        await pair.ExchangeAsync(10);
        var sockets = new Socket[CrowdSize];
        for (var index = 0; index < CrowdSize; index++)
            sockets[index] = await ConnectAsync(server.Url);
        var flood = transport == "http" ? Posts() : Frames();
        var sending = Task.WhenAll(sockets.Select(socket => SendAsync(socket, flood)));
        await Figures.UntilAsync(server.Url, now =>
            now[$"conclave_connections{{transport={transport}}}"] >= CrowdSize
            && now["conclave_budget_taken_bytes{budget=anonymous_requests}"] >= 16 << 20
            && now["conclave_budget_waiting{budget=anonymous_requests}"] >= 500);

        await pair.ExchangeAsync(200);
        await using (var stranger = await WireClient.ConnectAsync(server.Url))
            await stranger.SignUpAsync("stranger");
        var peak = PeakResident(server);
        output.WriteLine($"{peak >> 20} MiB were resident at most");
        Assert.InRange(peak, 1, ResidentMax);

        foreach (var socket in sockets)
            socket.Dispose();
        await sending;
        await Figures.UntilAsync(server.Url, now =>
            now["conclave_budget_taken_bytes{budget=anonymous_requests}"] == 0 && now["conclave_sockets"] < 10);
        await pair.ExchangeAsync(10);
    }

    [Fact]
    public async Task Subscribers_who_never_read_large_entries_are_held_in_bounds_and_disturb_nobody()
    {
        const int Silent = 500;
        Assert.SkipUnless(OperatingSystem.IsLinux(), "memory is read where Linux tells it");
        await using var server = await StartAsync(("CONCLAVE_LIMIT_MESSAGE_BYTES_PER_SECOND", "0"));
        await using var pair = await Pair.ConnectAsync(server.Url);
        await using var author = await WireClient.ConnectAsync(server.Url);
        var token = await author.SignUpAsync("author");
        await author.DoAsync("""{"action":"create_lobby","lobby_name":"large"}""");
        List<RawPeer> silent = [];
        for (var count = 0; count < Silent; count++)
        {
            silent.Add(await RawPeer.ConnectAsync(server.Url, Elsewhere, receiveBytes: 4096));
            await silent[^1].SendAsync($$"""{"action":"subscribe","token":"{{token}}","lobby_name":"large"}""");
            Assert.NotNull(await silent[^1].ReadAsync());
        }
        for (var count = 0; count < 10; count++)
        {
            await author.DoAsync(
                $$"""{"action":"message","lobby_name":"large","row_data":"{{new string('x', 1_000_000)}}"}""");
            await pair.ExchangeAsync(10);
        }

        var peak = PeakResident(server);
        output.WriteLine($"{peak >> 20} MiB were resident at most");
        Assert.InRange(peak, 1, ResidentMax);
        // One of them begins to read, when those that share its memory are gone.
        foreach (var peer in silent.Skip(1))
            await peer.DisposeAsync();
        for (var count = 0; count < 10; count++)
            Assert.Equal(RawPeer.Text, (await silent[0].ReadAsync())!.First);
        await silent[0].DisposeAsync();
        await Figures.UntilAsync(server.Url, now =>
            now["conclave_budget_taken_bytes{budget=large_entries}"] == 0
            && now["conclave_budget_taken_bytes{budget=frames}"] == 0);
        await pair.ExchangeAsync(10);
    }

    async Task<ServerProcess> StartAsync(params IEnumerable<(string Name, string Value)> more) =>
        await ServerProcess.StartAsync(
            _folder, [("CONCLAVE_DATABASE", await TestServer.CreateDatabaseAsync(postgres)), .. more]);

    static async Task<Socket> ConnectAsync(Uri server)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(Elsewhere, 0));
        await socket.ConnectAsync(IPAddress.Loopback, server.Port, Cancellation);
        return socket;
    }

    // As much as the server takes; the rest waits here, and goes when the socket does.
    static async Task SendAsync(Socket socket, ReadOnlyMemory<byte> bytes)
    {
        try
        {
            while (!bytes.IsEmpty)
                bytes = bytes[await socket.SendAsync(bytes, Cancellation)..];
        }
        catch (Exception end) when (end is SocketException or ObjectDisposedException)
        {
            // That is how it ends.
        }
    }

    // Three requests of the greatest size, whose answers are not read, and one that lacks its last byte.
    static byte[] Frames()
    {
        using var frames = new MemoryStream();
        frames.Write(Encoding.ASCII.GetBytes(
            "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
        for (var count = 0; count < 4; count++)
        {
            // A frame of 65,536 bytes, masked with zeros.
            frames.Write([0x81, 0x80 | 127, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
            frames.Write(Request());
        }
        return frames.ToArray()[..^1];
    }

    static byte[] Posts()
    {
        using var posts = new MemoryStream();
        for (var count = 0; count < 4; count++)
        {
            posts.Write(Encoding.ASCII.GetBytes(
                "POST /api HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                + $"Content-Length: {RequestBytes}\r\n\r\n"));
            posts.Write(Request());
        }
        return posts.ToArray()[..^1];
    }

    static byte[] Request()
    {
        const string Head = "{\"action\":\"ping\",\"x\":\"";
        return Encoding.ASCII.GetBytes(Head + new string('x', RequestBytes - Head.Length - 2) + "\"}");
    }

    // In bytes, as Linux remembers it.
    static long PeakResident(ServerProcess server)
    {
        var line = File.ReadLines($"/proc/{server.Id}/status")
            .Single(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
        var kibibytes = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1];
        return 1024 * long.Parse(kibibytes, CultureInfo.InvariantCulture);
    }
}
