using Npgsql;

namespace Conclave.Bench.Load;

/// <summary>
/// Counts the commits of the whole PostgreSQL by the numbers it gives to transactions that write: exact at any moment,
/// while pg_stat_database lags by up to a second.
/// </summary>
sealed class Commits : IDisposable
{
    readonly NpgsqlConnection? _connection;
    readonly NpgsqlCommand? _command;

    public Commits(string database)
    {
        if (database.Length == 0)
            return;
        _connection = new NpgsqlConnection(database);
        _connection.Open();
        _command = new NpgsqlCommand("SELECT txid_snapshot_xmax(txid_current_snapshot())", _connection);
        _command.Prepare();
    }

    /// <summary>So far; 0 if nobody looks.</summary>
    public long Count => _command is null ? 0 : (long)_command.ExecuteScalar()!;

    public void Dispose()
    {
        _command?.Dispose();
        _connection?.Dispose();
    }
}
