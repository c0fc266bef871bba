using Conclave.Server.Storage;
using Conclave.Tests.Support;
using Npgsql;

namespace Conclave.Tests.Server.Storage;

/// <summary>Servers of different age on one database.</summary>
public sealed class UpgradeTests(PostgresCluster postgres)
{
    [Fact]
    public async Task A_server_does_not_start_on_a_database_that_a_newer_one_has_changed()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var connectionString = await postgres.CreateDatabaseAsync();
        await using (await Database.OpenAsync(connectionString, cancellation))
        {
            // Opening it is what brings the schema up to date.
        }
        await using (var source = NpgsqlDataSource.Create(connectionString))
        {
            await using var command = source.CreateCommand(
                "INSERT INTO schema_versions (scriptname, applied) VALUES ('9999_from_the_future.sql', now())");
            await command.ExecuteNonQueryAsync(cancellation);
        }
        var refused = await Assert.ThrowsAsync<StartupException>(
            () => Database.OpenAsync(connectionString, cancellation));
        Assert.Contains("newer Conclave", refused.Message, StringComparison.Ordinal);
    }
}
