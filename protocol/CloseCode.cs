namespace Conclave.Protocol;

/// <summary>
/// Why a connection ends (docs/protocol.md, section 8). 1000–1015 are those of RFC 6455, section 7.4.1; 4000 and up
/// are ours. After 1001, 1012, 1013 and 4001 a client reconnects; after the others it does not.
/// </summary>
public static class CloseCode
{
    public const int Done = 1000;
    public const int ServerLeaves = 1001;
    /// <summary>What came is no frame of a client (RFC 6455, section 5).</summary>
    public const int ProtocolError = 1002;
    public const int Binary = 1003;
    public const int NotUtf8 = 1007;
    public const int TooBig = 1009;
    public const int Restart = 1012;
    public const int Overload = 1013;

    /// <summary>A write to the socket moved no byte for <see cref="Limits.WriteStallMax"/>.</summary>
    public const int DeadReader = 4001;

    public const int TooManyConnections = 4002;
}
