using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using Conclave.Server.Accounts;
using Conclave.Server.Actions;
using Conclave.Server.Connections;
using Conclave.Server.Lobbies;
using Conclave.Server.Storage;
using Conclave.Server.Writing;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Net.Http.Headers;

namespace Conclave.Server;

/// <summary>
/// A whole server: builds every room, in dependency order, then listens. Disposing it stops everything in the reverse
/// order: callers leave with their requests answered, the writer empties, the database goes last.
/// </summary>
sealed class ServerHost : IAsyncDisposable
{
    readonly Stack<IAsyncDisposable> _open = new();

    ServerHost()
    {
    }

    /// <summary>What the rooms of the server are, for those who look inside.</summary>
    public required Rooms Rooms { get; init; }

    /// <summary>Where it listens; the ports are the real ones.</summary>
    public IReadOnlyList<Uri> Urls { get; private set; } = [];

    /// <summary>Where it tells of itself.</summary>
    public IReadOnlyList<Uri> MetricsUrls { get; private set; } = [];

    /// <summary>The server's own PostgreSQL; null if it uses another.</summary>
    public EmbeddedCluster? Cluster { get; private init; }

    /// <summary>Its claim on the database.</summary>
    public required ServerClaim Claim { get; init; }

    /// <summary>Completes when the process is asked to stop, or something it cannot do without is gone.</summary>
    public Task Stopping { get; private set; } = Task.CompletedTask;

    /// <summary>Starts a server.</summary>
    /// <param name="settings">What the operator decided.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="StartupException">It cannot start; the message says why and what to do.</exception>
    public static async Task<ServerHost> StartAsync(
        Settings settings, TimeProvider time, CancellationToken cancellation)
    {
        Normalization.Require();
        var open = new Stack<IAsyncDisposable>();
        try
        {
            var tls = settings.Tls is { } files ? new TlsCertificate(files) : null;
            if (tls is not null)
                open.Push(tls);
            var gate = new SocketGate(settings.Limits, settings.Proxies.Include);
            var builder = CreateBuilder(settings, tls, gate);
            var telemetry = new Telemetry(settings);
            open.Push(new Closing(telemetry));
            var app = builder.Build();
            open.Push(app);
            var logs = app.Services.GetRequiredService<ILoggerFactory>();
            tls?.Watch(time, logs.CreateLogger<TlsCertificate>());

            open.Push(new Closing(DataFolder.Open(settings.DataPath)));
            var cluster = settings.Database is null
                ? await EmbeddedCluster.StartAsync(
                    new() { DataPath = settings.DataPath, ProgramsPath = settings.PostgresPath },
                    time, logs.CreateLogger<EmbeddedCluster>(), cancellation)
                : null;
            if (cluster is not null)
                open.Push(cluster);
            var rooms = await BuildAsync(
                settings, settings.Database ?? cluster!.ConnectionString, time, logs, telemetry.Meter, open,
                cancellation);
            var claim = await ServerClaim.TakeAsync(rooms.Database, time, cancellation);
            open.Push(claim);
            var connections = new ConnectionList(rooms, logs.CreateLogger<ConnectionList>());
            open.Push(connections);
            var pools = new PoolWatch();
            open.Push(new Closing(pools));
            Gauges.Add(telemetry.Meter, rooms, connections, gate, pools);

            Guard(app, settings);
            telemetry.Serve(app);
            Map(app, rooms, connections);
            await ListenAsync(app, settings);
            open.Push(new Closing(connections.CloseAsync));
            var host = new ServerHost { Rooms = rooms, Cluster = cluster, Claim = claim };
            foreach (var part in open.Reverse())
                host._open.Push(part);
            host.TellWhere(app, settings);
            host.Stopping = StoppingAsync(app, cluster, claim);
            return host;
        }
        catch
        {
            await CloseAsync(open);
            throw;
        }
    }

    public ValueTask DisposeAsync() => CloseAsync(_open);

    void TellWhere(WebApplication app, Settings settings)
    {
        Uri[] all = [.. app.Services.GetRequiredService<IServer>().Features
            .GetRequiredFeature<IServerAddressesFeature>().Addresses.Select(address => new Uri(address))];
        Urls = all[..settings.Urls.Count];
        var own = all[settings.Urls.Count..];
        MetricsUrls = [.. (own.Length > 0 ? own : all).Select(url => new Uri(url, Telemetry.Path))];
    }

    // What is left is closed also when one part fails: above all, no PostgreSQL may stay behind.
    internal static async ValueTask CloseAsync(Stack<IAsyncDisposable> parts)
    {
        if (!parts.TryPop(out var part))
            return;
        try
        {
            await part.DisposeAsync();
        }
        finally
        {
            await CloseAsync(parts);
        }
    }

    static WebApplicationBuilder CreateBuilder(Settings settings, TlsCertificate? tls, SocketGate gate)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Logging.AddSimpleConsole(options =>
        {
            options.SingleLine = true;
            options.UseUtcTimestamp = true;
            options.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z' ";
        });
        // The framework's own notes on requests quote paths and headers; nothing of that is needed.
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        builder.Logging.AddFilter("Npgsql", LogLevel.Error);
        // Why the server cannot start is told in one line, and not with the framework's stack trace before it.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.Critical);
        builder.WebHost.ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            // A slow reader is served as slowly as it reads; whether it is dead is judged by its acknowledgements.
            options.Limits.MinResponseDataRate = null;
            options.Limits.MinRequestBodyDataRate = null;
            options.Limits.MaxConcurrentUpgradedConnections = null;
            // Who comes and says nothing is gone as soon as a WebSocket that does.
            var interval = settings.Limits.PingInterval;
            options.Limits.RequestHeadersTimeout = interval;
            options.Limits.KeepAliveTimeout = 2 * interval;
            foreach (var url in settings.Urls)
                Listen(options, url, gate.GuardAt, listen => Secure(listen, url));
            foreach (var url in settings.MetricsUrls)
                Listen(options, url, gate.GuardAt, Telemetry.MakeDoor, listen => Secure(listen, url));
        });
        // What a connection may send ahead of being read, in bytes: the framework's megabyte each would be no bound.
        builder.WebHost.UseSockets(options =>
        {
            options.MaxReadBufferSize = 64 << 10;
            // What is read is handled and what is written is sent without a change of threads: nothing of ours blocks.
            options.UnsafePreferInlineScheduling = true;
        });
        return builder;

        void Secure(ListenOptions listen, Uri url)
        {
            if (url.Scheme == Uri.UriSchemeHttps)
                listen.UseHttps(tls!.HandshakeWithin(settings.Limits.PingInterval));
        }
    }

    static void Listen(KestrelServerOptions options, Uri url, params Action<ListenOptions>[] layers)
    {
        if (url.Host == "localhost")
            options.ListenLocalhost(url.Port, Configure);
        else
            options.Listen(IPAddress.Parse(url.DnsSafeHost), url.Port, Configure);

        void Configure(ListenOptions listen)
        {
            // A WebSocket of HTTP/2 has no transport of its own, and ours take it over.
            listen.Protocols = HttpProtocols.Http1;
            foreach (var layer in layers)
                layer(listen);
        }
    }

    static async Task<Rooms> BuildAsync(
        Settings settings,
        string connectionString,
        TimeProvider time,
        ILoggerFactory logs,
        Meter meter,
        Stack<IAsyncDisposable> open,
        CancellationToken cancellation)
    {
        var limits = settings.Limits;
        var database = await Database.OpenAsync(connectionString, cancellation);
        open.Push(database);
        var masterKey = MasterKeyFile.LoadOrCreate(settings.MasterKeyPath, mayCreate: !database.HasMasterKey);
        open.Push(new Closing(masterKey));
        await database.AdoptAsync(masterKey, cancellation);
        var entries = new EntryStore(database);
        var lobbies = new LobbyStore(database, masterKey);
        var live = new LiveLobbies(lobbies, entries, limits);
        open.Push(new Closing(live));
        var presence = new Presence();
        var sessions = new Sessions(new SessionStore(database), presence, limits, time);
        var erasures = new Erasures(new ErasureStore(database), lobbies, live);
        open.Push(StartSweep(sessions, erasures, time, logs));
        var passwords = new PasswordHasher(limits);
        open.Push(new Closing(passwords));
        var figures = new WriterFigures(meter);
        var writer = new EntryWriter(entries, live, limits, time, logs.CreateLogger<EntryWriter>())
        {
            Figures = figures,
        };
        open.Push(writer);
        var sealedStore = new SealedStore(database);
        var sealedLobbies = new SealedLobbies(sealedStore, limits, time);
        open.Push(new Closing(sealedLobbies));
        var sealedWriter = new EntryWriter(
            entries, live, limits, time, logs.CreateLogger<EntryWriter>(), new SealedAppend(sealedLobbies).RunAsync)
        {
            Figures = figures,
        };
        open.Push(sealedWriter);
        return new Rooms
        {
            Database = database,
            Outage = new Outage(limits, time),
            Users = new UserStore(database),
            Identities = new IdentityStore(database),
            Lobbies = lobbies,
            Entries = entries,
            Sessions = sessions,
            Presence = presence,
            Passwords = passwords,
            Vaults = new VaultSafe(passwords),
            Throttle = new SignInThrottle(limits, time),
            Registration = settings.Registration,
            Paces = new Paces(limits, time),
            LobbyQuota = new LobbyQuota(lobbies, limits),
            Live = live,
            Erasures = erasures,
            Writer = writer,
            SealedWriter = sealedWriter,
            SealedLobbies = sealedLobbies,
            Sealed = sealedStore,
            Keys = new KeyStore(database),
            Figures = new Figures(meter),
            Limits = limits,
            Time = time,
        };
    }

    // Whoever ended a session or deleted a lobby - another server, the operator - it shows here within a second.
    static Sweep StartSweep(Sessions sessions, Erasures erasures, TimeProvider time, ILoggerFactory logs) => new(
        time, logs.CreateLogger<Sweep>(),
        (TimeSpan.FromMilliseconds(500), sessions.SweepAsync),
        (TimeSpan.FromMilliseconds(500), erasures.NoticeAsync),
        (TimeSpan.FromSeconds(1), erasures.EraseExpiredAsync),
        (TimeSpan.FromSeconds(1), erasures.CleanAsync),
        (TimeSpan.FromMinutes(1), sessions.TrimAsync));

    // Before anything else: who it really is, and whether a browser may bring it.
    static void Guard(WebApplication app, Settings settings)
    {
        settings.Proxies.Heed(app);
        app.Use((context, next) => settings.Origins.Admit(context.Request)
            ? next(context)
            : StatusAsync(context, StatusCodes.Status403Forbidden, "pages of this origin may not come here"));
    }

    static void Map(WebApplication app, Rooms rooms, ConnectionList connections)
    {
        app.UseWebSockets(new WebSocketOptions { KeepAliveInterval = TimeSpan.Zero });
        app.Run(context => context.Request.Path.Value switch
        {
            "/healthz" => AnswerAsync(context, isGood: true),
            "/readyz" => ReadyAsync(context, rooms, connections),
            "/ws" or "/" when !Telemetry.IsAtItsDoor(context) => UpgradeAsync(context, connections),
            "/api" when !Telemetry.IsAtItsDoor(context) => PostAsync(context, connections),
            _ => StatusAsync(context, StatusCodes.Status404NotFound, "there is nothing here"),
        });
    }

    static Task UpgradeAsync(HttpContext context, ConnectionList connections)
    {
        if (context.WebSockets.IsWebSocketRequest)
            return connections.ServeAsync(context);
        context.Response.Headers.Upgrade = "websocket";
        return StatusAsync(
            context, StatusCodes.Status426UpgradeRequired, "this is a Conclave server: speak WebSocket to it");
    }

    static Task PostAsync(HttpContext context, ConnectionList connections)
    {
        if (!HttpMethods.IsPost(context.Request.Method))
        {
            context.Response.Headers.Allow = HttpMethods.Post;
            return StatusAsync(context, StatusCodes.Status405MethodNotAllowed, "POST a request to this address");
        }
        // Also what keeps forms on other people's web pages out: they cannot send this type.
        var isJson = MediaTypeHeaderValue.TryParse(context.Request.ContentType, out var type)
            && type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
            && (!type.Charset.HasValue || type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase))
            && context.Request.Headers.ContentEncoding.Count == 0;
        return isJson
            ? connections.AnswerAsync(context)
            : StatusAsync(
                context, StatusCodes.Status415UnsupportedMediaType, "a request is application/json in UTF-8");
    }

    static async Task ReadyAsync(HttpContext context, Rooms rooms, ConnectionList connections) =>
        await AnswerAsync(
            context, connections.IsOpen && await rooms.Database.IsReadyAsync(context.RequestAborted));

    static Task AnswerAsync(HttpContext context, bool isGood) => isGood
        ? StatusAsync(context, StatusCodes.Status200OK, "ok")
        : StatusAsync(context, StatusCodes.Status503ServiceUnavailable, "not ready");

    static Task StatusAsync(HttpContext context, int status, string text)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(text + "\n");
    }

    static async Task ListenAsync(WebApplication app, Settings settings)
    {
        try
        {
            await app.StartAsync();
        }
        // A taken port is an IOException, a foreign or forbidden address a SocketException, localhost:0 the last.
        catch (Exception fault) when (fault is IOException or SocketException or InvalidOperationException)
        {
            throw new StartupException($"cannot listen on {string.Join(", ", settings.Urls)}: {fault.Message}"
                + " (is another server running? CONCLAVE_URLS names another address)");
        }
    }

    static async Task StoppingAsync(WebApplication app, EmbeddedCluster? cluster, ServerClaim claim)
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = app.Lifetime.ApplicationStopping.Register(asked.SetResult);
        await Task.WhenAny([asked.Task, claim.Overtaken, .. cluster is null ? [] : (Task[])[cluster.Exited]]);
    }

    /// <summary>Something to do at the end, in its turn.</summary>
    sealed class Closing(Func<Task> close) : IAsyncDisposable
    {
        public Closing(IDisposable part)
            : this(() =>
            {
                part.Dispose();
                return Task.CompletedTask;
            })
        {
        }

        public ValueTask DisposeAsync() => new(close());
    }
}
