using System.Text.Json;
using System.Threading.Channels;
using Conclave.Protocol;

namespace Conclave.Sdk;

/// <summary>
/// The requests without a final answer, in the order they were made. It outlives connections: what one did not answer,
/// the next one is asked again, first and in the same order. Knows nothing of sockets.
/// </summary>
sealed class Outbox(ConclaveOptions options)
{
    static readonly TimeSpan RetryAfterMin = TimeSpan.FromMilliseconds(50);
    static readonly TimeSpan RetryAfterDefault = TimeSpan.FromMilliseconds(500);

    readonly Lock _gate = new();
    readonly SortedDictionary<long, Request> _waiting = [];
    readonly Dictionary<long, Request> _inFlight = [];
    readonly TimeProvider _time = options.TimeProvider;

    // Says only that something changed, so one is as good as many.
    readonly Channel<bool> _changes = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    long _lastId;
    Request? _introduction;
    bool _isKnown;

    public long NextId() => Interlocked.Increment(ref _lastId);

    public void Add(Request request)
    {
        lock (_gate)
            _waiting.Add(request.Id, request);
        _changes.Writer.TryWrite(true);
    }

    /// <summary>Nobody waits for it any more. It may be on its way to the server.</summary>
    public void Forget(Request request)
    {
        lock (_gate)
        {
            _waiting.Remove(request.Id);
            _inFlight.Remove(request.Id);
        }
        request.Retire();
        _changes.Writer.TryWrite(true);
    }

    /// <summary>The next request to send, which then counts as sent; null if there is none now.</summary>
    /// <param name="wait">How long until there may be one without any change here; null for ever.</param>
    public Request? Take(out TimeSpan? wait)
    {
        wait = null;
        lock (_gate)
        {
            if (_inFlight.Count >= options.InFlightMax)
                return null;
            var now = _time.GetTimestamp();
            var appendsWait = false;
            foreach (var request in _waiting.Values)
            {
                if (appendsWait && request.Kind == RequestKind.Append)
                    continue;
                if (request.NotBefore > now)
                {
                    var left = _time.GetElapsedTime(now, request.NotBefore);
                    wait = wait is { } least && least < left ? least : left;
                }
                else if (_isKnown || request.Frame.Length <= Limits.Default.AnonymousRequestBytesMax)
                {
                    return Send(request);
                }
                else if (_introduction is null && _inFlight.Count == 0)
                {
                    return Send(_introduction = Introduce(request));
                }
                appendsWait |= request.Kind == RequestKind.Append;
            }
            return null;
        }
    }

    /// <summary>
    /// A request by which the server learns whose connection this is; null if it knows, or will by what is to be sent.
    /// </summary>
    public Request? Introduction(string token)
    {
        lock (_gate)
        {
            var isTold = _isKnown || _inFlight.Values.Concat(_waiting.Values).Any(request => request.Token is not null);
            return isTold ? null : Introduce(token, onFailure: null);
        }
    }

    /// <summary>
    /// Ends when there may be something to <see cref="Take"/>, at the latest after <paramref name="wait"/>.
    /// </summary>
    public async Task WaitAsync(TimeSpan? wait, CancellationToken cancellationToken)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task change = _changes.Reader.WaitToReadAsync(over.Token).AsTask();
        if (wait is { } longest)
            await Task.WhenAny(change, Task.Delay(longest, _time, over.Token)).ConfigureAwait(false);
        else
            await change.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        // Whichever of the two has not come is waited for no more.
        await over.CancelAsync().ConfigureAwait(false);
        await change.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _changes.Reader.TryRead(out _);
    }

    /// <summary>
    /// Hands the reply to the request with this id, or puts the request off if the reply says "later".
    /// </summary>
    /// <param name="id">Which request; one that nobody waits for any more is ignored.</param>
    /// <param name="ok">Whether <paramref name="utf8"/> is an ok reply.</param>
    /// <param name="utf8">The reply, one JSON object.</param>
    public void Answer(long id, bool ok, ReadOnlySpan<byte> utf8)
    {
        Request? request;
        lock (_gate)
        {
            if (!_inFlight.TryGetValue(id, out request))
                return;
        }
        try
        {
            if (ok && Settle(request, ok, again: null))
            {
                request.Complete(utf8);
            }
            else if (!ok)
            {
                var refusal = WireJson.Deserialize<ErrorReply>(utf8).Error ?? throw new JsonException("no error");
                if (Settle(request, ok, Again(request, refusal)))
                    request.Fail(RefusedException.From(refusal));
            }
        }
        catch (JsonException exception)
        {
            Forget(request);
            request.Fail(new BrokenServerException("an answer has not the fields it must have", exception));
        }
        _changes.Writer.TryWrite(true);
    }

    /// <summary>The connection is gone; whatever it did not answer is to be sent again, if that is right.</summary>
    public void Reopen()
    {
        List<Request> lost = [];
        lock (_gate)
        {
            foreach (var request in _inFlight.Values)
            {
                if (request.Kind == RequestKind.Once)
                    lost.Add(request);
                else if (request != _introduction)
                    _waiting.Add(request.Id, request);
            }
            _inFlight.Clear();
            if (_introduction is not null)
                _waiting.Remove(_introduction.Id);
            _introduction = null;
            _isKnown = false;
        }
        foreach (var request in lost)
        {
            request.Fail(new DisconnectedException(
                "The connection was lost before the answer came. It may have been done; look before you try again."));
        }
    }

    /// <summary>Gives every request this end.</summary>
    public void FailAll(Exception exception)
    {
        List<Request> all;
        lock (_gate)
        {
            all = [.. _inFlight.Values, .. _waiting.Values];
            _inFlight.Clear();
            _waiting.Clear();
            _introduction = null;
            _isKnown = false;
        }
        foreach (var request in all)
            request.Fail(exception);
    }

    /// <summary><paramref name="span"/> from now, in timestamps; a negative or endless one is never.</summary>
    public long After(TimeSpan span) =>
        span < TimeSpan.Zero ? long.MaxValue
            : _time.GetTimestamp() + (long)(span.TotalSeconds * _time.TimestampFrequency);

    Request Send(Request request)
    {
        _waiting.Remove(request.Id);
        _inFlight.Add(request.Id, request);
        return request;
    }

    // A server closes the connection when somebody it does not know sends much. So it gets to know us first.
    Request<UserReply> Introduce(Request large) => Introduce(large.Token, exception =>
    {
        Forget(large);
        large.Fail(exception);
    });

    Request<UserReply> Introduce(string? token, Action<Exception>? onFailure)
    {
        var id = NextId();
        var frame = RequestFrame.Write(id, ActionName.Whoami, token, _ => { });
        return new Request<UserReply>(id, RequestKind.Ask, frame, onFailure: onFailure) { Token = token };
    }

    /// <summary>
    /// Takes an answered request out, or puts it back where it stood. In one step, so that no later one slips past.
    /// </summary>
    /// <returns>Whether this was its final answer, and somebody waits for it.</returns>
    bool Settle(Request request, bool isOk, long? again)
    {
        lock (_gate)
        {
            if (!_inFlight.Remove(request.Id))
                return false;
            if (again is { } notBefore)
            {
                request.NotBefore = notBefore;
                _waiting.Add(request.Id, request);
                return false;
            }
            if (request == _introduction)
                _introduction = null;
            // Whoever has shown a valid token, or a password, may send large requests on this connection.
            _isKnown |= isOk && (request.Token is not null || request.HoldsPassword);
            return true;
        }
    }

    /// <summary>When it is right to send a refused request again; null if never.</summary>
    long? Again(Request request, Refusal refusal)
    {
        var helps = refusal.Code switch
        {
            ErrorCode.Busy => true,
            ErrorCode.UnknownOutcome => request.Kind != RequestKind.Once,
            ErrorCode.RateLimited => request.Kind is RequestKind.Append or RequestKind.Follow,
            _ => false,
        };
        var wait = refusal.RetryAfterMs is { } milliseconds
            ? TimeSpan.FromMilliseconds(milliseconds)
            : RetryAfterDefault;
        var again = After(wait < RetryAfterMin ? RetryAfterMin : wait);
        return helps && again < request.Deadline ? again : null;
    }
}
