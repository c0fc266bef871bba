using System.Security.Cryptography;
using Conclave.Protocol;

namespace Conclave.Sdk;

/// <summary>What may be done with a request whose answer did not come, or was "not now".</summary>
enum RequestKind
{
    /// <summary>Sent once at most: to do it twice is not to do it once, and nothing tells the two apart.</summary>
    Once,

    /// <summary>Changes nothing that matters twice: sent again after the connection was lost.</summary>
    Ask,

    /// <summary>
    /// Carries a nonce, so that it happens once however often it is sent: sent again also when the outcome is unknown
    /// or the server wants it later. Keeps its place before later requests of this kind.
    /// </summary>
    Append,

    /// <summary>A subscription: sent again until there is a final answer, in no order with the others.</summary>
    Follow,
}

/// <summary>
/// A request from the moment it is made until its final answer, over as many connections as that takes.
/// </summary>
/// <param name="id">Counts up, in the order in which requests are made.</param>
/// <param name="kind">How often it may be sent.</param>
/// <param name="frame">The JSON object to send, with the token in it.</param>
abstract class Request(long id, RequestKind kind, byte[] frame)
{
    bool _isBeingWritten;
    bool _isRetired;

    public long Id { get; } = id;

    public RequestKind Kind { get; } = kind;

    public byte[] Frame { get; } = frame;

    /// <summary>The token in the frame; null if it has none.</summary>
    public string? Token { get; init; }

    /// <summary>Whether the frame holds a password, which is wiped when it was used.</summary>
    public bool HoldsPassword { get; init; }

    /// <summary>When the caller stops waiting, in timestamps of the time provider.</summary>
    public long Deadline { get; init; } = long.MaxValue;

    /// <summary>When the server wants it again at the earliest, likewise.</summary>
    public long NotBefore { get; set; }

    /// <summary>
    /// Takes an ok reply; what has to be done before the next frame is read is done when this returns.
    /// </summary>
    /// <exception cref="System.Text.Json.JsonException">It has not the fields it must have.</exception>
    public abstract void Complete(ReadOnlySpan<byte> utf8);

    public abstract void Fail(Exception exception);

    /// <summary>Until <see cref="EndWrite"/> the frame belongs to the socket.</summary>
    public void BeginWrite()
    {
        lock (Frame)
            _isBeingWritten = true;
    }

    public void EndWrite()
    {
        lock (Frame)
        {
            _isBeingWritten = false;
            WipeIfDone();
        }
    }

    /// <summary>The frame is not needed again.</summary>
    public void Retire()
    {
        lock (Frame)
        {
            _isRetired = true;
            WipeIfDone();
        }
    }

    // A caller can give up while the socket is taking the frame; zeros in its midst would be a broken request.
    void WipeIfDone()
    {
        if (HoldsPassword && _isRetired && !_isBeingWritten)
            CryptographicOperations.ZeroMemory(Frame);
    }
}

/// <summary>A request that is answered with a <typeparamref name="TReply"/>.</summary>
/// <param name="onReply">Called on the reading loop, before whoever awaits the answer goes on.</param>
/// <param name="onFailure">The same for anything but an ok reply.</param>
sealed class Request<TReply>(
    long id, RequestKind kind, byte[] frame, Action<TReply>? onReply = null, Action<Exception>? onFailure = null)
    : Request(id, kind, frame)
    where TReply : Reply
{
    // The reading loop must not run the callers' code: it would wait for an answer that only it can read.
    readonly TaskCompletionSource<TReply> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The final answer, unless <paramref name="timeout"/> or the caller's patience ends before.</summary>
    public Task<TReply> AnswerAsync(TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken) =>
        _answer.Task.WaitAsync(timeout, time, cancellationToken);

    public override void Fail(Exception exception)
    {
        onFailure?.Invoke(exception);
        _answer.TrySetException(exception);
        // Nobody may be waiting any more, and that is no error.
        _ = _answer.Task.Exception;
    }

    public override void Complete(ReadOnlySpan<byte> utf8)
    {
        var reply = WireJson.Deserialize<TReply>(utf8);
        onReply?.Invoke(reply);
        _answer.TrySetResult(reply);
    }
}
