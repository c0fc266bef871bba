using System.Diagnostics;
using System.Globalization;
using System.Text;
using Npgsql;

namespace Conclave.Server.Storage;

/// <summary>
/// The PostgreSQL that the server keeps for itself when no database is named: the same program, the same SQL and the
/// same durability as any other, as a child process that only this server can reach.
/// </summary>
/// <remarks>
/// The data folder's <c>postgres</c> belongs to the server and holds: <c>data</c>, the cluster, and <c>socket</c>,
/// both of the account PostgreSQL runs as; and two files that say who may connect, which that account cannot change.
/// </remarks>
sealed partial class EmbeddedCluster : IAsyncDisposable
{
    // A socket's whole path must fit in 104 bytes on macOS and 108 on Linux; "/.s.PGSQL.5432" and a final zero take 15.
    const int SocketFolderBytesMax = 104 - 15;

    static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(30);
    static readonly TimeSpan LogPatience = TimeSpan.FromSeconds(2);
    static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(50);

    readonly EmbeddedClusterOptions _options;
    readonly TimeProvider _time;
    readonly ILogger _logger;
    readonly PostgresAccount _account;
    readonly PostgresProcesses _processes;
    readonly PostgresLog _log;
    readonly TaskCompletionSource _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);
    Process? _process;
    Task _logCopy = Task.CompletedTask;
    string? _socket;
    volatile bool _stopping;

    EmbeddedCluster(EmbeddedClusterOptions options, TimeProvider time, ILogger logger, PostgresAccount account)
    {
        _options = options;
        _time = time;
        _logger = logger;
        _account = account;
        _processes = new PostgresProcesses(Data, account, time);
        _log = new PostgresLog(Path.Combine(options.DataPath, "postgres.log"));
    }

    /// <summary>The server's own database, as a role that owns it and nothing else.</summary>
    public string ConnectionString => ConnectionTo(_socket, "conclave", "conclave");

    /// <summary>The cluster's superuser, for what a database's owner may not do.</summary>
    public string SuperuserConnectionString => ConnectionTo(_socket, "postgres", "postgres");

    /// <summary>PostgreSQL's first process, which all its others come from.</summary>
    public int ProcessId { get; private set; }

    /// <summary>Completes when PostgreSQL ends without having been asked to.</summary>
    public Task Exited => _exited.Task;

    string Home => Path.Combine(_options.DataPath, "postgres");

    string Data => Path.Combine(Home, "data");

    /// <exception cref="StartupException">PostgreSQL cannot be run; the message says what to do.</exception>
    public static async Task<EmbeddedCluster> StartAsync(
        EmbeddedClusterOptions options, TimeProvider time, ILogger logger, CancellationToken cancellation)
    {
        var account = await PostgresAccount.FindAsync(cancellation);
        var full = options with { DataPath = Path.GetFullPath(options.DataPath) };
        var cluster = new EmbeddedCluster(full, time, logger, account);
        try
        {
            await cluster.StartAsync(cancellation);
            return cluster;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            await cluster.DisposeAsync();
            throw new StartupException(
                $"The database folder {cluster.Home} cannot be used ({failure.Message}): is it another user's?");
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>How to reach a cluster of this kind that listens in the folder <paramref name="socket"/>.</summary>
    public static string ConnectionTo(string? socket, string database, string user) => new NpgsqlConnectionStringBuilder
    {
        Host = socket,
        Database = database,
        Username = user,
        SslMode = SslMode.Disable,
        Pooling = database == "conclave",
    }.ConnectionString;

    public async ValueTask DisposeAsync()
    {
        _stopping = true;
        if (_process is { } process)
        {
            foreach (var signal in (int[])[PostgresProcesses.FastShutdown, PostgresProcesses.ImmediateShutdown])
            {
                if (!process.HasExited)
                {
                    PostgresProcesses.Signal(ProcessId == 0 ? process.Id : ProcessId, signal);
                    await Task.WhenAny(process.WaitForExitAsync(), Task.Delay(StopPatience, _time));
                }
            }

            await FinishLogAsync();
            process.Dispose();
            _process = null;
            Stopped(_logger);
        }

        if (_socket is not null && !_socket.StartsWith(Home, StringComparison.Ordinal))
        {
            Directory.Delete(_socket, recursive: true);
        }

        _socket = null;
    }

    async Task StartAsync(CancellationToken cancellation)
    {
        var version = Path.Combine(Data, "PG_VERSION");
        Directory.CreateDirectory(Home, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        _account.OpenPassage(_options.DataPath);
        _account.OpenPassage(Home);
        await _account.RequirePassageAsync(Home, cancellation);
        int? dataMajor = File.Exists(version)
            ? int.Parse(await File.ReadAllTextAsync(version, cancellation), CultureInfo.InvariantCulture)
            : null;
        var programs = await PostgresPrograms.FindAsync(_options.ProgramsPath, dataMajor, _account, cancellation);
        await _account.RequirePassageAsync(programs.Folder, cancellation);

        if (dataMajor is null)
        {
            await InitializeAsync(programs, cancellation);
        }
        else if (await _processes.StopLeftoversAsync(cancellation) is > 0 and var count)
        {
            LeftoversStopped(_logger, count);
        }

        await WriteAccessRulesAsync(cancellation);
        _socket = await CreateSocketFolderAsync(cancellation);
        Run(programs);
        await WaitUntilReadyAsync(cancellation);
        await CreateDatabaseAsync(cancellation);
        Started(_logger, programs.Major, programs.Folder, Data);
    }

    async Task InitializeAsync(PostgresPrograms programs, CancellationToken cancellation)
    {
        // initdb works beside the final place, so that one that was cut off leaves nothing that looks like a cluster.
        var unfinished = Data + ".new";
        if (Directory.Exists(unfinished))
        {
            Directory.Delete(unfinished, recursive: true);
        }

        await _account.CreateFolderAsync(unfinished, cancellation);
        string[] durability = _options.Throwaway ? ["--no-sync"] : [];
        var (exitCode, output) = await _account.RunAsync(
            programs.Initdb,
            [
                "-D", unfinished, "-U", "postgres", "-E", "UTF8", "--locale=C",
                "--auth=peer", "--data-checksums", .. durability,
            ],
            cancellation);
        if (exitCode != 0)
        {
            throw new StartupException($"PostgreSQL could not make a cluster in {Home}:\n{output}");
        }

        Directory.Move(unfinished, Data);
    }

    // The socket's other end is known by its operating system's user, which cannot be guessed or stolen: only the user
    // who runs the server comes in. The account itself is kept out: other programs may run as "nobody" too.
    async Task WriteAccessRulesAsync(CancellationToken cancellation)
    {
        var user = Environment.UserName.Replace("\"", "\"\"", StringComparison.Ordinal);
        await WriteForAllAsync("access.conf", "local all all peer map=server\n", cancellation);
        await WriteForAllAsync(
            "users.conf", $"server \"{user}\" postgres\nserver \"{user}\" conclave\n", cancellation);
    }

    async Task WriteForAllAsync(string name, string content, CancellationToken cancellation)
    {
        var path = Path.Combine(Home, name);
        await File.WriteAllTextAsync(path, content, cancellation);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
    }

    async Task<string> CreateSocketFolderAsync(CancellationToken cancellation)
    {
        var folder = Path.Combine(Home, "socket");
        if (Encoding.UTF8.GetByteCount(folder) > SocketFolderBytesMax || folder.AsSpan().ContainsAny(",:\""))
        {
            // Too long for a socket, a connection string would take it for several hosts or a port, or PostgreSQL's
            // list of folders for the end of a name.
            var shared = Environment.IsPrivilegedProcess ? null : Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR");
            folder = Path.Combine(Directory.Exists(shared) ? shared : "/tmp", $"conclave-{Guid.NewGuid():N}");
        }
        else if (Directory.Exists(folder))
        {
            // A killed PostgreSQL left its socket, with a process id beside it that may be a stranger's by now.
            Directory.Delete(folder, recursive: true);
        }

        await _account.CreateFolderAsync(folder, cancellation);
        return folder;
    }

    void Run(PostgresPrograms programs)
    {
        string[] settings =
        [
            "listen_addresses=",
            $"unix_socket_directories=\"{_socket}\"",
            "unix_socket_permissions=0700",
            "port=5432",
            $"hba_file={Path.Combine(Home, "access.conf")}",
            $"ident_file={Path.Combine(Home, "users.conf")}",
            $"max_connections={_options.ConnectionCountMax}",
            // Said here so that no postgresql.conf can take them back.
            $"fsync={(_options.Throwaway ? "off" : "on")}",
            "full_page_writes=on",
            "synchronous_commit=on",
            "timezone=UTC",
            "log_timezone=UTC",
            "log_destination=stderr",
            "logging_collector=off",
            // A failed statement comes back to the server, which logs it without its data; here its text and the
            // values in it would be written down.
            "log_min_messages=log",
            "log_min_error_statement=panic",
            "log_error_verbosity=terse",
        ];
        var (program, arguments) = (programs.Postgres,
            (string[])["-D", Data, .. settings.SelectMany(setting => (string[])["-c", setting])]);
        var command = _account.Command(program, arguments);
        if (PostgresAccount.HasProgram("setsid"))
        {
            // A Ctrl-C in the terminal goes to a whole session. PostgreSQL gets one of its own, for the server still
            // needs it to answer what is under way. macOS has no such program, and there both stop at once.
            command.ArgumentList.Insert(0, command.FileName);
            command.FileName = "setsid";
        }

        _process = Process.Start(command)!;
        _process.StandardInput.Close();
        _logCopy = _log.CopyFromAsync(_process.StandardError);
        _process.EnableRaisingEvents = true;
        _process.Exited += (_, _) =>
        {
            if (!_stopping)
            {
                _exited.TrySetResult();
            }
        };
    }

    async Task WaitUntilReadyAsync(CancellationToken cancellation)
    {
        var since = _time.GetTimestamp();
        while (true)
        {
            if (_process!.HasExited)
            {
                await FinishLogAsync();
                throw new StartupException($"PostgreSQL in {Home} did not start. It said:\n{_log.Tail}");
            }

            try
            {
                await using var connection = new NpgsqlConnection(SuperuserConnectionString);
                await connection.OpenAsync(cancellation);
                ProcessId = _processes.Postmaster() ?? _process.Id;
                return;
            }
            catch (NpgsqlException failure) when (failure is not PostgresException
                || failure.SqlState == PostgresErrorCodes.CannotConnectNow)
            {
                // It is not listening yet, or it recovers from a crash.
            }

            if (_time.GetElapsedTime(since) > _options.StartTimeout)
            {
                throw new StartupException($"PostgreSQL in {Home} is still not ready. It said:\n{_log.Tail}");
            }

            await Task.Delay(Glance, _time, cancellation);
        }
    }

    // A child that outlives a killed postmaster may hold the other end for a while; its last words are not worth that.
    async Task FinishLogAsync() => await Task.WhenAny(_logCopy, Task.Delay(LogPatience, _time));

    async Task CreateDatabaseAsync(CancellationToken cancellation)
    {
        await using var connection = new NpgsqlConnection(SuperuserConnectionString);
        await connection.OpenAsync(cancellation);
        await using var look = new NpgsqlCommand("SELECT 1 FROM pg_database WHERE datname = 'conclave'", connection);
        if (await look.ExecuteScalarAsync(cancellation) is not null)
        {
            return;
        }

        // No database, so the role owns nothing: a start that was cut off between the two is made good here.
        await using var role = new NpgsqlCommand(
            "DROP ROLE IF EXISTS conclave; CREATE ROLE conclave LOGIN", connection);
        await role.ExecuteNonQueryAsync(cancellation);
        await using var database = new NpgsqlCommand("CREATE DATABASE conclave OWNER conclave", connection);
        await database.ExecuteNonQueryAsync(cancellation);
    }

    [LoggerMessage(101, LogLevel.Information, "PostgreSQL {Major} of {Folder} runs, with its data in {Data}")]
    static partial void Started(ILogger logger, int major, string folder, string data);

    [LoggerMessage(102, LogLevel.Information, "PostgreSQL has stopped")]
    static partial void Stopped(ILogger logger);

    [LoggerMessage(103, LogLevel.Warning, "{Count} PostgreSQL processes of a killed server were stopped first")]
    static partial void LeftoversStopped(ILogger logger, int count);
}
