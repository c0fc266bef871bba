using Conclave.Sealing;
using Conclave.Server.Storage;
using Conclave.Tests.Support;
using Npgsql;

namespace Conclave.Tests.Server;

/// <summary>The real program and its database, killed while members of a sealed lobby write.</summary>
public sealed class SealedCrashTests : IDisposable
{
    const int SigKill = 9;
    const int Sent = 50;
    const int AnsweredMin = 10;

    readonly string _folder = Directory.CreateTempSubdirectory("conclave-crash-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Killed_server_keeps_what_it_answered_and_goes_on_with_the_same_transcript()
    {
        SealingUser alice;
        SealedDen den;
        List<(Guid Id, byte[] Row)> rows;
        await using (var server = await ServerProcess.StartAsync(_folder))
        {
            alice = await SealingUser.SignUpAsync(server.Url, "alice");
            den = await SealedDen.CreateAsync(alice, "den");
            rows = await SendAsync(den, alice);
            for (var number = 0; number < AnsweredMin; number++)
                Assert.Equal(number + 2, (await alice.Client.ReplyAsync())["seq"]!.GetValue<int>());
            await server.KillAsync();
        }
        await using (var server = await ServerProcess.StartAsync(_folder))
        {
            await alice.ReconnectAsync(server.Url);
            await SendAgainAsync(den, alice, rows);
            await den.ChangeAsync(alice, den.Rotation(alice));
        }
        var check = await OperatorProgram.DoAsync(_folder, "check");
        Assert.Equal("", check.Output);
        den.Dispose();
        await alice.DisposeAsync();
    }

    [Fact]
    public async Task Killed_backend_costs_no_message_and_tells_nobody_a_wrong_transcript()
    {
        await using var server = await ServerProcess.StartAsync(_folder);
        await using var alice = await SealingUser.SignUpAsync(server.Url, "alice");
        using var den = await SealedDen.CreateAsync(alice, "den");
        var rows = await SendAsync(den, alice);
        await alice.Client.ReplyAsync();
        await using (var database = NpgsqlDataSource.Create(server.Database))
        {
            await using var command = database.CreateCommand(
                """
                SELECT pid FROM pg_stat_activity
                WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
                ORDER BY query LIKE 'WITH locked%' DESC, state_change DESC LIMIT 1
                """);
            var backend = await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
            PostgresProcesses.Signal(Assert.IsType<int>(backend), SigKill);
        }
        // Those that were answered meanwhile are answered once more, as duplicates.
        for (var number = 1; number < Sent; number++)
            await alice.Client.ReplyAsync();
        await SendAgainAsync(den, alice, rows);
        await den.PostAsync(alice, "goes on");
    }

    static async Task<List<(Guid Id, byte[] Row)>> SendAsync(SealedDen den, SealingUser by)
    {
        List<(Guid, byte[])> rows = [];
        for (var number = 0; number < Sent; number++)
        {
            var id = SealedMessage.NewId();
            var row = den.Seal(by, "one of many", id);
            rows.Add((id, row));
            await by.Client.SendAsync(den.Message(row, id));
        }
        return rows;
    }

    // What was stored is answered with its place, and what was not is stored now.
    static async Task SendAgainAsync(SealedDen den, SealingUser by, List<(Guid Id, byte[] Row)> rows)
    {
        foreach (var (id, row) in rows)
            den.Take(by, row, await by.Client.DoAsync(den.Message(row, id)));
    }
}
