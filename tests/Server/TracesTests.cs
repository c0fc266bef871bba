using Conclave.Tests.Support;

namespace Conclave.Tests.Server;

/// <summary>What goes to a collector that the environment names.</summary>
public sealed class TracesTests(PostgresCluster postgres) : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("conclave-traces-").FullName;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Collector_gets_figures_and_the_spans_asked_for_and_no_secret()
    {
        await using var collector = new Collector();
        await using var server = await StartAsync(collector, ("OTEL_TRACES_SAMPLER", "always_on"));
        var token = await TalkAsync(server);
        while (!collector.Taken("/v1/traces").Contains("commit", StringComparison.Ordinal)
            || !collector.Taken("/v1/metrics").Contains("conclave.posts", StringComparison.Ordinal))
        {
            Cancellation.ThrowIfCancellationRequested();
            await Task.Yield();
        }
        await server.StopAsync();

        var all = collector.Taken("/v1/traces") + collector.Taken("/v1/metrics");
        foreach (var told in (string[])["conclave-server", "password", "page", "conclave.commit.duration"])
            Assert.Contains(told, all, StringComparison.Ordinal);
        foreach (var secret in (string[])["alice.of.traces", "den of traces", "a secret", token, "password of"])
            Assert.DoesNotContain(secret, all, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_span_is_taken_unless_a_sampler_is_named()
    {
        await using var collector = new Collector();
        await using var server = await StartAsync(collector);
        await TalkAsync(server);
        while (collector.Count("/v1/metrics") < 3)
        {
            Cancellation.ThrowIfCancellationRequested();
            await Task.Yield();
        }
        await server.StopAsync();

        Assert.Equal(0, collector.Count("/v1/traces"));
    }

    async Task<ServerProcess> StartAsync(Collector collector, params (string Name, string Value)[] more) =>
        await ServerProcess.StartAsync(_folder,
        [
            ("CONCLAVE_DATABASE", await TestServer.CreateDatabaseAsync(postgres)),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Url.ToString()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "200"),
            ("OTEL_BSP_SCHEDULE_DELAY", "100"),
            .. more,
        ]);

    static async Task<string> TalkAsync(ServerProcess server)
    {
        await using var client = await WireClient.ConnectAsync(server.Url);
        var token = await client.SignUpAsync("alice.of.traces");
        await client.DoAsync("""{"action":"create_lobby","lobby_name":"den of traces"}""");
        await client.DoAsync("""{"action":"message","lobby_name":"den of traces","row_data":"a secret"}""");
        await client.DoAsync("""{"action":"subscribe","lobby_name":"den of traces","after":0}""");
        await client.EntryAsync();
        return token;
    }
}
