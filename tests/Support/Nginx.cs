using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Conclave.Tests.Tidy;

namespace Conclave.Tests.Support;

/// <summary>
/// The real nginx with docs/nginx.conf, in which only the addresses and the paths of the certificate are another.
/// </summary>
sealed class Nginx : IAsyncDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    readonly string _folder;
    readonly Process _process;

    Nginx(string folder, Process process, Uri url)
    {
        _folder = folder;
        _process = process;
        Url = url;
    }

    /// <summary>Where the program is; null if it is not on this machine. .ci/prepare puts it into artifacts/.</summary>
    public static string? ProgramPath { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .Concat(["/usr/sbin", "/usr/local/sbin", Path.Combine(SourceFile.Root(), "artifacts/nginx/usr/sbin")])
        .Select(folder => Path.Combine(folder, "nginx"))
        .FirstOrDefault(File.Exists);

    public Uri Url { get; }

    /// <summary>Starts it in front of a server.</summary>
    public static async Task<Nginx> StartAsync(Uri server, TestAuthority authority)
    {
        var folder = Directory.CreateTempSubdirectory("conclave-nginx-").FullName;
        var port = FreePort();
        var site = SourceFile.All.Single(file => file.Path == "docs/nginx.conf").Text
            .Replace("conclave:7720", server.Authority, StringComparison.Ordinal)
            .Replace("listen 443", $"listen 127.0.0.1:{port}", StringComparison.Ordinal)
            .Replace("/etc/nginx/tls/certificate.pem", authority.CertificatePath, StringComparison.Ordinal)
            .Replace("/etc/nginx/tls/key.pem", authority.KeyPath, StringComparison.Ordinal);
        var user = Environment.IsPrivilegedProcess ? "user root;" : "";
        await File.WriteAllTextAsync(Path.Combine(folder, "nginx.conf"),
            $$"""
            daemon off;
            {{user}}
            pid {{folder}}/nginx.pid;
            error_log stderr;
            events { }
            http {
                access_log off;
                client_body_temp_path {{folder}}/body;
                proxy_temp_path {{folder}}/proxy;
                fastcgi_temp_path {{folder}}/fastcgi;
                uwsgi_temp_path {{folder}}/uwsgi;
                scgi_temp_path {{folder}}/scgi;
            {{site}}
            }
            """);
        var start = new ProcessStartInfo(
            ProgramPath!, ["-p", folder, "-c", Path.Combine(folder, "nginx.conf"), "-e", "stderr"])
        {
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var nginx = new Nginx(folder, process, new Uri($"https://127.0.0.1:{port}"));
        if (!await nginx.AnswersAsync())
        {
            await nginx.DisposeAsync();
            throw new InvalidOperationException("nginx does not start: " + await errors);
        }
        return nginx;
    }

    public async ValueTask DisposeAsync()
    {
        // Its children end when it does, and not before they have let go of the folder.
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    async Task<bool> AnswersAsync()
    {
        var began = TimeProvider.System.GetTimestamp();
        while (!_process.HasExited && TimeProvider.System.GetElapsedTime(began) < Patience)
        {
            using var socket = new TcpClient();
            try
            {
                await socket.ConnectAsync(Url.Host, Url.Port);
                return true;
            }
            catch (SocketException)
            {
                // Not yet.
                await Task.Yield();
            }
        }
        return false;
    }

    static int FreePort()
    {
        using var free = new TcpListener(IPAddress.Loopback, 0);
        free.Start();
        return ((IPEndPoint)free.LocalEndpoint).Port;
    }
}
