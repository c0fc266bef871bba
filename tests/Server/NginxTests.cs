using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Conclave.Tests.Support;

namespace Conclave.Tests.Server;

/// <summary>The example for nginx, by the real nginx: what clients do without a proxy they do through it.</summary>
public sealed class NginxTests(PostgresCluster postgres) : IDisposable
{
    readonly TestAuthority _authority = new();

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _authority.Dispose();

    [Fact]
    public async Task WebSockets_streams_and_large_requests_pass_through_nginx()
    {
        await using var server = await StartServerAsync();
        await using var nginx = await StartAsync(server);
        await using var alice = await WireClient.ConnectAsync(nginx.Url, authority: _authority);
        var token = await alice.SignUpAsync("alice");
        await alice.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
        var where = $"\"token\":\"{token}\",\"lobby_name\":\"den\"";
        await alice.DoAsync($$"""{"action":"subscribe",{{where}}}""");
        using var http = Client(nginx, IPAddress.Loopback);

        using var stream = await SendAsync(http, $$"""{"action":"subscribe",{{where}}}""");
        using var lines = new StreamReader(await stream.Content.ReadAsStreamAsync(Cancellation));
        Assert.Equal("ok", Outcomes.Of(await ReadAsync(lines)));
        var large = new string('x', 900_000);
        foreach (var row in (string[])["small", large])
        {
            var (status, reply) = await AskAsync(http, $$"""{"action":"message",{{where}},"row_data":"{{row}}"}""");
            Assert.Equal((200, "ok"), (status, Outcomes.Of(reply)));
            // It comes while the stream goes on.
            Assert.Equal(row, (await ReadAsync(lines))["row_data"]!.GetValue<string>());
            Assert.Equal(row, (await alice.EntryAsync())["row_data"]!.GetValue<string>());
        }
        var (tooLarge, refused) = await AskAsync(
            http, $$"""{"action":"message",{{where}},"row_data":"{{large + large}}"}""");
        Assert.Equal((413, "too_large"), (tooLarge, Outcomes.Of(refused)));
    }

    [Fact]
    public async Task Callers_are_known_by_their_own_addresses_and_cannot_pass_for_others()
    {
        await using var server = await StartServerAsync();
        await using var nginx = await StartAsync(server);
        await using (var alice = await server.ConnectAsync())
            await alice.SignUpAsync("alice");
        using var http = Client(nginx, IPAddress.Parse("127.0.0.5"));
        http.DefaultRequestHeaders.Add("X-Forwarded-For", "192.0.2.77");
        http.DefaultRequestHeaders.Add("Forwarded", "for=192.0.2.78");
        var (_, signedIn) = await AskAsync(
            http, """{"action":"auth","login":"alice","password":"password of alice"}""");
        var (_, sessions) = await AskAsync(http, $$"""{"action":"sessions","token":"{{signedIn["token"]}}"}""");

        Assert.Equal("127.0.0.5", sessions["sessions"]![0]!["address"]!.GetValue<string>());
    }

    [Fact]
    public async Task Browsers_may_bring_the_pages_of_the_host_they_came_to_and_nobody_gets_the_figures()
    {
        await using var server = await StartServerAsync();
        await using var nginx = await StartAsync(server);
        async Task<int> StatusAsync(string path, string? origin = null)
        {
            using var http = Client(nginx, IPAddress.Loopback);
            http.BaseAddress = new Uri($"https://localhost:{nginx.Url.Port}");
            if (origin is not null)
                http.DefaultRequestHeaders.Add("Origin", origin);
            using var response = await http.GetAsync(path, Cancellation);
            return (int)response.StatusCode;
        }

        Assert.Equal(426, await StatusAsync("/ws"));
        Assert.Equal(426, await StatusAsync("/ws", $"https://localhost:{nginx.Url.Port}"));
        Assert.Equal(403, await StatusAsync("/ws", "https://elsewhere.example"));
        Assert.Equal(403, await StatusAsync("/ws", $"http://localhost:{nginx.Url.Port}"));
        Assert.Equal(200, await StatusAsync("/readyz"));
        Assert.Equal(404, await StatusAsync("/metrics"));
    }

    Task<TestServer> StartServerAsync() => TestServer.StartAsync(
        postgres, TimeProvider.System, ("CONCLAVE_PROXIES", "127.0.0.1"));

    async Task<Nginx> StartAsync(TestServer server)
    {
        Assert.SkipWhen(Nginx.ProgramPath is null, "nginx is not installed");
        _authority.Issue();
        return await Nginx.StartAsync(server.Url, _authority);
    }

    HttpClient Client(Nginx nginx, IPAddress from)
    {
        var handler = new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                RemoteCertificateValidationCallback = _authority.Check,
            },
            ConnectCallback = async (context, cancellation) =>
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                socket.Bind(new IPEndPoint(from, 0));
                await socket.ConnectAsync(IPAddress.Loopback, context.DnsEndPoint.Port, cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        return new HttpClient(handler) { BaseAddress = nginx.Url };
    }

    static async Task<HttpResponseMessage> SendAsync(HttpClient http, string request)
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, "/api")
        {
            Content = new StringContent(request, Encoding.UTF8, "application/json"),
        };
        return await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, Cancellation);
    }

    static async Task<(int Status, JsonObject Reply)> AskAsync(HttpClient http, string request)
    {
        using var response = await SendAsync(http, request);
        return await PostClient.ReadAsync(response);
    }

    static async Task<JsonObject> ReadAsync(StreamReader lines) =>
        JsonNode.Parse(await lines.ReadLineAsync(Cancellation) ?? throw new EndOfStreamException())!.AsObject();
}
