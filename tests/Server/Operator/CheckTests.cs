using Conclave.Protocol;
using Conclave.Server.Storage;
using Conclave.Tests.Support;
using Npgsql;

namespace Conclave.Tests.Server.Operator;

/// <summary>What the check finds when somebody has changed what is stored.</summary>
public sealed class CheckTests(PostgresCluster postgres) : IDisposable
{
    const string Key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";

    readonly string _folder = Directory.CreateTempSubdirectory("conclave-operator-").FullName;

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("SELECT", null)]
    [InlineData("DELETE FROM entries WHERE seq = 3", "entry 3 is missing")]
    [InlineData("DELETE FROM entries WHERE seq IN (3, 4)", "the entries 3 to 4 are missing")]
    [InlineData("DELETE FROM entries WHERE seq = 1", "entry 1 is missing")]
    [InlineData("DELETE FROM entries WHERE seq = 7", "last_seq is 7, and the last entry 6")]
    [InlineData("UPDATE lobbies SET last_seq = 9", "last_seq is 9, and the last entry 7")]
    [InlineData("UPDATE lobbies SET last_sent_at = now() + interval '1 day'", "last_sent_at")]
    [InlineData("UPDATE entries SET sent_at = sent_at - interval '1 day' WHERE seq = 4", "entry 4 is older")]
    [InlineData("UPDATE entries SET body = set_byte(body, 50, get_byte(body, 50) # 1) WHERE seq = 3",
        "entry 3 has a body that does not open")]
    [InlineData("UPDATE entries SET body = NULL WHERE seq = 3", "its messages take")]
    [InlineData("UPDATE lobbies SET bytes = bytes + 1", "its messages take")]
    [InlineData("UPDATE lobbies l SET bytes = e.bytes FROM (SELECT sum(octet_length(body)) AS bytes FROM entries"
        + " WHERE seq <> 3) e; UPDATE entries SET body = NULL WHERE seq = 3", null)]
    [InlineData("UPDATE lobbies SET deleted_at = now()", "its key is still there")]
    [InlineData("UPDATE lobbies SET deleted_at = now(), wrapped_key = NULL; DELETE FROM entries WHERE seq < 3", null)]
    [InlineData("UPDATE entries SET body = '' WHERE seq = 3", "entry 3 has a body that does not open")]
    [InlineData("UPDATE entries SET nonce = public_token FROM users WHERE seq = 3 AND login = 'ann'",
        "entry 3 has a body that does not open")]
    [InlineData("UPDATE entries e SET body = o.body FROM entries o WHERE e.seq = 3 AND o.seq = 4",
        "entry 3 has a body that does not open")]
    [InlineData("UPDATE entries SET author = gen_random_uuid() WHERE seq = 3", "entry 3 names a user who does not")]
    [InlineData("UPDATE entries SET author = public_token FROM users WHERE seq = 3 AND login = 'eve'",
        "entry 3 is by somebody who was not a member")]
    [InlineData("UPDATE entries SET rights = 1 WHERE seq = 2", "without the right to write")]
    [InlineData("UPDATE entries SET author = member WHERE seq = 2", "entry 2 is by somebody who was not a member")]
    [InlineData("UPDATE entries SET author = public_token FROM users WHERE seq = 5 AND login = 'bob'",
        "entry 5 invites with rights that its author did not have")]
    [InlineData("UPDATE entries SET member = author WHERE seq = 6", "entry 6 removes somebody who could not be")]
    [InlineData("UPDATE entries SET kind = 5, name = 'lair' WHERE seq = 6", "its name is another one")]
    [InlineData("UPDATE entries SET kind = 5, name = 'den' WHERE seq = 7", "entry 7 renames the lobby, which")]
    [InlineData("UPDATE entries SET kind = 99 WHERE seq = 6", "entry 6 is of the unknown kind 99")]
    [InlineData("UPDATE entries SET kind = 1, name = 'den' WHERE seq = 6", "entry 6 creates the lobby a second time")]
    [InlineData("DELETE FROM members WHERE rights = 3", "is a member by the log, and is none")]
    [InlineData("UPDATE members SET rights = 15", "has other rights")]
    [InlineData("UPDATE members SET since_seq = 3 WHERE rights = 3", "is one since another entry")]
    [InlineData("INSERT INTO members SELECT lobby_id, public_token, 3, 7, now() FROM lobbies, users"
        + " WHERE login = 'eve'", "is a member, and by the log is none")]
    [InlineData("UPDATE lobbies SET name = 'lair'", "its name is another one")]
    [InlineData("DELETE FROM lobby_names", "its name does not lead to it")]
    [InlineData("INSERT INTO lobby_names VALUES ('LAIR', gen_random_uuid())", "which does not exist")]
    [InlineData("UPDATE lobbies SET wrapped_key = set_byte(wrapped_key, 40, get_byte(wrapped_key, 40) # 1)",
        "its key does not open")]
    public async Task Check_tells_of_everything_that_no_server_could_have_written(string change, string? finding)
    {
        var database = await postgres.CreateDatabaseAsync("checked", FillAsync);
        await using (var source = NpgsqlDataSource.Create(database))
        {
            await using var command = source.CreateCommand(change);
            await command.ExecuteNonQueryAsync(Cancellation);
        }
        var keyPath = Path.Combine(_folder, "master.key");
        await File.WriteAllTextAsync(keyPath, Key, Cancellation);
        File.SetUnixFileMode(keyPath, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var start = ServerProcess.Program(_folder, "check");
        start.Environment["CONCLAVE_DATABASE"] = database;

        var check = await OperatorProgram.RunAsync(start, input: []);

        Assert.True(check.Code == (finding is null ? 0 : 1), check.ToString());
        if (finding is null)
            Assert.Equal("", check.Output);
        else
            Assert.Contains(finding, check.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("hers", check.Output + check.Errors, StringComparison.Ordinal);
    }

    // 1 created, 2 bob invited, 3 and 4 messages, 5 eve invited, 6 eve removed, 7 message.
    static async Task FillAsync(string connectionString)
    {
        await using var rooms = await StorageRooms.OpenAsync(connectionString);
        using var masterKey = new MasterKey(new byte[MasterKey.KeyBytes]);
        await rooms.Database.AdoptAsync(masterKey, Cancellation);
        var (ann, bob, eve) = (await rooms.AddUserAsync("ann"), await rooms.AddUserAsync("bob"),
            await rooms.AddUserAsync("eve"));
        var lobby = await rooms.CreateLobbyAsync(ann);
        foreach (var entry in (NewEntry[])
            [
                StorageRooms.Invitation(lobby, ann, bob),
                StorageRooms.Message(lobby, bob, "his words"),
                StorageRooms.Message(lobby, ann, "hers are other words"),
                StorageRooms.Invitation(lobby, ann, eve, Rights.Read),
                StorageRooms.Removal(lobby, ann, eve),
                StorageRooms.Message(lobby, bob, "the last words"),
            ])
            Assert.Equal(Outcome.Stored, (await rooms.AppendAsync(entry)).Outcome);
    }
}
