using Conclave.Server;
using Conclave.Server.Storage;
using Npgsql;

namespace Conclave.Tests.Server;

public sealed class SettingsTests
{
    [Fact]
    public void Limit_that_is_mistyped_does_not_pass_for_one_that_is_set()
    {
        Settings.RequireKnownLimits(["CONCLAVE_LIMIT_IN_FLIGHT_MAX", "CONCLAVE_SERVER", "HOME"]);
        var refused = Assert.Throws<StartupException>(
            () => Settings.RequireKnownLimits(["HOME", "CONCLAVE_LIMIT_INFLIGHT_MAX"]));
        Assert.Contains("CONCLAVE_LIMIT_INFLIGHT_MAX", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Database_of_a_uri_keeps_every_character_of_its_values()
    {
        var database = DatabaseOf(
            "postgres://in-side:p%40ss-word@db-1:5433/my-data?sslmode=verify-full&connect_timeout=7&Keepalive=3");

        Assert.Equal(("db-1", 5433), (database.Host, database.Port));
        Assert.Equal(("in-side", "p@ss-word", "my-data"), (database.Username, database.Password, database.Database));
        Assert.Equal((SslMode.VerifyFull, 7, 3), (database.SslMode, database.Timeout, database.KeepAlive));
    }

    [Fact]
    public void Database_may_be_named_in_the_query_of_a_uri()
    {
        var database = DatabaseOf("postgresql:///?host=/var/run/my-postgres&user=a-b&password=c-d&dbname=e-f");

        Assert.Equal(("/var/run/my-postgres", "a-b"), (database.Host, database.Username));
        Assert.Equal(("c-d", "e-f"), (database.Password, database.Database));
    }

    [Theory]
    [InlineData("postgres://me:geheim@host/db?no_such_setting=1")]
    [InlineData("postgres://me:geheim@host:port/db")]
    [InlineData("Host=host;Password=geheim;No Such Setting=1")]
    public void Database_that_is_none_is_refused_without_its_password(string text)
    {
        var refused = Assert.Throws<StartupException>(() => DatabaseOf(text));

        Assert.DoesNotContain("geheim", refused.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://127.0.0.1:1")]
    [InlineData("http://[::1]:1")]
    [InlineData("http://LOCALHOST:1")]
    public void Clear_text_is_for_loopback(string url) =>
        Assert.Single(Read(("CONCLAVE_URLS", url)).Urls);

    [Theory]
    [InlineData("http://0.0.0.0:1")]
    [InlineData("http://[::]:1")]
    [InlineData("http://192.0.2.1:1")]
    public void Clear_text_over_a_network_must_be_asked_for(string url)
    {
        Assert.Throws<StartupException>(() => Read(("CONCLAVE_URLS", url)));
        Assert.Single(Read(("CONCLAVE_URLS", url), ("CONCLAVE_INSECURE", "1")).Urls);
    }

    [Fact]
    public void Tls_may_be_served_to_a_network_and_needs_two_files_and_an_https_address()
    {
        (string, string) certificate = ("CONCLAVE_TLS_CERTIFICATE", "/c.pem"), key = ("CONCLAVE_TLS_KEY", "/k.pem");

        Assert.Equal(new("/c.pem", "/k.pem"), Read(("CONCLAVE_URLS", "https://0.0.0.0:1"), certificate, key).Tls);
        Assert.Null(Read().Tls);
        Assert.Throws<StartupException>(() => Read(("CONCLAVE_URLS", "https://0.0.0.0:1"), certificate));
        Assert.Throws<StartupException>(() => Read(("CONCLAVE_URLS", "https://0.0.0.0:1"), key));
        Assert.Throws<StartupException>(() => Read(certificate, key));
        Assert.Throws<StartupException>(
            () => Read(("CONCLAVE_URLS", "https://0.0.0.0:1;http://0.0.0.0:2"), certificate, key));
    }

    [Theory]
    [InlineData("127.0.0.1:7720", "is not an address such as")]
    [InlineData("ftp://127.0.0.1:7720", "is not an address such as")]
    [InlineData("https://conclave.example", "wants an IP address")]
    [InlineData("https://127.0.0.1:7720", "it needs both CONCLAVE_TLS_CERTIFICATE and CONCLAVE_TLS_KEY")]
    [InlineData("http://localhost.example:1", "wants an IP address")]
    [InlineData(";", "names no address")]
    public void Address_that_is_no_good_is_refused_with_what_to_do(string urls, string why)
    {
        var refused = Assert.Throws<StartupException>(
            () => Read(("CONCLAVE_URLS", urls), ("CONCLAVE_INSECURE", "1")));

        Assert.Contains(why, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://0.0.0.0:7720", "http://127.0.0.1:7720/")]
    [InlineData("http://[::]:7720", "http://127.0.0.1:7720/")]
    [InlineData("http://[::1]:7720", "http://[::1]:7720/")]
    public void Server_on_all_addresses_is_found_on_loopback(string url, string found) =>
        Assert.Equal(found, HealthCheck.OnThisMachine(new Uri(url)).AbsoluteUri);

    static NpgsqlConnectionStringBuilder DatabaseOf(string database) =>
        new(Read(("CONCLAVE_DATABASE", database)).Database);

    static Settings Read(params (string Name, string Value)[] environment) =>
        Settings.Read(name => environment.FirstOrDefault(pair => pair.Name == name).Value);
}
