namespace Conclave.Protocol;

/// <summary>
/// The catalogue of refusals (docs/protocol.md, section 5). A code is for programs and never changes its meaning;
/// one that is retired keeps its line here with a comment, so that it is never given a second meaning.
/// </summary>
public static class ErrorCode
{
    public const string BadJson = "bad_json";
    public const string BadRequest = "bad_request";
    public const string UnknownAction = "unknown_action";
    public const string BadCredentials = "bad_credentials";
    public const string BadToken = "bad_token";
    public const string Forbidden = "forbidden";
    public const string RegistrationClosed = "registration_closed";
    public const string NoSuchUser = "no_such_user";
    public const string NoSuchLobby = "no_such_lobby";
    public const string NoSuchMessage = "no_such_message";
    public const string LoginTaken = "login_taken";
    public const string LobbyNameTaken = "lobby_name_taken";
    public const string AlreadyMember = "already_member";
    public const string NotAMember = "not_a_member";
    public const string LastAdmin = "last_admin";
    public const string NonceReused = "nonce_reused";
    public const string LogChanged = "log_changed";
    public const string Limit = "limit";
    public const string TooLarge = "too_large";
    public const string RateLimited = "rate_limited";
    public const string Busy = "busy";
    public const string UnknownOutcome = "unknown_outcome";
    public const string Internal = "internal";

    // What docs/sealing.md names. Those that only a client finds (bad_box, bad_key …) are not on the wire.
    public const string BadEncoding = "bad_encoding";
    public const string BadIdentity = "bad_identity";
    public const string BadVault = "bad_vault";
    public const string WeakKdf = "weak_kdf";
    public const string BadEntry = "bad_entry";
    public const string BadSignature = "bad_signature";
    public const string BadWraps = "bad_wraps";
    public const string BadEnvelope = "bad_envelope";
    public const string WrongLobby = "wrong_lobby";
    public const string RosterConflict = "roster_conflict";
    public const string StaleRoster = "stale_roster";
    public const string StaleKey = "stale_key";
    public const string StaleTranscript = "stale_transcript";
    public const string Fork = "fork";
    public const string Replay = "replay";

    /// <summary>The status of a reply with this code where it is sent by plain HTTP.</summary>
    public static int HttpStatus(string code) => code switch
    {
        BadJson or BadRequest or UnknownAction or BadEncoding or BadIdentity or BadVault or WeakKdf => 400,
        BadEntry or BadSignature or BadWraps or BadEnvelope or WrongLobby => 400,
        BadCredentials or BadToken => 401,
        Forbidden or RegistrationClosed => 403,
        NoSuchUser or NoSuchLobby or NoSuchMessage => 404,
        LoginTaken or LobbyNameTaken or AlreadyMember or NotAMember or LastAdmin => 409,
        NonceReused or LogChanged or Limit => 409,
        RosterConflict or StaleRoster or StaleKey or StaleTranscript or Fork or Replay => 409,
        TooLarge => 413,
        RateLimited => 429,
        Busy or UnknownOutcome => 503,
        _ => 500,
    };
}
