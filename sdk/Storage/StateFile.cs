using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Data.Sqlite;

namespace Conclave.Sdk.Storage;

/// <summary>
/// What a sealing client keeps of one account at one server: a SQLite file that only its owner can read. It holds the
/// identity's seed and the lobbies' keys as they are, like the session's token beside it: whoever can read the files
/// of the user is the user. Several processes may have it open.
/// </summary>
/// <remarks>
/// Thread-safe. Each change is a transaction that is on the disk when it ends (write-ahead log, synchronous), and that
/// takes the write lock before it reads: so what was compared still holds when it is replaced.
/// </remarks>
sealed class StateFile : IDisposable
{
    const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>How long one process waits for the transaction of another, in seconds.</summary>
    const int PatienceSeconds = 30;

    readonly Lock _gate = new();
    readonly SqliteConnection _connection;
    readonly Dictionary<string, SqliteCommand> _commands = new(StringComparer.Ordinal);

    SqliteTransaction? _transaction;

    StateFile(SqliteConnection connection) => _connection = connection;

    /// <summary>Whether there is a file of an account.</summary>
    public static bool Exists(string folder, Uri server, string login) =>
        File.Exists(Path.Combine(folder, NameOf(server, login)));

    /// <summary>Opens the file of an account, or makes it.</summary>
    /// <param name="folder">Where such files lie; made if it is not there.</param>
    /// <param name="server">The server's address.</param>
    /// <param name="login">In its canonical form.</param>
    /// <exception cref="StateException">It cannot be used, or others can read it.</exception>
    public static StateFile Open(string folder, Uri server, string login)
    {
        var path = Path.Combine(folder, NameOf(server, login));
        try
        {
            Prepare(folder, path);
            var connection = new SqliteConnection(new SqliteConnectionStringBuilder
            {
                DataSource = path,
                Mode = SqliteOpenMode.ReadWrite,
                DefaultTimeout = PatienceSeconds,
                // A pool would keep the file open, and its lock on some systems, when we are done with it.
                Pooling = false,
            }.ToString());
            connection.Open();
            var file = new StateFile(connection);
            file.Execute(StateSchema.Settings);
            StateSchema.Migrate(file);
            return file;
        }
        catch (Exception exception)
            when (exception is SqliteException or IOException or UnauthorizedAccessException)
        {
            throw new StateException($"Cannot use {path}: {exception.Message}", exception);
        }
    }

    /// <summary>Runs a statement.</summary>
    /// <returns>How many rows it changed.</returns>
    /// <exception cref="StateException">It cannot be used any more.</exception>
    public int Execute(string sql, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        lock (_gate)
        {
            try
            {
                return Command(sql, values).ExecuteNonQuery();
            }
            catch (SqliteException exception)
            {
                throw Failed(exception);
            }
        }
    }

    /// <summary>Reads all rows of a query.</summary>
    /// <exception cref="StateException">It cannot be used any more.</exception>
    public List<T> Query<T>(
        string sql, Func<SqliteDataReader, T> read, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        lock (_gate)
        {
            try
            {
                List<T> rows = [];
                using var reader = Command(sql, values).ExecuteReader();
                while (reader.Read())
                    rows.Add(read(reader));
                return rows;
            }
            catch (SqliteException exception)
            {
                throw Failed(exception);
            }
        }
    }

    /// <summary>How many bytes are in use; what was deleted is used again before the file grows.</summary>
    public long UsedBytes() => Query(
        """
        SELECT (p.page_count - f.freelist_count) * s.page_size
        FROM pragma_page_count p, pragma_freelist_count f, pragma_page_size s
        """,
        row => row.GetInt64(0))[0];

    /// <summary>Does <paramref name="work"/> as one change, which no other process can come between.</summary>
    /// <exception cref="StateException">It cannot be used any more: nothing is changed.</exception>
    public T Change<T>(Func<T> work)
    {
        lock (_gate)
        {
            if (_transaction is not null)
                return work();
            try
            {
                using var transaction = _connection.BeginTransaction(deferred: false);
                _transaction = transaction;
                var result = work();
                transaction.Commit();
                return result;
            }
            catch (SqliteException exception)
            {
                throw Failed(exception);
            }
            finally
            {
                _transaction = null;
            }
        }
    }

    /// <inheritdoc cref="Change{T}"/>
    public void Change(Action work) => Change(() =>
    {
        work();
        return true;
    });

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var command in _commands.Values)
                command.Dispose();
            _commands.Clear();
            _connection.Dispose();
        }
    }

    StateException Failed(SqliteException exception) =>
        new($"Cannot use {_connection.DataSource}: {exception.Message}", exception);

    [SuppressMessage("Security", "CA2100", Justification = "Every statement is a constant; values are parameters.")]
    SqliteCommand Command(string sql, ReadOnlySpan<(string Name, object? Value)> values)
    {
        if (!_commands.TryGetValue(sql, out var command))
        {
            command = _connection.CreateCommand();
            command.CommandText = sql;
            _commands.Add(sql, command);
        }
        command.Transaction = _transaction;
        command.Parameters.Clear();
        foreach (var (name, value) in values)
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return command;
    }

    // SQLite gives its log and its index the mode of the file, so the file gets the right one before it is first used.
    static void Prepare(string folder, string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
            using var _ = new FileStream(path, FileMode.OpenOrCreate);
            return;
        }
        Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
        using (new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite,
            UnixCreateMode = OwnerOnly,
        }))
        {
            // Only made if it was not there.
        }
        if ((File.GetUnixFileMode(path) & Others) != UnixFileMode.None)
        {
            throw new StateException(
                $"Others can read {path}, which holds your keys. Make it yours alone (chmod 600), and if somebody may "
                + "have read it, change your password and reset your identity.");
        }
    }

    // The readable part is for the person who looks into the folder; the hash tells apart what it folds together.
    static string NameOf(Uri server, string login)
    {
        var readable = string.Concat(
            server.Authority.Select(sign => char.IsAsciiLetterOrDigit(sign) || sign is '.' or '-' ? sign : '_'));
        var whole = Encoding.UTF8.GetBytes($"{server.AbsoluteUri}\n{login}");
        return $"{readable}-{login}-{Convert.ToHexStringLower(SHA256.HashData(whole).AsSpan(0, 4))}.db";
    }
}
