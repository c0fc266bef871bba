using System.Net;
using Conclave.Protocol;
using Conclave.Server;
using Conclave.Server.Storage;
using Conclave.Tests.Support;

namespace Conclave.Tests.Server;

/// <summary>Who is believed when it says for whom it speaks.</summary>
public sealed class ProxiesTests(PostgresCluster postgres)
{
    static readonly IPAddress Proxy = IPAddress.Parse("127.0.0.2");
    static readonly IPAddress Inner = IPAddress.Parse("127.0.1.7");
    static readonly IPAddress Stranger = IPAddress.Parse("127.0.0.3");

    [Fact]
    public async Task Callers_behind_a_proxy_are_counted_by_their_own_addresses()
    {
        await using var server = await StartAsync();

        await using var first = await ConnectAsync(server, Proxy, "X-Forwarded-For: 192.0.2.1");
        await using var second = await ConnectAsync(server, Proxy, "X-Forwarded-For: 192.0.2.2");
        await using var through = await ConnectAsync(server, Inner, "X-Forwarded-For: 192.0.2.3, 127.0.0.2");
        await using var another = await ConnectAsync(server, Proxy, "X-Forwarded-For: 2001:db8::1");
        await AnsweredAsync(first, second, through, another);

        await using var again = await ConnectAsync(server, Proxy, "X-Forwarded-For: 192.0.2.1");
        // What the caller itself wrote stands to the left of what the proxy added.
        await using var forged = await ConnectAsync(server, Proxy, "X-Forwarded-For: 192.0.2.77, 192.0.2.2");
        await using var padded = await ConnectAsync(server, Inner, "X-Forwarded-For: x, 192.0.2.3, 127.0.0.2");
        await using var neighbour = await ConnectAsync(server, Proxy, "X-Forwarded-For: [2001:db8::2]:443");
        await TurnedAwayAsync(again, forged, padded, neighbour);
    }

    [Fact]
    public async Task Header_that_no_known_proxy_sent_is_ignored()
    {
        await using var server = await StartAsync();

        await using var first = await ConnectAsync(server, Stranger, "X-Forwarded-For: 192.0.2.1");
        await AnsweredAsync(first);
        await using var second = await ConnectAsync(server, Stranger, "X-Forwarded-For: 192.0.2.2");
        await using var nested = await ConnectAsync(server, Proxy, "X-Forwarded-For: 192.0.2.9, 127.0.0.3");
        await TurnedAwayAsync(second, nested);
    }

    [Fact]
    public async Task Loopback_is_no_proxy_unless_it_is_named()
    {
        await using var server = await TestServer.StartAsync(
            postgres, TimeProvider.System, ("CONCLAVE_LIMIT_CONNECTIONS_PER_ADDRESS_MAX", "1"));

        await using var first = await ConnectAsync(server, IPAddress.Loopback, "X-Forwarded-For: 192.0.2.1");
        await AnsweredAsync(first);
        await using var second = await ConnectAsync(server, IPAddress.Loopback, "X-Forwarded-For: 192.0.2.2");
        await TurnedAwayAsync(second);
    }

    [Fact]
    public async Task Sign_ins_that_fail_are_slowed_down_by_the_address_that_the_proxy_names()
    {
        await using var server = await TestServer.StartAsync(
            postgres, TimeProvider.System, ("CONCLAVE_PROXIES", "127.0.0.0/8"));
        await using var guessing = await ConnectAsync(server, Proxy, "X-Forwarded-For: 192.0.2.1");
        await using var other = await ConnectAsync(server, Proxy, "X-Forwarded-For: 192.0.2.2");
        var code = "";
        for (var guess = 0; guess < 100 && code != "rate_limited"; guess++)
            code = await GuessAsync(guessing);

        Assert.Equal("rate_limited", code);
        Assert.Equal("bad_credentials", await GuessAsync(other));
    }

    [Theory]
    [InlineData("127.0.0.2", 101)]
    [InlineData("127.0.0.3", 403)]
    public async Task Host_and_scheme_that_a_known_proxy_forwards_decide_whose_page_it_is(string from, int status)
    {
        await using var server = await StartAsync();
        await using var peer = await ConnectAsync(
            server, IPAddress.Parse(from),
            "X-Forwarded-Proto: https\r\nX-Forwarded-Host: conclave.example\r\nOrigin: https://conclave.example");

        Assert.Equal(status.ToString(System.Globalization.CultureInfo.InvariantCulture), peer.Handshake.Split(' ')[1]);
    }

    [Theory]
    [InlineData("7")]
    [InlineData("proxy.example")]
    [InlineData("192.0.2.0/33")]
    [InlineData("0.0.0.0/0")]
    [InlineData("127.0.0.1;::/0")]
    public void Proxy_that_is_none_is_refused_in_one_line(string proxies)
    {
        var refused = Assert.Throws<StartupException>(() => Proxies.Read(proxies));

        Assert.StartsWith("CONCLAVE_PROXIES: ", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
    }

    static Task<RawPeer> ConnectAsync(TestServer server, IPAddress from, string header) =>
        RawPeer.ConnectAsync(server.Url, from, header: header);

    static async Task AnsweredAsync(params RawPeer[] peers)
    {
        foreach (var peer in peers)
        {
            await peer.SendAsync("""{"action":"ping"}""");
            Assert.Contains("\"ok\":true", (await peer.ReadAsync())!.Text, StringComparison.Ordinal);
        }
    }

    static async Task TurnedAwayAsync(params RawPeer[] peers)
    {
        foreach (var peer in peers)
            Assert.Equal(CloseCode.TooManyConnections, await peer.ClosedAsync());
    }

    static async Task<string> GuessAsync(RawPeer peer)
    {
        await peer.SendAsync("""{"action":"auth","login":"alice","password":"a guess of mine"}""");
        var reply = System.Text.Json.Nodes.JsonNode.Parse((await peer.ReadAsync())!.Text)!;
        return reply["error"]!["code"]!.GetValue<string>();
    }

    // One connection from each address, and two places where proxies are.
    Task<TestServer> StartAsync() => TestServer.StartAsync(
        postgres, TimeProvider.System,
        ("CONCLAVE_PROXIES", "127.0.0.2; 127.0.1.0/24"), ("CONCLAVE_LIMIT_CONNECTIONS_PER_ADDRESS_MAX", "1"));
}
