namespace Conclave.Protocol;

/// <summary>The <c>action</c> of every request, as it is on the wire (docs/protocol.md, sections 3 and 4).</summary>
public static class ActionName
{
    public const string Register = "register";
    public const string Auth = "auth";
    public const string CreateLobby = "create_lobby";
    public const string GetPublicToken = "get_public_token";
    public const string LobbyId = "lobby_id";
    public const string InviteLobby = "invite_lobby";
    public const string SetRights = "set_rights";
    public const string RemoveMember = "remove_member";
    public const string RenameLobby = "rename_lobby";
    public const string DeleteLobby = "delete_lobby";
    public const string DeleteMessage = "delete_message";
    public const string Subscribe = "subscribe";
    public const string Message = "message";
    public const string Whoami = "whoami";
    public const string MyLobbies = "my_lobbies";
    public const string Members = "members";
    public const string History = "history";
    public const string Unsubscribe = "unsubscribe";
    public const string Logout = "logout";
    public const string Sessions = "sessions";
    public const string RevokeSession = "revoke_session";
    public const string ChangePassword = "change_password";
    public const string Ping = "ping";

    // Sealing (docs/sealing.md, section 7.1).
    public const string Kdf = "kdf";
    public const string ResetIdentity = "reset_identity";
    public const string RotateKey = "rotate_key";
    public const string SucceedMember = "succeed_member";
    public const string NeedKey = "need_key";
    public const string RewrapKey = "rewrap_key";
    public const string Roster = "roster";
    public const string MyKeys = "my_keys";
}
