using System.Net.Sockets;
using Npgsql;

namespace Conclave.Tests.Support;

/// <summary>
/// A line between the server and its PostgreSQL that the test can cut, or on which an answer gets lost after
/// PostgreSQL has done what it was asked.
/// </summary>
sealed class PostgresLine : IAsyncDisposable
{
    // What PostgreSQL says last in every answer, a commit's among them: ready, and in no transaction.
    static readonly byte[] Ready = [(byte)'Z', 0, 0, 0, 5, (byte)'I'];

    readonly string _folder = Directory.CreateTempSubdirectory("conclave-line-").FullName;
    readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    readonly string _target;
    readonly Lock _gate = new();
    readonly HashSet<Socket> _open = [];
    readonly Task _accepting;
    bool _isCut;
    int _answersToLose;
    int _refused;

    public PostgresLine(string connectionString)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        _target = Path.Combine(settings.Host!, ".s.PGSQL.5432");
        settings.Host = _folder;
        ConnectionString = settings.ConnectionString;
        _listener.Bind(new UnixDomainSocketEndPoint(Path.Combine(_folder, ".s.PGSQL.5432")));
        _listener.Listen();
        _accepting = Task.Run(AcceptAsync);
    }

    /// <summary>To the same database, by this line.</summary>
    public string ConnectionString { get; }

    /// <summary>Ends every connection; new ones find nobody, until it is mended.</summary>
    public void Cut()
    {
        Socket[] open;
        lock (_gate)
        {
            _isCut = true;
            open = [.. _open];
        }
        foreach (var socket in open)
            socket.Dispose();
    }

    /// <summary>How many have found nobody so far.</summary>
    public int Refused => Volatile.Read(ref _refused);

    public void Mend()
    {
        lock (_gate)
            _isCut = false;
    }

    /// <summary>The next answer, whoever gets it, is lost, and with it the connection.</summary>
    public void LoseNextAnswer() => Interlocked.Increment(ref _answersToLose);

    /// <summary>No further answer is lost.</summary>
    public void KeepAnswers() => Interlocked.Exchange(ref _answersToLose, 0);

    public async ValueTask DisposeAsync()
    {
        Cut();
        _listener.Dispose();
        await _accepting;
        Directory.Delete(_folder, recursive: true);
    }

    async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptAsync();
                var server = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                if (!TryOpen(client, server))
                    continue;
                await server.ConnectAsync(new UnixDomainSocketEndPoint(_target));
                _ = PumpAsync(client, server, isAnswer: false);
                _ = PumpAsync(server, client, isAnswer: true);
            }
        }
        catch (Exception end) when (end is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    bool TryOpen(Socket client, Socket server)
    {
        lock (_gate)
        {
            if (!_isCut)
            {
                _open.Add(client);
                _open.Add(server);
                return true;
            }
        }
        client.Dispose();
        server.Dispose();
        Interlocked.Increment(ref _refused);
        return false;
    }

    async Task PumpAsync(Socket from, Socket to, bool isAnswer)
    {
        var buffer = new byte[64 << 10];
        try
        {
            while (await from.ReceiveAsync(buffer) is > 0 and var count)
            {
                var bytes = buffer.AsMemory(0, count);
                if (!isAnswer || Volatile.Read(ref _answersToLose) == 0)
                {
                    while (!bytes.IsEmpty)
                        bytes = bytes[await to.SendAsync(bytes)..];
                }
                else if (bytes.Span.EndsWith(Ready))
                {
                    Interlocked.Decrement(ref _answersToLose);
                    return;
                }
            }
        }
        catch (Exception end) when (end is SocketException or ObjectDisposedException)
        {
            // The line was cut, or one side hung up.
        }
        finally
        {
            from.Dispose();
            to.Dispose();
            lock (_gate)
            {
                _open.Remove(from);
                _open.Remove(to);
            }
        }
    }
}
