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

/// <summary>A request from the moment it is made until its final answer, over as many connections as that takes.</summary>
abstract class Request(long id, RequestKind kind, byte[] frame)
{
    /// <summary>Counts up; the order in which requests were made.</summary>
    public long Id { get; } = id;

    public RequestKind Kind { get; } = kind;

    /// <summary>The JSON object to send, with the token in it.</summary>
    public byte[] Frame { get; } = frame;

    /// <summary>Whether it proves the session, so that an ok answer means that the server knows this connection.</summary>
    public bool IsSigned { get; init; }

    /// <summary>Whether the frame holds a password, which is wiped when it was used.</summary>
    public bool HoldsPassword { get; init; }

    /// <summary>When the caller stops waiting; null for never. In timestamps of the time provider.</summary>
    public long? Deadline { get; init; }

    /// <summary>When the server wants it again at the earliest. Owned by the outbox.</summary>
    public long NotBefore { get; set; }

    /// <summary>Whether the socket is just taking the frame. Owned by the outbox.</summary>
    public bool IsBeingWritten { get; set; }

    /// <summary>Takes the ok reply in <paramref name="utf8"/>; what depends on it is done before the next frame is read.</summary>
    public abstract void Complete(ReadOnlySpan<byte> utf8);

    public abstract void Fail(Exception exception);

    /// <summary>Overwrites the frame if it holds a password.</summary>
    public void Wipe()
    {
        if (HoldsPassword)
            CryptographicOperations.ZeroMemory(Frame);
    }
}

/// <summary>A request that is answered with a <typeparamref name="TReply"/>.</summary>
/// <param name="onReply">Called on the reading loop, before whoever awaits <see cref="AnswerAsync"/> goes on.</param>
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

    public override void Complete(ReadOnlySpan<byte> utf8)
    {
        var reply = WireJson.Deserialize<TReply>(utf8);
        onReply?.Invoke(reply);
        _answer.TrySetResult(reply);
    }

    public override void Fail(Exception exception)
    {
        onFailure?.Invoke(exception);
        _answer.TrySetException(exception);
        // Nobody may be waiting any more, and that is no error.
        _ = _answer.Task.Exception;
    }
}
