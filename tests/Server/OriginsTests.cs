using Conclave.Server;
using Conclave.Server.Storage;
using Conclave.Tests.Support;

namespace Conclave.Tests.Server;

/// <summary>Which pages a browser may bring, and what is no browser: docs/protocol.md, section 1.</summary>
public sealed class OriginsTests(PostgresCluster postgres)
{
    [Fact]
    public async Task Browser_may_bring_the_pages_of_the_server_itself_and_of_configured_origins_only()
    {
        await using var server = await TestServer.StartAsync(
            postgres, TimeProvider.System, ("CONCLAVE_ORIGINS", "https://app.example; http://müller.example:8080"));
        var port = server.Url.Port;
        (string Host, string Header, int Status)[] table =
        [
            // No browser.
            (server.Url.Authority, "X-Nothing: more", 101),
            ("conclave.example", "X-Nothing: more", 101),
            // The server's own pages, by an address or a name that nobody can make point elsewhere.
            (server.Url.Authority, $"Origin: http://{server.Url.Authority}", 101),
            (server.Url.Authority, $"Origin: https://{server.Url.Authority}", 101),
            ($"localhost:{port}", $"Origin: http://localhost:{port}", 101),
            ("[::1]:80", "Origin: http://[::1]", 101),
            // Configured.
            (server.Url.Authority, "Origin: https://app.example", 101),
            (server.Url.Authority, "Origin: https://APP.example:443", 101),
            (server.Url.Authority, "Origin: http://xn--mller-kva.example:8080", 101),
            // Others' pages.
            (server.Url.Authority, "Origin: https://evil.example", 403),
            (server.Url.Authority, "Origin: http://app.example", 403),
            (server.Url.Authority, "Origin: https://app.example:444", 403),
            (server.Url.Authority, "Origin: https://app.example.evil.example", 403),
            (server.Url.Authority, $"Origin: http://localhost:{port}", 403),
            (server.Url.Authority, $"Origin: http://127.0.0.1:{port + 1}", 403),
            (server.Url.Authority, "Origin: https://evil.example\r\nOrigin: https://app.example", 403),
            // Their name was made to point here.
            ($"evil.example:{port}", $"Origin: http://evil.example:{port}", 403),
            // No origin at all.
            (server.Url.Authority, "Origin: null", 403),
            (server.Url.Authority, "Origin:", 403),
            (server.Url.Authority, "Origin: https://app.example/page", 403),
            (server.Url.Authority, "Origin: file:///", 403),
            (server.Url.Authority, "Origin: https://app.example https://evil.example", 403),
        ];
        foreach (var (host, header, status) in table)
        {
            await using var peer = await RawPeer.ConnectAsync(server.Url, host: host, header: header);
            Assert.Equal($"{host} {header} {status}", $"{host} {header} {peer.Handshake.Split(' ')[1]}");
        }
    }

    [Theory]
    [InlineData("app.example")]
    [InlineData("https://app.example/page")]
    [InlineData("https://me@app.example")]
    [InlineData("https://app.example;*")]
    public void Origin_that_is_none_is_refused_in_one_line(string origins)
    {
        var refused = Assert.Throws<StartupException>(() => Origins.Read(origins));

        Assert.StartsWith("CONCLAVE_ORIGINS: ", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
    }
}
