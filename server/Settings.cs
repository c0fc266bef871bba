using System.Globalization;
using System.Net;
using System.Reflection;
using System.Text.Json;
using Conclave.Protocol;
using Conclave.Server.Accounts;
using Conclave.Server.Storage;
using Npgsql;

namespace Conclave.Server;

/// <summary>What the operator decides, from the environment. No record: it may hold a password.</summary>
sealed class Settings
{
    public const string DefaultUrl = "http://127.0.0.1:7720";

    const string LimitPrefix = "CONCLAVE_LIMIT_";

    /// <summary>CONCLAVE_TLS_CERTIFICATE and CONCLAVE_TLS_KEY; null if it serves no TLS.</summary>
    public TlsFiles? Tls { get; init; }

    /// <summary>Where to listen. CONCLAVE_URLS, separated by ; . Default: http://127.0.0.1:7720.</summary>
    public required IReadOnlyList<Uri> Urls { get; init; }

    /// <summary>
    /// Where /metrics is, with /healthz and /readyz. CONCLAVE_METRICS_URLS. Default: none; then /metrics is at
    /// <see cref="Urls"/>, for callers on this machine.
    /// </summary>
    public IReadOnlyList<Uri> MetricsUrls { get; init; } = [];

    /// <summary>Whether OTEL_EXPORTER_OTLP_… names a collector for metrics.</summary>
    public bool ExportsMetrics { get; init; }

    /// <summary>Whether it names one for traces, and OTEL_TRACES_SAMPLER says which to take: by itself none.</summary>
    public bool ExportsTraces { get; init; }

    /// <summary>The folder for all that is not in a database elsewhere. CONCLAVE_DATA. Default: ./data.</summary>
    public required string DataPath { get; init; }

    /// <summary>CONCLAVE_DATABASE, for Npgsql; null for a cluster of the server's own.</summary>
    public required string? Database { get; init; }

    /// <summary>CONCLAVE_MASTER_KEY_FILE. Default: master.key in the data folder.</summary>
    public required string MasterKeyPath { get; init; }

    /// <summary>The folder of initdb and postgres. CONCLAVE_POSTGRES_BIN. Default: searched for.</summary>
    public required string? PostgresPath { get; init; }

    /// <summary>
    /// CONCLAVE_REGISTRATION: open, closed, or code, which CONCLAVE_REGISTRATION_CODE_FILE has. Default: open.
    /// </summary>
    public Registration Registration { get; init; } = Registration.Open;

    /// <summary>Whose pages may come, besides the server's own. CONCLAVE_ORIGINS. Default: nobody's.</summary>
    public Origins Origins { get; init; } = Origins.Own;

    /// <summary>Whose X-Forwarded headers count. CONCLAVE_PROXIES. Default: nobody's.</summary>
    public Proxies Proxies { get; init; } = Proxies.None;

    /// <summary>CONCLAVE_LIMIT_NAME for each of <see cref="Protocol.Limits"/>.</summary>
    public required Limits Limits { get; init; }

    /// <summary>Reads the settings of this process.</summary>
    /// <exception cref="StartupException">One of them cannot be used.</exception>
    public static Settings OfEnvironment()
    {
        RequireKnownLimits(Environment.GetEnvironmentVariables().Keys.Cast<string>());
        return Read(Environment.GetEnvironmentVariable);
    }

    /// <summary>A limit that was mistyped must not pass for one that is set.</summary>
    /// <exception cref="StartupException">There is no such limit.</exception>
    public static void RequireKnownLimits(IEnumerable<string> variables)
    {
        var known = LimitNames().Select(limit => limit.Variable).ToHashSet(StringComparer.Ordinal);
        if (variables.FirstOrDefault(
            name => name.StartsWith(LimitPrefix, StringComparison.Ordinal) && !known.Contains(name)) is { } unknown)
            throw new StartupException($"{unknown} names no limit; docs/operations.md lists them");
    }

    /// <summary>Reads the settings.</summary>
    /// <param name="variable">The environment.</param>
    /// <exception cref="StartupException">One of them cannot be used.</exception>
    public static Settings Read(Func<string, string?> variable)
    {
        string? Named(string name) => variable(name) is { Length: > 0 } value ? value : null;

        var data = Path.GetFullPath(Named("CONCLAVE_DATA") ?? "data");
        var isInsecure = Named("CONCLAVE_INSECURE") == "1";
        var urls = ReadUrls("CONCLAVE_URLS", Named("CONCLAVE_URLS") ?? DefaultUrl, isInsecure);
        var metricsUrls = Named("CONCLAVE_METRICS_URLS") is { } own
            ? ReadUrls("CONCLAVE_METRICS_URLS", own, isInsecure)
            : [];
        bool HasCollectorFor(string what) =>
            (Named("OTEL_EXPORTER_OTLP_ENDPOINT") ?? Named($"OTEL_EXPORTER_OTLP_{what}_ENDPOINT")) is not null;
        return new Settings
        {
            Urls = urls,
            MetricsUrls = metricsUrls,
            ExportsMetrics = HasCollectorFor("METRICS"),
            ExportsTraces = HasCollectorFor("TRACES") && Named("OTEL_TRACES_SAMPLER") is not null,
            Tls = ReadTls(urls.Concat(metricsUrls), Named("CONCLAVE_TLS_CERTIFICATE"), Named("CONCLAVE_TLS_KEY")),
            DataPath = data,
            Database = Named("CONCLAVE_DATABASE") is { } database
                ? ReadDatabase(database, Named("CONCLAVE_DATABASE_PASSWORD_FILE"))
                : null,
            MasterKeyPath = Path.GetFullPath(Named("CONCLAVE_MASTER_KEY_FILE") ?? Path.Combine(data, "master.key")),
            PostgresPath = Named("CONCLAVE_POSTGRES_BIN"),
            Registration = ReadRegistration(Named("CONCLAVE_REGISTRATION"), Named("CONCLAVE_REGISTRATION_CODE_FILE")),
            Origins = Origins.Read(Named("CONCLAVE_ORIGINS") ?? ""),
            Proxies = Proxies.Read(Named("CONCLAVE_PROXIES") ?? ""),
            Limits = ReadLimits(Named),
        };
    }

    static List<Uri> ReadUrls(string variable, string urls, bool isInsecure)
    {
        List<Uri> read = [];
        foreach (var text in urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (!Uri.TryCreate(text, UriKind.Absolute, out var url)
                || url.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps)
                throw new StartupException($"{variable}: {text} is not an address such as {DefaultUrl}");
            // Kestrel would take any other name for every address of the machine.
            if (url.Host != "localhost" && !IPAddress.TryParse(url.DnsSafeHost, out _))
            {
                throw new StartupException($"{variable}: {text} has a name where the server wants an IP address of"
                    + " this machine, or 0.0.0.0 for all of them");
            }
            if (url.Scheme == Uri.UriSchemeHttp && !isInsecure && !IsLoopback(url))
            {
                throw new StartupException($"{variable}: {text} would send secrets in clear text over the network;"
                    + " make it https, or listen on 127.0.0.1 behind a proxy that ends TLS, or set CONCLAVE_INSECURE=1"
                    + " if one does");
            }
            read.Add(url);
        }
        return read.Count > 0 ? read : throw new StartupException($"{variable} names no address");
    }

    static TlsFiles? ReadTls(IEnumerable<Uri> urls, string? certificatePath, string? keyPath) =>
        (urls.Any(url => url.Scheme == Uri.UriSchemeHttps), certificatePath, keyPath) switch
        {
            (false, null, null) => null,
            (true, { } certificate, { } key) => new(Path.GetFullPath(certificate), Path.GetFullPath(key)),
            (true, _, _) => throw new StartupException("CONCLAVE_URLS has an https address: it needs both"
                + " CONCLAVE_TLS_CERTIFICATE and CONCLAVE_TLS_KEY, two PEM files"),
            _ => throw new StartupException("CONCLAVE_TLS_CERTIFICATE and CONCLAVE_TLS_KEY are for an https address,"
                + " and CONCLAVE_URLS has none"),
        };

    static bool IsLoopback(Uri url) =>
        url.Host == "localhost"
        || IPAddress.TryParse(url.DnsSafeHost, out var address) && IPAddress.IsLoopback(address);

    static string ReadDatabase(string database, string? passwordFile)
    {
        try
        {
            var settings = Uri.TryCreate(database, UriKind.Absolute, out var uri)
                && uri.Scheme is "postgres" or "postgresql"
                    ? OfUri(uri!)
                    : new NpgsqlConnectionStringBuilder(database);
            if (passwordFile is not null)
                settings.Password = File.ReadAllText(passwordFile).TrimEnd('\r', '\n');
            return settings.ConnectionString;
        }
        catch (Exception fault) when (fault is ArgumentException or FormatException or KeyNotFoundException)
        {
            // Not its message: that may quote the password.
            throw new StartupException("CONCLAVE_DATABASE is neither a postgres:// URI nor a connection string");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new StartupException("CONCLAVE_DATABASE_PASSWORD_FILE cannot be read: " + fault.Message);
        }
    }

    // libpq's form: postgres://user:password@host:port/database?sslmode=require
    static NpgsqlConnectionStringBuilder OfUri(Uri uri)
    {
        var settings = new NpgsqlConnectionStringBuilder { Host = uri.Host };
        if (uri.Port > 0)
            settings.Port = uri.Port;
        var user = uri.UserInfo.Split(':', 2);
        if (user[0].Length > 0)
            settings.Username = Uri.UnescapeDataString(user[0]);
        if (user.Length > 1)
            settings.Password = Uri.UnescapeDataString(user[1]);
        if (uri.AbsolutePath.Length > 1)
            settings.Database = Uri.UnescapeDataString(uri.AbsolutePath[1..]);
        foreach (var pair in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, escaped) = pair.Split('=', 2) is [var left, var right] ? (left, right) : (pair, "");
            var value = Uri.UnescapeDataString(escaped);
            if (name == "sslmode")
                settings["SSL Mode"] = value.Replace("-", "", StringComparison.Ordinal);
            else
                settings[NpgsqlNameOf(name)] = value;
        }
        return settings;
    }

    static string NpgsqlNameOf(string name) => name switch
    {
        "user" => "Username",
        "dbname" => "Database",
        "connect_timeout" => "Timeout",
        "application_name" => "Application Name",
        "sslrootcert" => "Root Certificate",
        "sslcert" => "SSL Certificate",
        "sslkey" => "SSL Key",
        _ => name,
    };

    // A file that goes with another mode is a mistake, and the server must not be open by mistake.
    static Registration ReadRegistration(string? mode, string? codeFile) => (mode, codeFile) switch
    {
        (null or "open", null) => Registration.Open,
        ("closed", null) => Registration.Closed,
        (null or "code", { } path) => Registration.WithCode(ReadCode(path)),
        ("code", null) => throw new StartupException(
            "CONCLAVE_REGISTRATION=code needs CONCLAVE_REGISTRATION_CODE_FILE, the file with the code"),
        ("open" or "closed", _) => throw new StartupException(
            "CONCLAVE_REGISTRATION_CODE_FILE goes with CONCLAVE_REGISTRATION=code only"),
        _ => throw new StartupException("CONCLAVE_REGISTRATION must be open, closed or code"),
    };

    static string ReadCode(string path)
    {
        try
        {
            var code = File.ReadAllText(path).TrimEnd('\r', '\n');
            return code.Length > 0 ? code : throw new StartupException(path + " has no registration code in it");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new StartupException("CONCLAVE_REGISTRATION_CODE_FILE cannot be read: " + fault.Message);
        }
    }

    static IEnumerable<(string Variable, PropertyInfo Property)> LimitNames() =>
        typeof(Limits).GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Select(property => (LimitPrefix + JsonNamingPolicy.SnakeCaseUpper.ConvertName(property.Name), property));

    static Limits ReadLimits(Func<string, string?> named)
    {
        var limits = new Limits();
        foreach (var (name, property) in LimitNames())
        {
            if (named(name) is not { } text)
                continue;
            if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                throw new StartupException($"{name} must be a whole number (seconds, bytes or a count; 0 for none)");
            property.SetValue(limits, ValueOf(property.PropertyType, number));
        }
        return limits;
    }

    // 0 means none: as large as the type allows, so that nothing else has to know.
    static object ValueOf(Type type, long number)
    {
        if (type == typeof(TimeSpan))
            return number is 0 or > int.MaxValue ? TimeSpan.FromDays(10_000) : TimeSpan.FromSeconds(number);
        if (type == typeof(long))
            return number == 0 ? long.MaxValue / 2 : number;
        return number is 0 or > int.MaxValue / 2 ? int.MaxValue / 2 : (int)number;
    }
}
