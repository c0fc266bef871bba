namespace Conclave.Protocol;

/// <summary>
/// Every limit of a server (docs/protocol.md, section 8), with its default. An operator changes one as
/// <c>CONCLAVE_LIMIT_NAME</c>, the name in upper snake case (<c>CONCLAVE_LIMIT_REQUEST_BYTES_MAX</c>).
/// </summary>
public sealed record Limits
{
    public static Limits Default { get; } = new();

    /// <summary>Size of one request, in bytes. Default: 1 MiB. Larger closes with 1009.</summary>
    public int RequestBytesMax { get; init; } = 1 << 20;

    /// <summary>The same before a connection has shown a valid token, in bytes. Default: 64 KiB.</summary>
    public int AnonymousRequestBytesMax { get; init; } = 64 << 10;

    /// <summary>Requests of one connection that are read and not yet answered. Default: 64.</summary>
    public int InFlightMax { get; init; } = 64;

    /// <summary>The same before a connection has shown a valid token. Default: 4.</summary>
    public int AnonymousInFlightMax { get; init; } = 4;

    /// <summary>Bytes that all signed-in connections together hold in unanswered requests. Default: 128 MiB.</summary>
    public long RequestBytesBudget { get; init; } = 128L << 20;

    /// <summary>The same for all connections that are not signed in. Default: 16 MiB.</summary>
    public long AnonymousRequestBytesBudget { get; init; } = 16L << 20;

    /// <summary>
    /// How long a request of more than 4 KiB, whose share of a budget others wait for, may take to arrive before the
    /// connection ends with 1013. Default: 120 s.
    /// </summary>
    public TimeSpan RequestTimeMax { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>
    /// Bytes of stored entries on their way to sockets, all connections together. One user gets a sixteenth for
    /// replies, and as much for entries over 64 KiB that sockets hold. Default: 128 MiB.
    /// </summary>
    public long FrameBytesBudget { get; init; } = 128L << 20;

    /// <summary>Bytes of all tails together. Default: 64 MiB.</summary>
    public long TailBytesBudget { get; init; } = 64L << 20;

    /// <summary>Subscriptions of one connection. Default: 1,000.</summary>
    public int SubscriptionsMax { get; init; } = 1000;

    /// <summary>
    /// Connections from one address, of IPv6 from one network of 64 bits. Default: 1,000. More close with 4002.
    /// </summary>
    public int ConnectionsPerAddressMax { get; init; } = 1000;

    /// <summary>
    /// <c>register</c>, <c>get_public_token</c>, <c>lobby_id</c> and <c>kdf</c>: each so often a minute from one
    /// address, of IPv6 from one network of 64 bits. Loopback has no such limit. Default: 60.
    /// </summary>
    public int PublicRequestsPerMinute { get; init; } = 60;

    /// <summary>Messages of one user a second; twice as many at once. Default: 500.</summary>
    public int MessagesPerSecond { get; init; } = 500;

    /// <summary>Bytes of <c>row_data</c> of one user a second; twice as many at once. Default: 8 MiB.</summary>
    public long MessageBytesPerSecond { get; init; } = 8L << 20;

    /// <summary>
    /// Rows of one sealed lobby a second, and so many at once. Default: 500. More would let one who posts push what
    /// others have just seen out of the window of 4,096 rows.
    /// </summary>
    public int SealedRowsPerSecond { get; init; } = 500;

    /// <summary>
    /// Entries of one roster. Default: 65,535. The last 1,024 of them, or the second half if that is less, are kept for
    /// removing members, and for the new key after that.
    /// </summary>
    public int RosterEntriesMax { get; init; } = 65_535;

    /// <summary>
    /// Rows of sealed lobbies that are kept in memory for judging the next, of some 300 bytes each, at most 8,192 of
    /// one lobby; a member takes as much as eight. What lies unused for longest goes, and is read again when it is
    /// needed. Default: 1,000,000.
    /// </summary>
    public int SealedRowsHeld { get; init; } = 1_000_000;

    /// <summary>
    /// Sealed lobbies that are read into memory because one user writes to them, in a minute. Default: 600.
    /// </summary>
    public int SealedReadsPerMinute { get; init; } = 600;

    /// <summary>
    /// Changes of members, rights, names and keys of lobbies by one user a minute, other than invitations, and refused
    /// ones with them. Default: 120.
    /// </summary>
    public int RosterChangesPerMinute { get; init; } = 120;

    /// <summary>
    /// <c>need_key</c> and <c>rewrap_key</c> by one user a minute, each. Default: 240.
    /// </summary>
    public int KeyRepairsPerMinute { get; init; } = 240;

    /// <summary>Invitations by one user an hour. Default: 600.</summary>
    public int InvitationsPerHour { get; init; } = 600;

    /// <summary>Lobbies that one user has created. Default: 1,000.</summary>
    public int LobbiesPerUserMax { get; init; } = 1000;

    /// <summary>
    /// Lobbies that one user creates in an hour, those that were deleted since with them. Default: 1,000.
    /// </summary>
    public int LobbiesPerHour { get; init; } = 1000;

    /// <summary>Members of one lobby. Default: 10,000.</summary>
    public int MembersPerLobbyMax { get; init; } = 10_000;

    /// <summary>
    /// Bytes that the messages of one plain lobby take in the database, unless the operator gave it a quota of its own.
    /// Default: 1 GiB.
    /// </summary>
    public long LobbyBytesMax { get; init; } = 1L << 30;

    /// <summary>Drafts that wait for the writer; a full inbox stops the readers. Default: 16,384.</summary>
    public int WriterInboxMax { get; init; } = 16_384;

    /// <summary>Entries in one commit. Default: 1,000.</summary>
    public int BatchCountMax { get; init; } = 1000;

    /// <summary>Bytes of <c>row_data</c> in one commit, or one entry. Default: 4 MiB.</summary>
    public int BatchBytesMax { get; init; } = 4 << 20;

    /// <summary>Passwords hashed at one time; each takes 19 MiB. Default: half the processors, at least 1.</summary>
    public int PasswordWorkersMax { get; init; } = Math.Max(1, Environment.ProcessorCount / 2);

    /// <summary>Password checks that wait for a worker; more are answered <c>busy</c>. Default: 256.</summary>
    public int PasswordQueueMax { get; init; } = 256;

    /// <summary>
    /// Pairs of login and address, and addresses, whose failures are remembered; users and addresses whose pace is.
    /// Default: 65,536.
    /// </summary>
    public int ThrottleEntriesMax { get; init; } = 65_536;

    /// <summary>How long a token lives after its last use. Default: 30 days.</summary>
    public TimeSpan SessionLifetime { get; init; } = TimeSpan.FromDays(30);

    /// <summary>
    /// Sessions of one user. Beyond, the one unused for longest ends, or if all are in use there are no more.
    /// Default: 50.
    /// </summary>
    public int SessionsPerUserMax { get; init; } = 50;

    /// <summary>How long a write may move no byte before the connection ends with 4001. Default: 60 s.</summary>
    public TimeSpan WriteStallMax { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Between two pings of an idle connection; silent for two, it is gone. Also how long the head of a request by
    /// plain HTTP may take to arrive. Default: 30 s.
    /// </summary>
    public TimeSpan PingInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a post waits for a database that is away before it is <c>busy</c>. Default: 5 s.</summary>
    public TimeSpan DatabaseWaitMax { get; init; } = TimeSpan.FromSeconds(5);
}
