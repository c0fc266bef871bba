using Conclave.Server.Storage;
using Conclave.Tests.Support;
using Npgsql;

namespace Conclave.Tests.Server.Storage;

public sealed class DatabaseTests(PostgresCluster postgres)
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Servers_that_open_an_empty_database_at_once_agree_on_it()
    {
        var connectionString = await postgres.CreateDatabaseAsync();

        var opened = await Task.WhenAll(
            Enumerable.Range(0, 3).Select(_ => Task.Run(() => Database.OpenAsync(connectionString, Cancellation))));

        Assert.Single(opened.Select(database => database.Epoch).Distinct());
        Assert.All(opened, database => Assert.False(database.HasMasterKey));
        foreach (var database in opened)
            await database.DisposeAsync();
    }

    [Fact]
    public async Task Epoch_stays_when_the_database_is_opened_again_and_differs_between_databases()
    {
        var (one, other) = (await postgres.CreateDatabaseAsync(), await postgres.CreateDatabaseAsync());
        await using var first = await Database.OpenAsync(one, Cancellation);
        await using var again = await Database.OpenAsync(one, Cancellation);
        await using var different = await Database.OpenAsync(other, Cancellation);

        Assert.Equal(first.Epoch, again.Epoch);
        Assert.NotEqual(first.Epoch, different.Epoch);
    }

    [Fact]
    public async Task Database_takes_no_other_master_key_than_its_first()
    {
        var connectionString = await postgres.CreateDatabaseAsync();
        using MasterKey right = new(Enumerable.Repeat((byte)1, MasterKey.KeyBytes).ToArray());
        using MasterKey wrong = new(Enumerable.Repeat((byte)2, MasterKey.KeyBytes).ToArray());
        await using (var database = await Database.OpenAsync(connectionString, Cancellation))
        {
            await database.AdoptAsync(right, Cancellation);
            await database.AdoptAsync(right, Cancellation);
        }

        await using var again = await Database.OpenAsync(connectionString, Cancellation);
        Assert.True(again.HasMasterKey);
        var refused = await Assert.ThrowsAsync<StartupException>(() => again.AdoptAsync(wrong, Cancellation));
        Assert.Contains("CONCLAVE_MASTER_KEY_FILE", refused.Message, StringComparison.Ordinal);
        await again.AdoptAsync(right, Cancellation);
    }

    [Fact]
    public async Task Servers_that_bring_two_master_keys_at_once_do_not_both_start()
    {
        await using var database = await Database.OpenAsync(await postgres.CreateDatabaseAsync(), Cancellation);
        using MasterKey one = new(Enumerable.Repeat((byte)1, MasterKey.KeyBytes).ToArray());
        using MasterKey other = new(Enumerable.Repeat((byte)2, MasterKey.KeyBytes).ToArray());

        var adopting = ((MasterKey[])[one, other]).Select(async key =>
            await Record.ExceptionAsync(() => database.AdoptAsync(key, Cancellation)));

        Assert.IsType<StartupException>(Assert.Single(await Task.WhenAll(adopting), fault => fault is not null));
    }

    [Fact]
    public async Task Server_beside_a_database_with_data_and_without_its_key_does_not_start()
    {
        await using var server = await TestServer.StartAsync(postgres);

        var refused = await Assert.ThrowsAsync<StartupException>(
            () => TestServer.StartBesideAsync(server.Database));

        Assert.Contains("master key", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Database_that_is_not_there_or_does_not_answer_is_told_in_one_line()
    {
        var there = await postgres.CreateDatabaseAsync();
        var missing = new NpgsqlConnectionStringBuilder(there) { Database = "nowhere" }.ConnectionString;
        var refused = await Assert.ThrowsAsync<StartupException>(() => Database.OpenAsync(missing, Cancellation));
        Assert.Contains("nowhere", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);

        var silent = await Assert.ThrowsAsync<StartupException>(
            () => Database.OpenAsync("Host=127.0.0.1;Port=1;Password=hush", Cancellation));
        Assert.Contains("CONCLAVE_DATABASE", silent.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hush", silent.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Commits_are_synchronous_and_transactions_that_idle_are_ended()
    {
        await using var rooms = await StorageRooms.OpenAsync(postgres);

        foreach (var source in (NpgsqlDataSource[])[rooms.Database.Source, rooms.Database.Writing])
        {
            Assert.Equal("on", await ShowAsync(source, "SHOW synchronous_commit"));
            Assert.Equal("10s", await ShowAsync(source, "SHOW idle_in_transaction_session_timeout"));
            Assert.Equal("5s", await ShowAsync(source, "SHOW lock_timeout"));
        }
        Assert.True(await rooms.Database.IsReadyAsync(Cancellation));

        static async Task<object?> ShowAsync(NpgsqlDataSource source, string question)
        {
            await using var command = source.CreateCommand(question);
            return await command.ExecuteScalarAsync(Cancellation);
        }
    }
}
