using Conclave.Protocol;

namespace Conclave.Sdk;

/// <summary>
/// How a <see cref="ConclaveClient"/> reaches its server. Immutable: start from <see cref="Default"/> and change with
/// <c>with</c>. Passwords and tokens are deliberately no part of it, since a record prints all it holds.
/// </summary>
public sealed record ConclaveOptions
{
    /// <summary>The defaults: a server on this machine.</summary>
    public static ConclaveOptions Default { get; } = new();

    /// <summary>
    /// Where the server is: <c>ws</c>, <c>wss</c>, <c>http</c> or <c>https</c>. The latter two mean the former two,
    /// and an address without a path means <c>/ws</c>. Default: http://127.0.0.1:7720.
    /// </summary>
    public Uri Server { get; init; } = new("http://127.0.0.1:7720");

    /// <summary>
    /// What the program calls itself: its users see it in the list of their sessions. Default: Conclave.Sdk.
    /// </summary>
    public string ProgramName { get; init; } = "Conclave.Sdk";

    /// <summary>
    /// The folder in which a sealing client keeps its keys and what it has verified: a file for each account and
    /// server, which only its owner can read. Null makes a plain client, which sends passwords as they are and
    /// neither reads nor writes sealed lobbies. Default: null.
    /// </summary>
    public string? StateFolder { get; init; }

    /// <summary>
    /// How large the state of one account may grow, in bytes, before the older half of the content that is kept in it
    /// is let go of; what is wanted of that is fetched again. What was verified, and keys, stay whatever their size.
    /// Default: 256 MiB.
    /// </summary>
    public long StateBytesMax { get; init; } = 256L << 20;

    /// <summary>
    /// Called by a sealing client before a sealed lobby that somebody else made is used for the first time, once for
    /// each: the program names the two to its user. On any thread; not to be held up. Default: null, nobody is told.
    /// </summary>
    public Action<LobbyIntroduction>? Introduce { get; init; }

    /// <summary>
    /// How long a request may take until its final answer, with every reconnection and repetition in between;
    /// <see cref="Timeout.InfiniteTimeSpan"/> for no limit but the cancellation token. Default: 30 s.
    /// </summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long one attempt to connect may take. Default: 10 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// The wait before the first attempt to reconnect. It doubles with each attempt, and the second half of each wait
    /// is random, so that the clients of a restarted server do not come back all at once. Default: 100 ms.
    /// </summary>
    public TimeSpan ReconnectWaitMin { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The longest wait between two attempts to reconnect. Default: 10 s.</summary>
    public TimeSpan ReconnectWaitMax { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Between two pings of a quiet connection; a server that leaves one unanswered for as long is taken for gone.
    /// Default: 15 s.
    /// </summary>
    public TimeSpan PingInterval { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// The size of a request, in bytes, beyond which it is refused here as <c>too_large</c>: the server would close the
    /// connection. Change it with the server's own limit. Default: 1 MiB.
    /// </summary>
    public int RequestBytesMax { get; init => field = Positive(value); } = Limits.Default.RequestBytesMax;

    /// <summary>
    /// Requests that are sent and not yet answered; more wait here, in the order they were made. More than the
    /// server's own limit only wait there instead. Default: 64.
    /// </summary>
    public int InFlightMax { get; init => field = Positive(value); } = 64;

    /// <summary>
    /// Entries that one <see cref="Subscription"/> keeps ready for a consumer that is slower than the server.
    /// Default: 1,024.
    /// </summary>
    public int BufferedEntriesMax { get; init => field = Positive(value); } = 1024;

    /// <summary>
    /// The same in bytes of content; one entry larger than this is kept nevertheless. Default: 4 MiB.
    /// </summary>
    public int BufferedBytesMax { get; init => field = Positive(value); } = 4 << 20;

    /// <summary>Where timeouts and waits take their time from. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    static int Positive(int value)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
        return value;
    }
}
