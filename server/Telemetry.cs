using System.Diagnostics.Metrics;
using System.Net;
using Conclave.Server.Storage;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Conclave.Server;

/// <summary>Where figures and traces go: /metrics, and a collector if the environment names one (OTEL_…).</summary>
sealed class Telemetry : IDisposable
{
    public const string Path = "/metrics";

    // Of what .NET itself tells, what one looks for first when a server is slow.
    static readonly string[] RuntimeFigures =
    [
        "dotnet.process.cpu.time", "dotnet.process.memory.working_set", "dotnet.gc.pause.time",
        "dotnet.gc.heap.total_allocated", "dotnet.thread_pool.queue.length",
    ];

    static readonly string[] ForwardingHeaders =
        ["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Original-For"];

    readonly MeterProvider _metrics;
    readonly TracerProvider? _traces;
    readonly bool _hasOwnDoor;

    public Telemetry(Settings settings)
    {
        _hasOwnDoor = settings.MetricsUrls.Count > 0;
        var metrics = Sdk.CreateMeterProviderBuilder()
            .ConfigureResource(Describe)
            .AddMeter(Meter.Name, "System.Runtime")
            .AddView(instrument => IsShown(instrument) ? null : MetricStreamConfiguration.Drop)
            .AddPrometheusExporter(options => options.ScrapeResponseCacheDurationMilliseconds = 0);
        if (settings.ExportsMetrics)
            metrics.AddOtlpExporter();
        _metrics = metrics.Build();
        if (!settings.ExportsTraces)
            return;
        _traces = Sdk.CreateTracerProviderBuilder()
            .ConfigureResource(Describe)
            .AddSource(Traces.Source.Name)
            .AddOtlpExporter()
            .Build();
    }

    /// <summary>What the rooms make their instruments with.</summary>
    public Meter Meter { get; } = new("Conclave.Server");

    /// <summary>Whether a request came by an address for metrics alone.</summary>
    public static bool IsAtItsDoor(HttpContext context) => context.Features.Get<Door>() is not null;

    /// <summary>Marks what comes by an address as being for metrics alone.</summary>
    public static void MakeDoor(Microsoft.AspNetCore.Server.Kestrel.Core.ListenOptions listen) =>
        listen.Use(next => connection =>
        {
            connection.Features.Set(new Door());
            return next(connection);
        });

    /// <summary>Serves /metrics, to whom it is for.</summary>
    public void Serve(IApplicationBuilder app) => app.UseOpenTelemetryPrometheusScrapingEndpoint(
        _metrics, IsScrape, path: null, configureBranchedPipeline: null, optionsName: null);

    public void Dispose()
    {
        _traces?.Dispose();
        _metrics.Dispose();
        Meter.Dispose();
    }

    bool IsScrape(HttpContext context) =>
        context.Request.Path == Path && (_hasOwnDoor ? IsAtItsDoor(context) : IsFromThisMachine(context));

    // Not what a proxy on this machine passes on for others, nor a page whose name was made to point here.
    static bool IsFromThisMachine(HttpContext context) =>
        context.Connection is { RemoteIpAddress: { } remote, LocalIpAddress: { } local }
        && IPAddress.IsLoopback(remote)
        && IPAddress.IsLoopback(local)
        && (context.Request.Host.Host == "localhost" || IPAddress.TryParse(context.Request.Host.Host, out _))
        && !ForwardingHeaders.Any(context.Request.Headers.ContainsKey);

    // Several servers in one process have a meter each, of one name.
    bool IsShown(Instrument instrument) =>
        ReferenceEquals(instrument.Meter, Meter) || RuntimeFigures.Contains(instrument.Name);

    static void Describe(ResourceBuilder resource) => resource.AddService(
        "conclave-server", serviceVersion: typeof(Telemetry).Assembly.GetName().Version?.ToString(3));

    sealed class Door;
}
