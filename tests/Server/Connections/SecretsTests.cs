using System.Diagnostics;
using System.Text;
using Conclave.Server.Storage;
using Conclave.Tests.Support;
using Npgsql;

namespace Conclave.Tests.Server.Connections;

/// <summary>Passwords, tokens and contents stay where they belong, whatever goes wrong around them.</summary>
public sealed class SecretsTests
{
    const int SigTerm = 15;
    const string Login = "someone-who-may-be-seen";
    const string Password = "secret-password-6b0f29";
    const string WrongPassword = "secret-mistake-77ad10";
    const string Content = "secret-content-c41e86";

    static readonly string[] Tables = ["meta", "users", "sessions", "lobbies", "lobby_names", "members", "entries"];

    [Fact]
    public async Task No_secret_is_in_a_log_an_argument_or_the_database()
    {
        var data = Directory.CreateTempSubdirectory("conclave-secrets-").FullName;
        try
        {
            var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "conclave-server"))
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            start.Environment["CONCLAVE_DATA"] = data;
            start.Environment["CONCLAVE_URLS"] = "http://127.0.0.1:0";
            using var process = Process.Start(start)!;
            var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            var log = new StringBuilder();
            var url = await ListeningAsync(process, log);
            var rest = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);

            await using var database = NpgsqlDataSource.Create(
                $"Host={Path.Combine(data, "postgres", "socket")};Username=conclave;Database=conclave");
            var token = await UseAsync(url, database);
            string[] secrets = [Password, WrongPassword, Content, token, .. Hidden(Password, Content, token)];
            AssertFree(secrets, Arguments(), "/" + "conclave-server");
            AssertFree(secrets, await DumpAsync(database), Login);

            PostgresProcesses.Signal(process.Id, SigTerm);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            log.Append(await rest).Append(await errors);
            AssertFree(secrets, log.ToString(), "A request failed");
            AssertFree(secrets, log.ToString(), "An entry could not be appended");
            AssertFree(secrets, await File.ReadAllTextAsync(
                Path.Combine(data, "postgres.log"), TestContext.Current.CancellationToken), "starting PostgreSQL");
            AssertFree(secrets, await FilesAsync(Path.Combine(data, "postgres", "data")), Login);
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    // Secrets in requests that are good, refused, malformed, and that meet a broken database. Returns one token.
    static async Task<string> UseAsync(Uri url, NpgsqlDataSource database)
    {
        await using var client = await WireClient.ConnectAsync(url);
        var register = $$"""{"action":"register","login":"{{Login}}","password":"{{Password}}"}""";
        var auth = $$"""{"action":"auth","login":"{{Login}}","password":"{{Password}}"}""";
        await client.DoAsync(register);
        var token = (await client.DoAsync(auth))["token"]!.GetValue<string>();
        var post = $$"""{"action":"message","token":"{{token}}","lobby_name":"den","row_data":"{{Content}}"}""";
        var broken = post.Replace("}", ",\"\\ud800\":1}", StringComparison.Ordinal);
        await client.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
        await client.DoAsync(post);
        string[] refused =
        [
            register, auth.Replace(Password, WrongPassword, StringComparison.Ordinal), auth[..^1], auth + auth,
            post[..^2], post + "]", broken, post.Replace("den", Content, StringComparison.Ordinal),
            post.Replace("message", Content, StringComparison.Ordinal),
            post.Replace("row_data", "lobby_id", StringComparison.Ordinal),
            post.Replace("row_data\":", "row_data\":[" + new string('[', 40), StringComparison.Ordinal)
                .Replace("}", new string(']', 41) + "}", StringComparison.Ordinal),
            $$"""{"action":"whoami","token":"{{token}}{{token}}"}""",
            $$"""{"action":"get_public_token","login":"{{Password}} {{token}}"}""",
        ];
        foreach (var request in refused)
            await client.RefusedAsync(request);

        await RunAsync(database, "ALTER TABLE users RENAME TO hidden");
        Assert.Equal("internal", await client.RefusedAsync(auth));
        Assert.Equal("internal", await client.RefusedAsync(register));
        await RunAsync(database, "ALTER TABLE hidden RENAME TO users; ALTER TABLE entries RENAME TO hidden");
        Assert.Equal("internal", await client.RefusedAsync(post));
        await RunAsync(database, "ALTER TABLE hidden RENAME TO entries");

        await RunAsync(database, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            + " AND datname = current_database()");
        await client.AskAsync(post);
        await client.AskAsync($$"""{"action":"history","token":"{{token}}","lobby_name":"den"}""");
        await client.AskAsync(auth);
        return token;
    }

    static async Task<Uri> ListeningAsync(Process process, StringBuilder log)
    {
        while (await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            log.AppendLine(line);
            if (line.StartsWith("Conclave listens on ", StringComparison.Ordinal))
                return new Uri(line.Split(' ')[^1]);
        }
        throw new EndOfStreamException("the server did not start");
    }

    static void AssertFree(string[] secrets, string text, string present)
    {
        Assert.Contains(present, text, StringComparison.Ordinal);
        foreach (var secret in secrets)
            Assert.DoesNotContain(secret, text, StringComparison.OrdinalIgnoreCase);
    }

    // As a dump of bytes shows them.
    static IEnumerable<string> Hidden(params string[] secrets) =>
        secrets.Select(secret => Convert.ToHexString(Encoding.UTF8.GetBytes(secret)))
            .Append(secrets[^1].Replace("-", "", StringComparison.Ordinal));

    static string Arguments()
    {
        StringBuilder arguments = new();
        foreach (var folder in Directory.EnumerateDirectories("/proc").Where(path => char.IsAsciiDigit(path[6])))
        {
            try
            {
                arguments.AppendLine(File.ReadAllText(Path.Combine(folder, "cmdline")));
            }
            catch (IOException)
            {
                // It has ended meanwhile.
            }
        }
        return arguments.ToString();
    }

    static async Task<string> DumpAsync(NpgsqlDataSource database)
    {
        StringBuilder dump = new();
        foreach (var table in Tables)
        {
            await using var command = database.CreateCommand($"SELECT string_agg(t::text, ' ') FROM {table} t");
            dump.AppendLine((string?)await command.ExecuteScalarAsync(TestContext.Current.CancellationToken));
        }
        return dump.ToString();
    }

    static async Task<string> FilesAsync(string folder)
    {
        StringBuilder contents = new();
        foreach (var path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            var bytes = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
            // Most of the log ahead is zeros.
            contents.Append(Encoding.Latin1.GetString(bytes.AsSpan().TrimEnd((byte)0)));
        }
        return contents.ToString();
    }

    static async Task RunAsync(NpgsqlDataSource database, string statement)
    {
        await using var command = database.CreateCommand(statement);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }
}
