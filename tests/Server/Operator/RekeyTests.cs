using Conclave.Server.Storage;
using Conclave.Tests.Support;

namespace Conclave.Tests.Server.Operator;

/// <summary>The master key changes: whole, cut off anywhere, and never under a server.</summary>
public sealed class RekeyTests(PostgresCluster postgres) : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("conclave-operator-").FullName;

    string KeyPath => Path.Combine(_folder, "master.key");

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Rekey_waits_for_no_server_and_then_every_message_opens_with_the_new_key_alone()
    {
        await using (var server = await ServerProcess.StartAsync(_folder))
        {
            await using var ann = await WireClient.ConnectAsync(server.Url);
            await ann.SignUpAsync("ann");
            for (var lobby = 0; lobby < 3; lobby++)
            {
                await ann.DoAsync($$"""{"action":"create_lobby","lobby_name":"den {{lobby}}"}""");
                await ann.DoAsync($$"""{"action":"message","lobby_name":"den {{lobby}}","row_data":"in {{lobby}}"}""");
            }
            Assert.Contains("stop it", await OperatorProgram.RefusedAsync(_folder, "rekey"), StringComparison.Ordinal);
        }
        var before = await File.ReadAllTextAsync(KeyPath, Cancellation);

        await OperatorProgram.DoAsync(_folder, "rekey");

        var kept = Assert.Single(Directory.EnumerateFiles(_folder, "master.key?*"), path => path != KeyPath);
        Assert.Equal(before, await File.ReadAllTextAsync(kept, Cancellation));
        Assert.NotEqual(before, await File.ReadAllTextAsync(KeyPath, Cancellation));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(KeyPath));
        await OperatorProgram.DoAsync(_folder, "check");
        await using (var server = await ServerProcess.StartAsync(_folder))
        {
            await using var ann = await WireClient.ConnectAsync(server.Url);
            await ann.SignInAsync("ann");
            var history = await ann.DoAsync("""{"action":"history","lobby_name":"den 2"}""");
            Assert.Equal("in 2", history["events"]![1]!["row_data"]!.GetValue<string>());
        }

        File.Move(kept, KeyPath, overwrite: true);
        var old = await OperatorProgram.RunAsync(ServerProcess.Program(_folder), input: []);
        Assert.Equal(1, old.Code);
        Assert.Contains("the master key is not the one", old.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rekey_that_was_cut_off_anywhere_leaves_a_file_that_opens_everything_and_the_next_ends_it()
    {
        var database = await postgres.CreateDatabaseAsync();
        await StartOnceAsync(database);
        for (var stop = 0; stop < 4; stop++)
        {
            var lobby = await AddLobbyAsync(database);
            await CutOffAsync(database, stop);

            Assert.True(
                await OpensAsync(database, lobby, KeyPath) || await OpensAsync(database, lobby, KeyPath + ".new"));
            var rekey = await OperatorProgram.RunAsync(On(database, "rekey"), input: []);
            Assert.True(rekey.Code == 0, rekey.ToString());
            Assert.True(await OpensAsync(database, lobby, KeyPath));
            Assert.False(File.Exists(KeyPath + ".new"));
            var check = await OperatorProgram.RunAsync(On(database, "check"), input: []);
            Assert.True(check.Code == 0, check.ToString());
        }
    }

    [Fact]
    public async Task Rekey_that_is_killed_leaves_one_file_that_opens_everything()
    {
        var database = await postgres.CreateDatabaseAsync();
        await StartOnceAsync(database);
        List<Guid> lobbies = [];
        for (var count = 0; count < 20; count++)
            lobbies.Add(await AddLobbyAsync(database));
        using var watcher = new FileSystemWatcher(_folder, "master.key*");
        var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        watcher.Renamed += (_, _) => seen.TrySetResult();
        watcher.Created += (_, _) => seen.TrySetResult();
        watcher.EnableRaisingEvents = true;
        using (var process = System.Diagnostics.Process.Start(On(database, "rekey"))!)
        {
            await seen.Task.WaitAsync(TimeSpan.FromSeconds(60), Cancellation);
            process.Kill();
            await process.WaitForExitAsync(Cancellation);
        }

        var isOld = await OpensAsync(database, lobbies[0], KeyPath);
        foreach (var lobby in lobbies)
            Assert.True(await OpensAsync(database, lobby, isOld ? KeyPath : KeyPath + ".new"));
        var rekey = await OperatorProgram.RunAsync(On(database, "rekey"), input: []);
        Assert.True(rekey.Code == 0, rekey.ToString());
        foreach (var lobby in lobbies)
            Assert.True(await OpensAsync(database, lobby, KeyPath));
    }

    [Fact]
    public async Task Key_that_cannot_be_replaced_where_it_is_is_left_alone()
    {
        var database = await postgres.CreateDatabaseAsync();
        await StartOnceAsync(database);
        var lobby = await AddLobbyAsync(database);
        var before = await File.ReadAllTextAsync(KeyPath, Cancellation);
        var to = Path.Combine(_folder, "next.key");

        for (var again = 0; again < 2; again++)
        {
            var rekey = await OperatorProgram.RunAsync(On(database, "rekey", "--to", to), input: []);
            Assert.True(rekey.Code == 0, rekey.ToString());
            Assert.Contains(to, rekey.Errors, StringComparison.Ordinal);
            Assert.True(await OpensAsync(database, lobby, to));
            Assert.Equal(before, await File.ReadAllTextAsync(KeyPath, Cancellation));
        }
    }

    [Fact]
    public async Task Server_on_a_database_elsewhere_keeps_rekey_out_and_says_so_when_it_was_overtaken()
    {
        await using var server = await TestServer.StartAsync(postgres);
        var rekey = await OperatorProgram.RunAsync(On(server.Database, "rekey"), input: []);
        Assert.Equal(1, rekey.Code);
        Assert.Contains("stop it", rekey.Errors, StringComparison.Ordinal);

        await using var source = Npgsql.NpgsqlDataSource.Create(server.Database);
        await using (var change = source.CreateCommand("UPDATE meta SET master_key_id = 'another'"))
            await change.ExecuteNonQueryAsync(Cancellation);
        await using (var cut = source.CreateCommand(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = ("
            + "SELECT oid FROM pg_database WHERE datname = current_database())"))
            await cut.ExecuteNonQueryAsync(Cancellation);
        await server.Overtaken.WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
    }

    [Fact]
    public async Task Nobody_comes_in_while_a_command_has_the_database_alone()
    {
        var connectionString = await postgres.CreateDatabaseAsync();
        await StartOnceAsync(connectionString);
        await using var database = await Database.OpenAsync(connectionString, Cancellation);
        await using var claim = await DatabaseClaim.TryTakeAloneAsync(database, Cancellation);
        Assert.NotNull(claim);

        (string, string)[] table = [("user list", "try again"), ("rekey", "stop it"), ("", "start again")];
        foreach (var (command, text) in table)
        {
            var run = await OperatorProgram.RunAsync(
                On(connectionString, command.Split(' ', StringSplitOptions.RemoveEmptyEntries)), input: []);
            Assert.True(run.Code == 1 && run.Errors.Contains(text, StringComparison.Ordinal), run.ToString());
        }
    }

    System.Diagnostics.ProcessStartInfo On(string database, params string[] arguments)
    {
        var start = ServerProcess.Program(_folder, arguments);
        start.Environment["CONCLAVE_DATABASE"] = database;
        return start;
    }

    async Task StartOnceAsync(string connectionString)
    {
        await using var database = await Database.OpenAsync(connectionString, Cancellation);
        using var masterKey = MasterKeyFile.LoadOrCreate(KeyPath, mayCreate: true);
        await database.AdoptAsync(masterKey, Cancellation);
    }

    async Task<Guid> AddLobbyAsync(string connectionString)
    {
        using var masterKey = MasterKeyFile.Load(KeyPath);
        await using var rooms = await StorageRooms.OpenAsync(connectionString, masterKey);
        var name = Guid.NewGuid().ToString("N");
        var lobby = await rooms.CreateLobbyAsync(await rooms.AddUserAsync(name), name);
        return lobby.LobbyId;
    }

    // What a rekey does, up to one of its steps.
    async Task CutOffAsync(string connectionString, int stop)
    {
        using var successor = MasterKeyFile.LoadOrCreate(KeyPath + ".new", mayCreate: true);
        if (stop == 0)
            return;
        using var masterKey = MasterKeyFile.Load(KeyPath);
        await using (var database = await Database.OpenAsync(connectionString, Cancellation))
            await LobbyRewrap.RunAsync(database, masterKey, successor, Cancellation);
        if (stop == 2)
            File.Copy(KeyPath, $"{KeyPath}.{masterKey.Id}");
        if (stop == 3)
            MasterKeyFile.Replace(KeyPath, KeyPath + ".new", $"{KeyPath}.{masterKey.Id}");
    }

    static async Task<bool> OpensAsync(string connectionString, Guid lobbyId, string path)
    {
        if (!File.Exists(path))
            return false;
        using var masterKey = MasterKeyFile.Load(path);
        await using var rooms = await StorageRooms.OpenAsync(connectionString, masterKey);
        try
        {
            return await rooms.Lobbies.FindAsync(lobbyId, Cancellation) is not null;
        }
        catch (System.Security.Cryptography.CryptographicException)
        {
            return false;
        }
    }
}
