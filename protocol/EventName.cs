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

    // Entries of a sealed lobby's log alone.
    public const string KeyRotated = "key_rotated";
    public const string IdentitySucceeded = "identity_succeeded";

    // Hints outside the log, which may be lost with the connection.
    public const string Invited = "invited";
    public const string Removed = "removed";
    public const string KeyNeeded = "key_needed";
    public const string KeyReady = "key_ready";
    public const string MessageDeleted = "message_deleted";
    public const string LobbyDeleted = "lobby_deleted";
    public const string SessionEnded = "session_ended";
    public const string ServerClosing = "server_closing";
}

/// <summary>Why content is gone: the <c>reason</c> of <see cref="EventName.MessageDeleted"/>.</summary>
public static class ErasureReason
{
    /// <summary>By its author, or by an admin of the lobby.</summary>
    public const string Deleted = "deleted";

    public const string Expired = "expired";
}

/// <summary>Why a session ended: the <c>reason</c> of <see cref="EventName.SessionEnded"/>.</summary>
public static class SessionEnd
{
    public const string Logout = "logout";

    /// <summary>By another session of the user or by the operator, or to make room for a newer one.</summary>
    public const string Revoked = "revoked";

    public const string Expired = "expired";
    public const string PasswordChanged = "password_changed";

    /// <summary>The operator has disabled the user.</summary>
    public const string Disabled = "disabled";
}
