using Npgsql;

namespace Conclave.Server.Storage;

/// <summary>Builds the statements of a batch.</summary>
static class Statement
{
    /// <summary>A statement with its parameters, $1, $2 and so on.</summary>
    public static NpgsqlBatchCommand Of(string sql, params ReadOnlySpan<object> parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var parameter in parameters)
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        return command;
    }
}
