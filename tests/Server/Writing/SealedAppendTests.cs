using Conclave.Protocol;
using Conclave.Sealing;
using Conclave.Tests.Support;
using Npgsql;

namespace Conclave.Tests.Server.Writing;

/// <summary>The writer of sealed lobbies, when what it knows of them is not what the database has.</summary>
public sealed class SealedAppendTests(PostgresCluster postgres)
{
    static readonly Limits Unhurried = TestServer.Unhurried with { SealedRowsPerSecond = int.MaxValue / 2 };

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Lobby_whose_last_commits_the_database_lost_goes_on_from_what_it_has()
    {
        await using var server = await TestServer.StartAsync(postgres, Unhurried);
        await using var database = NpgsqlDataSource.Create(server.Database);
        await using var alice = await SealingUser.SignUpAsync(server, "alice");
        using var den = await SealedDen.CreateAsync(alice, "den");
        async Task LoseAsync()
        {
            // What alice's client does not take in, and what a standby that took over may not have.
            for (var number = 0; number < 3; number++)
            {
                var id = SealedMessage.NewId();
                await alice.Client.DoAsync(den.Message(den.Seal(alice, "is lost", id), id));
            }
            await using var command = database.CreateCommand(
                """
                WITH lost AS (DELETE FROM entries WHERE seq > $1)
                UPDATE lobbies SET last_seq = $1, bytes = (SELECT sum(octet_length(body)) FROM entries WHERE seq <= $1)
                """);
            command.Parameters.Add(new() { Value = (long)den.Log.Last.Seq });
            await command.ExecuteNonQueryAsync(Cancellation);
        }

        await LoseAsync();
        await den.PostAsync(alice, "goes on");
        await LoseAsync();
        await den.ChangeAsync(alice, den.Rotation(alice));
        await den.PostAsync(alice, "and on");
    }
}
