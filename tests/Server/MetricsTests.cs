using System.Net;
using System.Net.WebSockets;
using Conclave.Protocol;
using Conclave.Tests.Support;
using Conclave.Tests.Tidy;

namespace Conclave.Tests.Server;

/// <summary>What /metrics says after real traffic, and to whom.</summary>
public sealed class MetricsTests(PostgresCluster postgres) : IDisposable
{
    const int Messages = 128;

    // Of what is done in the test, to the last one.
    static readonly Dictionary<string, double> Expected = new(StringComparer.Ordinal)
    {
        ["conclave_connections{transport=websocket}"] = 2,
        ["conclave_connections{transport=http}"] = 0,
        ["conclave_subscriptions"] = 1,
        ["conclave_lobbies_followed"] = 1,
        ["conclave_posts_total{outcome=stored}"] = Messages + 2,
        ["conclave_posts_total{outcome=duplicate}"] = 1,
        ["conclave_posts_total{outcome=refused}"] = 1,
        ["conclave_commit_entries_sum"] = Messages + 4,
        ["conclave_commit_entries_count"] = Messages + 4,
        ["conclave_commit_duration_seconds_count"] = Messages + 4,
        ["conclave_delivery_lag_seconds_count"] = Messages / 64,
        ["conclave_delivery_behind"] = 0,
        ["conclave_pages_total"] = 1,
        ["conclave_pages_entries_total"] = 1,
        ["conclave_refusals_total{code=bad_token}"] = 2,
        ["conclave_refusals_total{code=bad_json}"] = 1,
        ["conclave_refusals_total{code=nonce_reused}"] = 1,
        ["conclave_writer_waiting"] = 0,
        ["conclave_budget_taken_bytes{budget=requests}"] = 0,
        ["conclave_budget_taken_bytes{budget=anonymous_requests}"] = 0,
        ["conclave_budget_taken_bytes{budget=frames}"] = 0,
        ["conclave_budget_waiting{budget=frames}"] = 0,
        ["conclave_passwords_running"] = 0,
        ["conclave_passwords_waiting"] = 0,
    };

    readonly string _folder = Directory.CreateTempSubdirectory("conclave-metrics-").FullName;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Figures_say_what_happened_and_nothing_of_whom()
    {
        await using var server = await ServerProcess.StartAsync(
            _folder, ("CONCLAVE_DATABASE", await TestServer.CreateDatabaseAsync(postgres)));
        await using var alice = await WireClient.ConnectAsync(server.Url);
        await using var bob = await WireClient.ConnectAsync(server.Url);
        var token = await alice.SignUpAsync("alice.of.metrics");
        await alice.DoAsync("""{"action":"create_lobby","lobby_name":"den of metrics"}""");
        await bob.SignInAsync("alice.of.metrics");
        // The creation lies in the log; what comes after it comes live, each with a write of its own.
        await bob.DoAsync("""{"action":"subscribe","lobby_name":"den of metrics","after":0}""");
        await bob.EntryAsync();
        for (var number = 0; number < Messages; number++)
        {
            await PostAsync(alice, $"\"secret {number}\"");
            await bob.EntryAsync();
        }
        const string Nonce = ",\"nonce\":\"0198a000-0000-7000-8000-000000000001\"";
        await PostAsync(alice, "\"once\"" + Nonce);
        await PostAsync(alice, "\"once\"" + Nonce);
        Assert.Equal("nonce_reused", await alice.RefusedAsync(Request("\"twice\"" + Nonce)));
        Assert.Equal("bad_json", await alice.RefusedAsync("[]"));
        using var post = new PostClient(server.Url);
        Assert.Equal("401 bad_token", await post.OutcomeAsync("""{"action":"whoami"}"""));
        Assert.Equal("401 bad_token", await post.OutcomeAsync("""{"action":"whoami"}"""));

        var text = await Figures.ScrapeAsync(server.Url);
        var figures = Figures.Read(text);
        Assert.Equal(
            Expected.OrderBy(figure => figure.Key, StringComparer.Ordinal),
            figures.Where(figure => Expected.ContainsKey(figure.Key))
                .OrderBy(figure => figure.Key, StringComparer.Ordinal));
        Assert.InRange(figures["conclave_tails_size_bytes"], 1, 1 << 20);
        Assert.InRange(figures["conclave_commit_duration_seconds_sum"], double.Epsilon, 600);
        Assert.InRange(figures["conclave_database_connections{pool=writing,state=idle}"], 1, 20);
        Assert.InRange(figures["dotnet_process_memory_working_set_bytes"], 1 << 20, long.MaxValue);
        foreach (var secret in (string[])["alice", "den of", "secret", token, "password of", "Host", "Username"])
            Assert.DoesNotContain(secret, text, StringComparison.OrdinalIgnoreCase);

        await bob.Socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, Cancellation);
        await Figures.UntilAsync(server.Url, now => now["conclave_connections{transport=websocket}"] == 1);
        Assert.Equal(0, (await Figures.ReadAsync(server.Url))["conclave_subscriptions"]);
    }

    [Fact]
    public async Task Every_metric_is_documented_and_every_documented_one_is_there()
    {
        await using var server = await TestServer.StartAsync(postgres);
        await using var client = await server.ConnectAsync();
        await client.SignUpAsync("alice");
        await client.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
        await client.DoAsync("""{"action":"subscribe","lobby_name":"den"}""");
        await client.RefusedAsync("{}");
        for (var number = 0; number < 64; number++)
        {
            await client.DoAsync("""{"action":"message","lobby_name":"den","row_data":1}""");
            await client.EntryAsync();
        }
        var shown = (await Figures.ScrapeAsync(server.Url)).Split('\n')
            .Where(line => line.StartsWith("# TYPE ", StringComparison.Ordinal))
            .Select(line => line.Split(' ')[2])
            .Except(["target_info", "otel_scope_info"]);
        var documented = SourceFile.All.Single(file => file.Path == "docs/operations.md").Lines
            .SkipWhile(line => line != "## Metrics").TakeWhile(line => line != "## Logs")
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .Select(line => line.Split('`')[1].Split('{')[0]);

        Assert.Equal(documented.Order(StringComparer.Ordinal), shown.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Figures_are_for_this_machine_and_for_nobody_whom_a_proxy_brings()
    {
        await using var server = await TestServer.StartAsync(postgres);
        Assert.Equal(200, await StatusAsync(server.Url, "/metrics"));
        Assert.Equal(200, await StatusAsync(server.Url, "/metrics", ("Host", "localhost")));
        Assert.Equal(404, await StatusAsync(server.Url, "/metrics", ("Host", "rebound.example")));
        Assert.Equal(404, await StatusAsync(server.Url, "/metrics", ("X-Forwarded-For", "192.0.2.1")));
        Assert.Equal(404, await StatusAsync(server.Url, "/metrics", ("Forwarded", "for=192.0.2.1")));
        Assert.Equal(403, await StatusAsync(server.Url, "/metrics", ("Origin", "https://elsewhere.example")));
        if (TestServer.AddressInANetwork() is not { } address)
            return;
        await using var open = await TestServer.StartAsync(postgres, Limits.Default, address: address);
        Assert.Equal(404, await StatusAsync(open.Url, "/metrics"));
        Assert.Equal(200, await StatusAsync(open.Url, "/healthz"));
    }

    [Fact]
    public async Task Address_for_figures_serves_them_and_nothing_that_is_secret()
    {
        var address = TestServer.AddressInANetwork() ?? IPAddress.Loopback;
        await using var server = await TestServer.StartAsync(
            postgres, TimeProvider.System,
            ("CONCLAVE_METRICS_URLS", $"http://{address}:0"), ("CONCLAVE_INSECURE", "1"));
        Assert.NotEqual(server.Url.Port, server.MetricsUrl.Port);
        Assert.Equal(200, await StatusAsync(server.MetricsUrl, "/metrics"));
        Assert.Equal(200, await StatusAsync(server.MetricsUrl, "/healthz"));
        Assert.Equal(200, await StatusAsync(server.MetricsUrl, "/readyz"));
        Assert.Equal(404, await StatusAsync(server.MetricsUrl, "/api"));
        Assert.Equal(404, await StatusAsync(server.MetricsUrl, "/ws"));
        Assert.Equal(404, await StatusAsync(server.MetricsUrl, "/"));
        Assert.Equal(404, await StatusAsync(server.Url, "/metrics"));
        await using var client = await server.ConnectAsync();
        await client.DoAsync("""{"action":"ping"}""");
    }

    static Task<System.Text.Json.Nodes.JsonObject> PostAsync(WireClient client, string row) =>
        client.DoAsync(Request(row));

    static string Request(string row) =>
        $$"""{"action":"message","lobby_name":"den of metrics","row_data":{{row}}}""";

    static async Task<int> StatusAsync(Uri server, string path, params (string Name, string Value)[] headers)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(server, path));
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        using var response = await http.SendAsync(request, Cancellation);
        return (int)response.StatusCode;
    }
}
