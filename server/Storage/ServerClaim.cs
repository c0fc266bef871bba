namespace Conclave.Server.Storage;

/// <summary>
/// A server's claim on its database. After a broken connection it is renewed, and then it turns out whether the
/// operator has meanwhile restored a backup or changed the master key: what the server knows is worth nothing then.
/// </summary>
sealed class ServerClaim : IAsyncDisposable
{
    static readonly TimeSpan RetryWait = TimeSpan.FromSeconds(1);

    readonly Database _database;
    readonly TimeProvider _time;
    readonly CancellationTokenSource _closing = new();
    readonly TaskCompletionSource _overtaken = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly Task _loop;

    ServerClaim(Database database, DatabaseClaim claim, TimeProvider time)
    {
        _database = database;
        _time = time;
        _loop = Task.Run(() => RunAsync(claim));
    }

    /// <summary>Completes when the database is no longer the one that the server was started on.</summary>
    public Task Overtaken => _overtaken.Task;

    /// <summary>To be taken once the master key is adopted.</summary>
    /// <exception cref="StartupException">A command of the operator has the database alone.</exception>
    public static async Task<ServerClaim> TakeAsync(
        Database database, TimeProvider time, CancellationToken cancellation)
    {
        var claim = await DatabaseClaim.TryShareAsync(database, cancellation);
        if (claim is not null && await database.IsUnchangedAsync(cancellation))
            return new ServerClaim(database, claim, time);
        await (claim?.DisposeAsync() ?? ValueTask.CompletedTask);
        throw new StartupException(
            "a command of the operator is changing the database (rekey or restore): start again when it is done");
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await _loop;
        _closing.Dispose();
    }

    async Task RunAsync(DatabaseClaim claim)
    {
        DatabaseClaim? held = claim;
        try
        {
            while (true)
            {
                if (held is not null)
                {
                    await held.LostAsync(_closing.Token);
                    await held.DisposeAsync();
                }
                held = await TryRenewAsync();
                if (_overtaken.Task.IsCompleted)
                    return;
                if (held is null)
                    await Task.Delay(RetryWait, _time, _closing.Token);
            }
        }
        catch (Exception fault) when (
            _closing.IsCancellationRequested && (fault is OperationCanceledException || Database.IsAway(fault)))
        {
            // The server stops, and perhaps the database with it.
        }
        finally
        {
            await (held?.DisposeAsync() ?? ValueTask.CompletedTask);
        }
    }

    async Task<DatabaseClaim?> TryRenewAsync()
    {
        DatabaseClaim? claim = null;
        try
        {
            claim = await DatabaseClaim.TryShareAsync(_database, _closing.Token);
            if (claim is not null && !await _database.IsUnchangedAsync(_closing.Token))
                _overtaken.TrySetResult();
            return claim;
        }
        catch (Exception fault) when (Database.IsAway(fault) && !_closing.IsCancellationRequested)
        {
            // Not yet.
            await (claim?.DisposeAsync() ?? ValueTask.CompletedTask);
            return null;
        }
    }
}
