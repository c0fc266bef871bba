namespace Conclave.Sdk;

/// <summary>
/// Two hints that come from the client itself, as the <c>Event</c> of <see cref="ConclaveClient.HintsAsync"/>.
/// </summary>
public static class ConnectionHint
{
    /// <summary>The connection broke; the client is making it again.</summary>
    public const string Lost = "connection_lost";

    /// <summary>The connection is back; requests and subscriptions go on by themselves.</summary>
    public const string Restored = "connection_restored";
}
