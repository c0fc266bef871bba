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

    [Fact]
    public async Task Message_that_is_stored_is_answered_so_whatever_becomes_of_a_change_in_the_same_flight()
    {
        await using var server = await TestServer.StartAsync(
            postgres, Unhurried with { DatabaseWaitMax = TimeSpan.FromMilliseconds(300) });
        await using var database = NpgsqlDataSource.Create(server.Database);
        await using var alice = await SealingUser.SignUpAsync(server, "alice");
        await using var bob = await SealingUser.SignUpAsync(server, "bob");
        await using var reader = await server.ConnectAsync();
        using var den = await SealedDen.CreateAsync(alice, "den");
        await den.ChangeAsync(alice, den.Invitation(alice, bob));
        using var other = await SealedDen.CreateAsync(bob, "other");
        // Every change meets another transaction, and messages wait as long as the test holds them up.
        await RunAsync(database,
            """
            CREATE FUNCTION meet() RETURNS trigger LANGUAGE plpgsql AS
                'BEGIN RAISE EXCEPTION USING ERRCODE = ''deadlock_detected''; END';
            CREATE TRIGGER meet BEFORE INSERT ON roster_rows FOR EACH ROW EXECUTE FUNCTION meet();
            CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
                'BEGIN PERFORM pg_advisory_xact_lock_shared(77); RETURN NEW; END' SET lock_timeout = 0;
            CREATE TRIGGER hold BEFORE INSERT ON entries FOR EACH ROW WHEN (NEW.kind = 6) EXECUTE FUNCTION hold();
            """);
        await reader.DoAsync($$"""{"action":"auth","login":"alice","password":"{{alice.Password}}"}""");
        await reader.DoAsync($$"""{"action":"subscribe",{{den.Where}}}""");
        var id = SealedMessage.NewId();
        var writer = server.Rooms.SealedWriter;
        await using (var held = await database.OpenConnectionAsync(Cancellation))
        {
            await RunAsync(held, "SELECT pg_advisory_lock(77)");
            var first = SealedMessage.NewId();
            await bob.Client.SendAsync(other.Message(other.Seal(bob, "is under way", first), first));
            await LobbyLock.UntilWaitingAsync(database, 1);
            await bob.Client.SendAsync(den.Message(den.Seal(bob, "is stored", id), id));
            await UntilAsync(() => writer.Waiting == 1);
            await alice.Client.SendAsync(den.Rotation(alice));
            await UntilAsync(() => writer.Waiting == 2);
            await RunAsync(held, "SELECT pg_advisory_unlock(77)");
        }

        Assert.Equal("ok", Outcomes.Of(await bob.Client.ReplyAsync()));
        Assert.Equal("ok", Outcomes.Of(await bob.Client.ReplyAsync()));
        Assert.Equal("busy", Outcomes.Of(await alice.Client.ReplyAsync()));
        Assert.Equal(3, (await reader.EntryAsync())["seq"]!.GetValue<int>());
        await RunAsync(database, "DROP TRIGGER meet ON roster_rows");
        den.Take((await alice.Client.DoAsync(
            $$"""{"action":"history",{{den.Where}},"limit":1}"""))["events"]!.AsArray()[0]!.AsObject());
        await den.ChangeAsync(alice, den.Rotation(alice));
    }

    [Fact]
    public async Task Lobby_is_read_before_a_change_of_it_waits_for_its_lock()
    {
        // Until both wait, neither gives up.
        await using var server = await TestServer.StartAsync(
            postgres, Unhurried with { DatabaseWaitMax = TimeSpan.FromMinutes(1) });
        await using var database = NpgsqlDataSource.Create(server.Database);
        await using var alice = await SealingUser.SignUpAsync(server, "alice");
        await using var bob = await SealingUser.SignUpAsync(server, "bob");
        using var den = await SealedDen.CreateAsync(alice, "den");
        using var other = await SealedDen.CreateAsync(bob, "other");
        await using (var slow = await database.OpenConnectionAsync(Cancellation))
        {
            await RunAsync(slow, "BEGIN; SELECT FROM lobbies FOR UPDATE");
            foreach (var lobby in (SealedDen[])[den, other])
                server.Rooms.SealedLobbies.Forget(lobby.LobbyId);
            await alice.Client.SendAsync(den.Rotation(alice));
            await bob.Client.SendAsync(other.Invitation(bob, alice));
            await LobbyLock.UntilWaitingAsync(database, 2);
            foreach (var lobby in (SealedDen[])[den, other])
                Assert.True(server.Rooms.SealedLobbies.IsKnown(lobby.LobbyId));
            await RunAsync(slow, "ROLLBACK");
        }
        Assert.Equal("ok", Outcomes.Of(await alice.Client.ReplyAsync()));
        Assert.Equal("ok", Outcomes.Of(await bob.Client.ReplyAsync()));
    }

    [Fact]
    public async Task Room_of_a_lobby_is_known_as_soon_as_it_changes()
    {
        await using var server = await TestServer.StartAsync(postgres, Unhurried);
        await using var database = NpgsqlDataSource.Create(server.Database);
        await using var alice = await SealingUser.SignUpAsync(server, "alice");
        using var den = await SealedDen.CreateAsync(alice, "den");
        await den.PostAsync(alice, "takes some of it");
        await den.PostAsync(alice, "takes as much of it");
        await RunAsync(database, "UPDATE lobbies SET bytes_max = bytes");
        // It is read anew, as full as it is.
        server.Rooms.SealedLobbies.Forget(den.LobbyId);
        var id = SealedMessage.NewId();
        var request = den.Message(den.Seal(alice, "takes much", id), id);
        Assert.Equal("limit", await alice.Client.RefusedAsync(request));
        await RunAsync(database, "UPDATE lobbies SET bytes_max = NULL");
        await alice.Client.DoAsync(request);
    }

    [Fact]
    public async Task Lobbies_are_known_as_long_as_there_is_memory_and_read_again_afterwards()
    {
        // A lobby with one member, one key and two rows takes eleven.
        await using var server = await TestServer.StartAsync(postgres, Unhurried with { SealedRowsHeld = 33 });
        await using var alice = await SealingUser.SignUpAsync(server, "alice");
        List<SealedDen> dens = [];
        string Known() => string.Concat(dens.Select(
            den => server.Rooms.SealedLobbies.IsKnown(den.LobbyId) ? 'x' : '-'));
        try
        {
            foreach (var expected in (string[])["x", "xx", "xxx", "--xx"])
            {
                dens.Add(await SealedDen.CreateAsync(alice, $"den {dens.Count}"));
                await dens[^1].PostAsync(alice, "is read for this");
                Assert.Equal(expected, Known());
            }
            await dens[0].PostAsync(alice, "is read again");
            Assert.Equal("x-xx", Known());
        }
        finally
        {
            dens.ForEach(den => den.Dispose());
        }
    }

    static async Task RunAsync(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    static async Task RunAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The tests' own words.
        command.CommandText = sql;
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    static async Task UntilAsync(Func<bool> condition)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!condition())
        {
            deadline.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
