namespace Conclave.Roster;

/// <summary>
/// What became of something that came from outside: accepted, or the one error that docs/sealing.md names for the first
/// check it failed. A forged or broken thing is an outcome; exceptions are for mistakes of the caller.
/// </summary>
/// <remarks>The order says nothing. Zero is no acceptance, so that a forgotten assignment accepts nothing.</remarks>
public enum Verdict
{
    /// <summary>Nothing was decided. No method returns it.</summary>
    Unjudged,

    /// <summary>Every check passed.</summary>
    Accepted,

    /// <summary>Text is not strict base64url without padding (section 2).</summary>
    BadEncoding,

    /// <summary>A record is not valid for its login, is not at hand, or is not the one it should be (3.1, 4).</summary>
    BadIdentity,

    /// <summary>A vault has not the form of one (section 3.2).</summary>
    BadVault,

    /// <summary>The parameters of the password's derivation are too weak, or absurdly strong (section 3.2).</summary>
    WeakKdf,

    /// <summary>Roster entry without the exact form, or in a place where its kind cannot stand (section 4).</summary>
    BadEntry,

    /// <summary>Roster entry of another lobby (section 4).</summary>
    WrongLobby,

    /// <summary>Roster entry that does not continue the head: somebody else was first (section 4).</summary>
    RosterConflict,

    /// <summary>Somebody who would have to be a member is none (sections 4 and 6.1).</summary>
    NotAMember,

    /// <summary>The author lacks the right (sections 4 and 6.1).</summary>
    Forbidden,

    /// <summary>The invited, or the fingerprint succeeded to, is in the lobby already (section 4).</summary>
    AlreadyMember,

    /// <summary>The lobby would be left without an admin (section 4).</summary>
    LastAdmin,

    /// <summary>The signature is not the author's on exactly these bytes (sections 4 and 6.1).</summary>
    BadSignature,

    /// <summary>A key wrap has not the form of one (section 5).</summary>
    BadWrap,

    /// <summary>The wraps beside a roster entry are not the set that it needs (section 7).</summary>
    BadWraps,

    /// <summary>A key was opened and is not the one that the roster committed to (section 5).</summary>
    BadKey,

    /// <summary>A box does not open with this key in this context (section 2.1).</summary>
    BadBox,

    /// <summary>The key of the message's generation is not at hand (section 6.1).</summary>
    NoKey,

    /// <summary>A row has not exactly the form of one (sections 4 and 6.1).</summary>
    BadEnvelope,

    /// <summary>The message was made under another roster head than the current one (section 6.1).</summary>
    StaleRoster,

    /// <summary>A rotation is due before anything may be posted (section 6.1).</summary>
    StaleKey,

    /// <summary>What the sender says to have seen is too old, or not yet there (section 6.1).</summary>
    StaleTranscript,

    /// <summary>Two were shown different histories (sections 6.1 and 8).</summary>
    Fork,

    /// <summary>The message, or its row, was there before (section 6.1).</summary>
    Replay,

    /// <summary>The box opened and holds no well-formed content (section 6.2).</summary>
    BadContent,

    /// <summary>There is no room for more (sections 4 and 7.2).</summary>
    Limit,

    /// <summary>
    /// The account was made by a plain client (section 3.2). No check here gives it; a client says it.
    /// </summary>
    PlainAccount,
}

/// <summary>The wire names of verdicts.</summary>
public static class VerdictCode
{
    /// <summary>The error code of docs/sealing.md: <c>bad_entry</c>, <c>stale_key</c> …</summary>
    /// <exception cref="ArgumentOutOfRangeException">
    /// <paramref name="verdict"/> is <see cref="Verdict.Accepted"/>, <see cref="Verdict.Unjudged"/> or none at all.
    /// </exception>
    public static string Of(Verdict verdict) => verdict switch
    {
        Verdict.BadEncoding => "bad_encoding",
        Verdict.BadIdentity => "bad_identity",
        Verdict.BadVault => "bad_vault",
        Verdict.WeakKdf => "weak_kdf",
        Verdict.BadEntry => "bad_entry",
        Verdict.WrongLobby => "wrong_lobby",
        Verdict.RosterConflict => "roster_conflict",
        Verdict.NotAMember => "not_a_member",
        Verdict.Forbidden => "forbidden",
        Verdict.AlreadyMember => "already_member",
        Verdict.LastAdmin => "last_admin",
        Verdict.BadSignature => "bad_signature",
        Verdict.BadWrap => "bad_wrap",
        Verdict.BadWraps => "bad_wraps",
        Verdict.BadKey => "bad_key",
        Verdict.BadBox => "bad_box",
        Verdict.NoKey => "no_key",
        Verdict.BadEnvelope => "bad_envelope",
        Verdict.StaleRoster => "stale_roster",
        Verdict.StaleKey => "stale_key",
        Verdict.StaleTranscript => "stale_transcript",
        Verdict.Fork => "fork",
        Verdict.Replay => "replay",
        Verdict.BadContent => "bad_content",
        Verdict.Limit => "limit",
        Verdict.PlainAccount => "plain_account",
        _ => throw new ArgumentOutOfRangeException(nameof(verdict), verdict, "The verdict is no error."),
    };
}
