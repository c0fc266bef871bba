using Conclave.Protocol;
using Conclave.Sealing;
using Conclave.Tests.Support;
using Npgsql;

namespace Conclave.Tests.Server.Operator;

/// <summary>What the operator's commands make of sealed lobbies, which the operator cannot read.</summary>
public sealed class SealedCheckTests(PostgresCluster postgres)
{
    static readonly (string Change, string Finding)[] Changes =
    [
        ("UPDATE entries SET hash = row_hash WHERE seq = 3", "entry 3 has another transcript"),
        ("UPDATE entries SET row_hash = hash WHERE seq = 3", "entry 3 has another hash than its row"),
        ("UPDATE entries SET row_hash = NULL WHERE seq = 3", "entry 3 has no hash of its row"),
        ("UPDATE entries SET kind = 7 WHERE seq = 3", "entry 3 is of another kind than its row"),
        ("UPDATE members SET fingerprint = set_byte(fingerprint, 0, get_byte(fingerprint, 0) # 1)",
            "has another identity than the roster says"),
        ("UPDATE lobbies SET generation = 9", "its keys are of generation 9"),
        ("DELETE FROM roster_rows WHERE height = 2", "its roster has 2 places, and 3 entries"),
    ];

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Check_follows_a_sealed_lobby_as_its_members_do()
    {
        await using var server = await TestServer.StartAsync(postgres);
        await using var alice = await SealingUser.SignUpAsync(server, "alice");
        await using var bob = await SealingUser.SignUpAsync(server, "bob");
        using var den = await SealedDen.CreateAsync(alice, "den");
        await den.ChangeAsync(alice, den.Invitation(alice, bob));
        await den.PostAsync(bob, "something");
        await den.ChangeAsync(alice, den.Rotation(alice));
        await den.PostAsync(alice, "something else");
        await alice.Client.DoAsync($$"""{"action":"delete_message",{{den.Where}},"seq":5}""");
        await using var database = NpgsqlDataSource.Create(server.Database);
        Assert.Equal("", await CheckAsync(server, code: 0));
        foreach (var table in (string[])["entries", "members", "lobbies", "roster_rows"])
            await RunAsync(database, $"CREATE TABLE saved_{table} AS TABLE {table}");
        foreach (var (change, finding) in Changes)
        {
            await RunAsync(database, change);
            Assert.Contains(finding, await CheckAsync(server, code: 1), StringComparison.Ordinal);
            foreach (var table in (string[])["entries", "members", "lobbies", "roster_rows"])
                await RunAsync(database, $"TRUNCATE {table}; INSERT INTO {table} SELECT * FROM saved_{table}");
        }
        Assert.Equal("", await CheckAsync(server, code: 0));
    }

    [Fact]
    public async Task Backup_brings_sealed_lobbies_and_accounts_back_whole()
    {
        await using var server = await TestServer.StartAsync(postgres);
        await using var alice = await SealingUser.SignUpAsync(server, "alice");
        await using var bob = await SealingUser.SignUpAsync(server, "bob");
        using var den = await SealedDen.CreateAsync(alice, "den");
        await den.ChangeAsync(alice, den.Invitation(alice, bob));
        var file = Path.Combine(server.Folder, "backup");
        await DoAsync(server, "backup", file);
        var folder = Directory.CreateTempSubdirectory("conclave-operator-").FullName;
        try
        {
            File.Copy(Path.Combine(server.Folder, "master.key"), Path.Combine(folder, "master.key"));
            var restored = await postgres.CreateDatabaseAsync("migrated", StorageRooms.MigrateAsync);
            Assert.Equal(0, (await RunAsync(folder, restored, "restore", file)).Code);
            Assert.Equal("", (await RunAsync(folder, restored, "check")).Output);
            await using var database = NpgsqlDataSource.Create(restored);
            await using var count = database.CreateCommand(
                """
                SELECT (SELECT count(*) FROM identities) || ' ' || (SELECT count(*) FROM vaults) || ' '
                    || (SELECT count(*) FROM roster_rows) || ' ' || (SELECT count(*) FROM key_wraps)
                """);
            Assert.Equal("2 2 2 2", await count.ExecuteScalarAsync(Cancellation));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Password_reset_by_the_operator_makes_the_account_a_plain_one()
    {
        await using var server = await TestServer.StartAsync(postgres);
        await using var alice = await SealingUser.SignUpAsync(server, "alice");
        await DoAsync(server, "user", "reset-password", "alice", "--generate");
        var kdf = await alice.Client.DoAsync("""{"action":"kdf","login":"alice"}""");
        Assert.Null(kdf["kdf"]);
        var told = await alice.Client.DoAsync("""{"action":"get_public_token","login":"alice"}""");
        Assert.False(told.ContainsKey("identity"));
    }

    [Fact]
    public async Task Identity_comes_back_after_a_reset_of_the_password_but_no_earlier_one()
    {
        await using var server = await TestServer.StartAsync(postgres);
        await using var alice = await SealingUser.SignUpAsync(server, "alice");
        var first = alice.Record;
        alice.Identity = Identity.Create("alice");
        await alice.Client.DoAsync(
            $$"""
            {"action":"reset_identity","password":"{{alice.Password}}","vault":"{{SealingUser.Vault()}}",
            "identity":{"record":"{{alice.Record}}"} }
            """);
        var drawn = await RunAsync(server, "user", "reset-password", "alice", "--generate");
        alice.Password = drawn.Output.Trim();
        await alice.ReconnectAsync(server);

        Assert.Equal(ErrorCode.BadIdentity, await alice.Client.RefusedAsync(Sealing(first)));
        await alice.Client.DoAsync(Sealing(alice.Record));
        var told = await alice.Client.DoAsync("""{"action":"get_public_token","login":"alice"}""");
        Assert.Equal(alice.Record, told["identity"]!["record"]!.GetValue<string>());

        string Sealing(string record) =>
            $$"""
            {"action":"change_password","old_password":"{{alice.Password}}","new_password":"{{alice.Password}}",
            "kdf":{{SealingUser.Kdf()}},"vault":"{{SealingUser.Vault()}}","identity":{"record":"{{record}}"} }
            """;
    }

    static async Task<string> CheckAsync(TestServer server, int code)
    {
        var check = await RunAsync(server, "check");
        Assert.True(check.Code == code, check.ToString());
        return check.Output;
    }

    static async Task DoAsync(TestServer server, params string[] arguments)
    {
        var run = await RunAsync(server, arguments);
        Assert.True(run.Code == 0, run.ToString());
    }

    static Task<OperatorProgram> RunAsync(TestServer server, params string[] arguments) =>
        RunAsync(server.Folder, server.Database, arguments);

    static Task<OperatorProgram> RunAsync(string folder, string database, params string[] arguments)
    {
        var start = ServerProcess.Program(folder, arguments);
        start.Environment["CONCLAVE_DATABASE"] = database;
        return OperatorProgram.RunAsync(start, input: []);
    }

    static async Task RunAsync(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancellation);
    }
}
