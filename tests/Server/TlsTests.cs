using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using Conclave.Protocol;
using Conclave.Server;
using Conclave.Server.Storage;
using Conclave.Tests.Client;
using Conclave.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Conclave.Tests.Server;

/// <summary>TLS by the server itself: the same as in clear text, by a certificate that can be renewed.</summary>
public sealed class TlsTests(PostgresCluster postgres) : IDisposable
{
    const int StepsMax = 2000;

    readonly TestAuthority _authority = new();

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _authority.Dispose();

    [Fact]
    public async Task Posts_events_large_messages_and_close_codes_pass_through_tls()
    {
        await using var server = await StartAsync(TimeProvider.System);
        await using var alice = await ConnectAsync(server);
        await using var reader = await ConnectAsync(server);
        await alice.SignUpAsync("alice");
        await alice.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
        await reader.SignInAsync("alice");
        await reader.DoAsync("""{"action":"subscribe","lobby_name":"den"}""");
        string[] rows = ["small", new('x', 900_000), "после", new('ж', 400_000)];
        foreach (var row in rows)
            await alice.DoAsync($$"""{"action":"message","lobby_name":"den","row_data":"{{row}}"}""");
        foreach (var row in rows)
            Assert.Equal(row, (await reader.EntryAsync())["row_data"]!.GetValue<string>());

        await alice.SendAsync(new byte[2 << 20]);
        Assert.Equal(CloseCode.TooBig, await alice.ClosedAsync());
        await reader.Socket.SendAsync(new byte[] { 1 }, WebSocketMessageType.Binary, true, Cancellation);
        Assert.Equal(CloseCode.Binary, await reader.ClosedAsync());
    }

    [Fact]
    public async Task Reader_that_takes_nothing_is_cut_also_behind_tls()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var server = await StartAsync(time);
        await using var other = await ConnectAsync(server);
        var token = await other.SignUpAsync("alice");
        await other.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
        await other.DoAsync(
            $$"""{"action":"message","lobby_name":"den","row_data":"{{new string('x', 900_000)}}"}""");
        await using var dead = await ConnectAsync(server);
        for (var reply = 0; reply < 16; reply++)
            await dead.SendAsync($$"""{"action":"history","lobby_name":"den","token":"{{token}}","limit":1}""");

        var isCut = false;
        for (var step = 0; step < StepsMax && !isCut; step++)
        {
            time.Advance(TimeSpan.FromSeconds(10));
            await other.DoAsync("""{"action":"ping"}""");
            isCut = await Record.ExceptionAsync(() => dead.SendAsync("""{"action":"ping"}""")) is WebSocketException;
        }
        Assert.True(isCut, "the reader that takes nothing is still there");
    }

    [Fact]
    public async Task Renewed_certificate_is_for_new_connections_and_a_broken_one_for_none()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var first = _authority.Issue();
        await using var server = await StartAsync(time, issue: false);
        await using var old = await ConnectAsync(server);
        Assert.Equal(first, (await ShakeAsync(server)).Thumbprint);

        var second = _authority.Issue();
        Assert.True(await BecomesAsync(second), "the new certificate is not shown");
        var certificate = await File.ReadAllTextAsync(_authority.CertificatePath, Cancellation);
        await File.WriteAllTextAsync(_authority.CertificatePath, certificate[..200], Cancellation);
        for (var turn = 0; turn < 5; turn++)
            Assert.Equal(second, await TurnAsync());
        File.Delete(_authority.KeyPath);
        for (var turn = 0; turn < 5; turn++)
            Assert.Equal(second, await TurnAsync());
        Assert.True(await BecomesAsync(_authority.Issue()), "the repaired certificate is not shown");
        await old.DoAsync("""{"action":"ping"}""");

        async Task<bool> BecomesAsync(string thumbprint)
        {
            for (var turn = 0; turn < 200; turn++)
            {
                if (await TurnAsync() == thumbprint)
                    return true;
            }
            return false;
        }

        async Task<string> TurnAsync()
        {
            time.Advance(TimeSpan.FromSeconds(10));
            // Else it would be silent for longer than a peer may be.
            await old.DoAsync("""{"action":"ping"}""");
            return (await ShakeAsync(server)).Thumbprint;
        }
    }

    [Fact]
    public async Task Client_program_speaks_to_a_server_whose_authority_its_system_knows_and_to_no_other()
    {
        await using var server = await StartAsync(TimeProvider.System);
        using var transcript = new Transcript(server.Url);

        Assert.NotEqual(0, (await RunAsync("alice")).Code);
        var (code, errors) = await RunAsync("alice", _authority.RootPath);
        Assert.True(code == 0, errors);

        async Task<(int Code, string Errors)> RunAsync(string user, string? trusted = null)
        {
            string[] trust = trusted is null ? [] : ["SSL_CERT_FILE=" + trusted];
            using var client = transcript.Start(
                user, "/usr/bin/env", [.. trust, Transcript.Program, "register", user]);
            client.StandardInput.Close();
            var output = client.StandardOutput.ReadToEndAsync(Cancellation);
            var said = await client.StandardError.ReadToEndAsync(Cancellation);
            await output;
            await client.WaitForExitAsync(Cancellation);
            return (client.ExitCode, said);
        }
    }

    [Fact]
    public async Task Health_of_a_server_with_tls_can_be_asked_on_its_machine()
    {
        await using var server = await StartAsync(TimeProvider.System);
        var settings = Settings.Read(name => name switch
        {
            "CONCLAVE_URLS" => $"https://0.0.0.0:{server.Url.Port}",
            "CONCLAVE_TLS_CERTIFICATE" => _authority.CertificatePath,
            "CONCLAVE_TLS_KEY" => _authority.KeyPath,
            _ => null,
        });

        Assert.Equal(0, await HealthCheck.RunAsync(settings));
        _authority.Issue();
        Assert.Equal(1, await HealthCheck.RunAsync(settings));
    }

    [Fact]
    public void Files_that_are_no_good_are_refused_in_one_line()
    {
        _authority.Issue();
        string certificate = _authority.CertificatePath, key = _authority.KeyPath;
        (string Certificate, string Key, string Why)[] table =
        [
            (certificate + ".no", key, "CONCLAVE_TLS_CERTIFICATE cannot be read"),
            (certificate, key + ".no", "CONCLAVE_TLS_KEY cannot be read"),
            (certificate, certificate, "has no private key"),
            (key, key, "is no PEM certificate"),
            (_authority.RootPath, key, "is no PEM certificate for the key"),
        ];
        foreach (var (certificatePath, keyPath, why) in table)
        {
            var refused = Assert.Throws<StartupException>(() => new TlsCertificate(new(certificatePath, keyPath)));
            Assert.Contains(why, refused.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', refused.Message);
        }
    }

    // Also offers HTTP/2, which the server must not take: its WebSockets are of HTTP/1.1.
    async Task<X509Certificate2> ShakeAsync(TestServer server)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(server.Url.Host, server.Url.Port, Cancellation);
        await using var stream = new SslStream(socket.GetStream(), leaveInnerStreamOpen: false, _authority.Check);
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = server.Url.Host,
            ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
        };
        await stream.AuthenticateAsClientAsync(options, Cancellation);
        Assert.Equal(SslApplicationProtocol.Http11, stream.NegotiatedApplicationProtocol);
        return new X509Certificate2(stream.RemoteCertificate!);
    }

    Task<WireClient> ConnectAsync(TestServer server) => WireClient.ConnectAsync(server.Url, authority: _authority);

    Task<TestServer> StartAsync(TimeProvider time, bool issue = true)
    {
        if (issue)
            _authority.Issue();
        return TestServer.StartAsync(
            postgres, time,
            ("CONCLAVE_URLS", "https://127.0.0.1:0"),
            ("CONCLAVE_TLS_CERTIFICATE", _authority.CertificatePath),
            ("CONCLAVE_TLS_KEY", _authority.KeyPath));
    }
}
