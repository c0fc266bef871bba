using System.Threading.Tasks.Sources;

namespace Conclave.Server.Lobbies;

/// <summary>
/// Wakes one waiting loop. Sets that come while nobody waits are remembered as one, so a loop that looks at everything
/// it serves after each wait misses nothing. Costs no allocation per wait.
/// </summary>
sealed class Signal : IValueTaskSource
{
    readonly Lock _gate = new();

    // Continues elsewhere: whoever sets must not run the loop it wakes.
    ManualResetValueTaskSourceCore<bool> _source = new() { RunContinuationsAsynchronously = true };
    bool _isSet;
    bool _isWaiting;

    /// <summary>Wakes the waiter, or the next one to wait.</summary>
    public void Set()
    {
        lock (_gate)
        {
            if (!_isWaiting)
            {
                _isSet = true;
                return;
            }
            _isWaiting = false;
        }
        _source.SetResult(true);
    }

    /// <summary>Completes at the next set, or at once if one came since the last wait. One waiter at a time.</summary>
    public ValueTask WaitAsync()
    {
        lock (_gate)
        {
            if (_isSet)
            {
                _isSet = false;
                return ValueTask.CompletedTask;
            }
            if (_isWaiting)
                throw new InvalidOperationException("a signal has one waiter at a time");
            _source.Reset();
            _isWaiting = true;
            return new ValueTask(this, _source.Version);
        }
    }

    void IValueTaskSource.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}
