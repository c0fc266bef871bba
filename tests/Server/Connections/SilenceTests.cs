using System.Net;
using System.Net.Sockets;
using System.Text;
using Conclave.Tests.Support;

namespace Conclave.Tests.Server.Connections;

/// <summary>Sockets of those who come and say nothing, or little, or too slowly; and how many there may be.</summary>
public sealed class SilenceTests(PostgresCluster postgres) : IDisposable
{
    static readonly IPAddress Elsewhere = IPAddress.Parse("127.0.0.2");

    readonly TestAuthority _authority = new();

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _authority.Dispose();

    [Theory]
    [InlineData("http", "")]
    [InlineData("http", "G")]
    [InlineData("http", "GET /ws HTTP/1.1\r\nHost: x\r\nX-Slow: lo")]
    [InlineData("http", "POST /api HTTP/1.1\r\nHost: x\r\n")]
    [InlineData("http", "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("https", "")]
    [InlineData("https", "\u0016\u0003\u0001\u0002")]
    public async Task Who_comes_and_does_not_go_on_is_gone_soon(string scheme, string said)
    {
        _authority.Issue();
        (string, string)[] tls = scheme == "https"
            ? [("CONCLAVE_TLS_CERTIFICATE", _authority.CertificatePath), ("CONCLAVE_TLS_KEY", _authority.KeyPath)]
            : [];
        await using var server = await TestServer.StartAsync(
            postgres, TimeProvider.System,
            [("CONCLAVE_URLS", scheme + "://127.0.0.1:0"), ("CONCLAVE_LIMIT_PING_INTERVAL", "1"), .. tls]);
        using var socket = await ConnectAsync(server);
        await socket.SendAsync(Encoding.Latin1.GetBytes(said), Cancellation);

        // Whatever it is told first, in the end there is nobody.
        await EndAsync(socket);
    }

    [Fact]
    public async Task One_who_sends_a_little_again_and_again_is_gone_as_soon()
    {
        await using var server = await TestServer.StartAsync(
            postgres, TimeProvider.System, ("CONCLAVE_LIMIT_PING_INTERVAL", "1"));
        using var socket = await ConnectAsync(server);
        await socket.SendAsync(Encoding.ASCII.GetBytes("GET /ws HTTP/1.1\r\nX-Slow: "), Cancellation);
        var ending = EndAsync(socket);
        await using var other = await server.ConnectAsync();
        while (!ending.IsCompleted)
        {
            try
            {
                await other.DoAsync("""{"action":"ping"}""");
                await socket.SendAsync("x"u8.ToArray(), Cancellation);
            }
            catch (SocketException)
            {
                break;
            }
        }
        await ending;
    }

    [Fact]
    public async Task Address_has_twice_as_many_sockets_as_connections_and_its_proxy_any_number()
    {
        (string, string) two = ("CONCLAVE_LIMIT_CONNECTIONS_PER_ADDRESS_MAX", "2");
        await using var server = await TestServer.StartAsync(postgres, TimeProvider.System, two);
        var silent = new Socket[4];
        for (var index = 0; index < silent.Length; index++)
        {
            silent[index] = await ConnectAsync(server);
            await PingAsync(silent[index]);
        }
        Assert.False(await IsInAsync(server), "there is room for a fifth");
        await using (var other = await server.ConnectAsync())
            await other.DoAsync("""{"action":"ping"}""");
        silent[0].Dispose();
        // The server counts a socket until it has let go of it.
        while (!await IsInAsync(server))
            Cancellation.ThrowIfCancellationRequested();
        foreach (var socket in silent)
            socket.Dispose();

        await using var behind = await TestServer.StartAsync(
            postgres, TimeProvider.System, two, ("CONCLAVE_PROXIES", Elsewhere.ToString()));
        List<Socket> many = [];
        for (var count = 0; count < 10; count++)
        {
            many.Add(await ConnectAsync(behind));
            await PingAsync(many[^1]);
        }
        many.ForEach(socket => socket.Dispose());
    }

    [Fact]
    public async Task Posts_too_many_at_one_time_from_an_address_are_told_when_to_come_back()
    {
        await using var server = await TestServer.StartAsync(
            postgres, TimeProvider.System, ("CONCLAVE_LIMIT_CONNECTIONS_PER_ADDRESS_MAX", "2"));
        string token;
        await using (var alice = await server.ConnectAsync())
        {
            token = await alice.SignUpAsync("alice");
            await alice.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
        }
        using var client = new PostClient(server.Url);
        while (server.Rooms.Presence.Sessions().Length > 0)
            await Task.Yield();
        var subscribe = $$"""{"action":"subscribe","token":"{{token}}","lobby_name":"den"}""";
        using var first = await client.SendAsync(subscribe);
        using var second = await client.SendAsync(subscribe);
        Assert.Equal([200, 200], [(int)first.StatusCode, (int)second.StatusCode]);

        using var third = await client.SendAsync(subscribe);
        var (status, reply) = await PostClient.ReadAsync(third);
        Assert.Equal((429, "rate_limited"), (status, Outcomes.Of(reply)));
        Assert.Equal(TimeSpan.FromSeconds(1), third.Headers.RetryAfter!.Delta);
        Assert.Equal(1000, reply["error"]!["retry_after_ms"]!.GetValue<long>());
    }

    static async Task<Socket> ConnectAsync(TestServer server)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Bind(new IPEndPoint(Elsewhere, 0));
        await socket.ConnectAsync(IPAddress.Loopback, server.Url.Port, Cancellation);
        return socket;
    }

    static async Task<bool> IsInAsync(TestServer server)
    {
        try
        {
            using var socket = await ConnectAsync(server);
            return await TryPingAsync(socket);
        }
        catch (SocketException)
        {
            // Cut off before it knew that it was connected.
            return false;
        }
    }

    static async Task PingAsync(Socket socket) => Assert.True(await TryPingAsync(socket), "there is nobody");

    // Asks for something by plain HTTP, and keeps the connection.
    static async Task<bool> TryPingAsync(Socket socket)
    {
        try
        {
            await socket.SendAsync("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray(), Cancellation);
            return await socket.ReceiveAsync(new byte[1000], Cancellation) > 0;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    static async Task EndAsync(Socket socket)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        patience.CancelAfter(TimeSpan.FromSeconds(30));
        try
        {
            while (await socket.ReceiveAsync(new byte[1000], patience.Token) > 0)
            {
                // An answer comes before the end.
            }
        }
        catch (SocketException)
        {
            // Cut off: that is an end, too.
        }
    }
}
