namespace Conclave.Protocol;

/// <summary>The <c>event</c> of everything a server says unasked (docs/protocol.md, section 6).</summary>
public static class EventName
{
    // Entries of a lobby's log.
    public const string LobbyCreated = "lobby_created";
    public const string MemberInvited = "member_invited";
    public const string RightsChanged = "rights_changed";
    public const string MemberRemoved = "member_removed";
    public const string LobbyRenamed = "lobby_renamed";
    public const string Message = "message";

    // Hints outside the log, which may be lost with the connection.
    public const string Invited = "invited";
    public const string Removed = "removed";
    public const string ServerClosing = "server_closing";
}
