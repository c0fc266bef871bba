using System.Text;
using Conclave.Server.Storage;
using Conclave.Tests.Support;

namespace Conclave.Tests.Server.Operator;

/// <summary>What lies on the disk is worth nothing without the master key, to a thief as to the server.</summary>
public sealed class AtRestTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("conclave-operator-").FullName;

    string KeyPath => Path.Combine(_folder, "master.key");

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Server_without_the_right_master_key_does_not_start_and_says_what_to_do()
    {
        await using (var server = await ServerProcess.StartAsync(_folder))
        {
            await using var ann = await WireClient.ConnectAsync(server.Url);
            await ann.SignUpAsync("ann");
        }
        var right = await File.ReadAllTextAsync(KeyPath, Cancellation);

        File.Delete(KeyPath);
        Assert.Contains("its master key " + KeyPath + " is missing: restore that file", await RefusalAsync(),
            StringComparison.Ordinal);
        Assert.False(File.Exists(KeyPath));

        using (MasterKeyFile.LoadOrCreate(KeyPath, mayCreate: true))
            Assert.Contains("put the right key file in place", await RefusalAsync(), StringComparison.Ordinal);

        await File.WriteAllTextAsync(KeyPath, right[..^2], Cancellation);
        Assert.Contains("is not one line of 43", await RefusalAsync(), StringComparison.Ordinal);

        await File.WriteAllTextAsync(KeyPath, right, Cancellation);
        File.SetUnixFileMode(KeyPath, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        Assert.Contains("chmod 600", await RefusalAsync(), StringComparison.Ordinal);

        File.SetUnixFileMode(KeyPath, UnixFileMode.UserRead);
        await using (var server = await ServerProcess.StartAsync(_folder))
        {
            await using var ann = await WireClient.ConnectAsync(server.Url);
            await ann.SignInAsync("ann");
        }
    }

    [Fact]
    public async Task Neither_a_dump_nor_a_backup_has_any_secret_in_it()
    {
        List<string> secrets = [];
        await using var server = await ServerProcess.StartAsync(_folder);
        await using var ann = await WireClient.ConnectAsync(server.Url);
        secrets.Add("password of ann");
        secrets.Add(await ann.SignUpAsync("ann"));
        await ann.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
        for (var post = 0; post < 20; post++)
        {
            var secret = $"secret-{Guid.NewGuid():N}";
            secrets.Add(secret);
            await ann.DoAsync($$"""{"action":"message","lobby_name":"den","row_data":["password","{{secret}}"]}""");
        }
        await OperatorProgram.RunAsync(
            ServerProcess.Program(_folder, "user", "reset-password", "ann", "--password-file", "-"),
            "secret-of-the-operator"u8.ToArray());
        secrets.Add("secret-of-the-operator");
        secrets.Add((await File.ReadAllTextAsync(KeyPath, Cancellation)).Trim());

        var backup = Path.Combine(_folder, "conclave.backup");
        await OperatorProgram.DoAsync(_folder, "backup", backup);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(backup));

        AssertFree(secrets, await DumpAsync(server), "den");
        AssertFree(secrets, await File.ReadAllBytesAsync(backup, Cancellation), "manifest.json");
        await using var zip = await System.IO.Compression.ZipFile.OpenReadAsync(backup, Cancellation);
        foreach (var entry in zip.Entries)
        {
            await using var rows = await entry.OpenAsync(Cancellation);
            using var copy = new MemoryStream();
            await rows.CopyToAsync(copy, Cancellation);
            AssertFree(secrets, copy.ToArray(), "");
        }
    }

    [Fact]
    public async Task Neither_the_table_nor_a_dump_has_anything_left_of_what_was_erased()
    {
        await using var server = await ServerProcess.StartAsync(_folder);
        await using var ann = await WireClient.ConnectAsync(server.Url);
        await ann.SignUpAsync("ann");
        await ann.DoAsync("""{"action":"create_lobby","lobby_name":"den"}""");
        await ann.DoAsync("""{"action":"create_lobby","lobby_name":"lair"}""");
        // One beside its row, as PostgreSQL keeps what is large, and one in it.
        foreach (var row in (string[])["brief", new string('x', 5000), "stays"])
            await ann.DoAsync($$"""{"action":"message","lobby_name":"den","row_data":"{{row}}"}""");
        await ann.DoAsync("""{"action":"message","lobby_name":"den","row_data":"soon gone","expires_in":1}""");
        await using var database = Npgsql.NpgsqlDataSource.Create(server.Database);
        var bodies = await HexAsync(database, "SELECT encode(body, 'hex') FROM entries WHERE kind = 6 ORDER BY seq");
        var key = Assert.Single(
            await HexAsync(database, "SELECT encode(wrapped_key, 'hex') FROM lobbies WHERE name = 'lair'"));
        var before = await DumpAsync(server);
        Assert.All(bodies.Append(key), hex => Assert.True(Has(before, hex)));

        await ann.DoAsync("""{"action":"delete_message","lobby_name":"den","seq":2}""");
        await ann.DoAsync("""{"action":"delete_message","lobby_name":"den","seq":3}""");
        await ann.DoAsync("""{"action":"delete_lobby","lobby_name":"lair"}""");
        const string Unswept = "SELECT seq::text FROM entries WHERE expires_at IS NOT NULL AND body IS NOT NULL";
        while ((await HexAsync(database, Unswept)).Count > 0)
            Cancellation.ThrowIfCancellationRequested();

        Assert.Equal(
            [bodies[2]], await HexAsync(database, "SELECT encode(body, 'hex') FROM entries WHERE body IS NOT NULL"));
        Assert.Empty(
            await HexAsync(database, "SELECT name FROM lobbies WHERE name = 'lair' AND wrapped_key IS NOT NULL"));
        var after = await DumpAsync(server);
        Assert.Equal([false, false, true, false], bodies.Select(hex => Has(after, hex)));
        Assert.False(Has(after, key));
    }

    static bool Has(byte[] place, string text) => place.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0;

    static async Task<List<string>> HexAsync(Npgsql.NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync(Cancellation);
        List<string> rows = [];
        while (await reader.ReadAsync(Cancellation))
            rows.Add(reader.GetString(0));
        return rows;
    }

    // What a dump shows of bytes it shows in hexadecimal.
    static void AssertFree(List<string> secrets, byte[] place, string present)
    {
        Assert.True(place.AsSpan().IndexOf(Encoding.UTF8.GetBytes(present)) >= 0, present);
        foreach (var secret in secrets)
        {
            var bytes = Encoding.UTF8.GetBytes(secret);
            string[] forms = [secret, Convert.ToHexStringLower(bytes), Convert.ToBase64String(bytes)[..^4]];
            foreach (var form in forms)
                Assert.True(place.AsSpan().IndexOf(Encoding.UTF8.GetBytes(form)) < 0, "a secret lies in the open");
        }
    }

    async Task<string> RefusalAsync()
    {
        var start = await OperatorProgram.RunAsync(ServerProcess.Program(_folder), input: []);
        Assert.True(start.Code == 1, start.ToString());
        return start.Errors;
    }

    async Task<byte[]> DumpAsync(ServerProcess server)
    {
        var file = Path.Combine(_folder, "dump.sql");
        await server.DumpDatabaseAsync(file);
        return await File.ReadAllBytesAsync(file, Cancellation);
    }
}
