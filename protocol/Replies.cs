using System.Text.Json.Serialization;

namespace Conclave.Protocol;

/// <summary>What anybody may know of a user.</summary>
public sealed record Person(string Login, Guid PublicToken);

/// <summary>Replies that say no more than ok, such as that to <c>logout</c>.</summary>
public sealed class DoneReply : Reply;

public sealed class RegisterReply : Reply
{
    public required string Login { get; init; }

    public required Guid PublicToken { get; init; }
}

/// <summary>Holds a secret: <see cref="Token"/> signs every later request.</summary>
public sealed class AuthReply : Reply
{
    public required string Token { get; init; }

    public required Guid PublicToken { get; init; }

    public required string Login { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>Null for an account without one.</summary>
    public IdentityPart? Identity { get; init; }

    /// <summary>The seed of the identity in a box that only the password opens; base64url, 105 bytes.</summary>
    public string? Vault { get; init; }
}

/// <summary>The reply to <c>get_public_token</c> and <c>whoami</c>.</summary>
public sealed class UserReply : Reply
{
    public required string Login { get; init; }

    public required Guid PublicToken { get; init; }

    public required DateTimeOffset RegisteredAt { get; init; }

    /// <summary>Null for an account without one: nobody can invite it to a sealed lobby.</summary>
    public IdentityPart? Identity { get; init; }
}

public sealed class KdfReply : Reply
{
    /// <summary>JSON null for an account without an identity.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required KdfRecord? Kdf { get; init; }
}

public sealed class CreateLobbyReply : Reply
{
    public required Guid LobbyId { get; init; }

    public required string LobbyName { get; init; }

    public required long Seq { get; init; }

    /// <summary>True if an earlier request with the same nonce did it; otherwise null.</summary>
    public bool? Duplicate { get; init; }

    /// <summary>Of a sealed lobby: the transcript's value at <see cref="Seq"/>, in base64url.</summary>
    public string? Hash { get; init; }
}

/// <summary>The reply to <c>lobby_id</c>.</summary>
public sealed class LobbyReply : Reply
{
    public required Guid LobbyId { get; init; }

    public required string LobbyName { get; init; }

    public required Person CreatedBy { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required bool Sealed { get; init; }
}

public sealed class InviteLobbyReply : Reply
{
    public required Guid LobbyId { get; init; }

    public required string Login { get; init; }

    public required Guid PublicToken { get; init; }

    public required Rights Rights { get; init; }

    public required long Seq { get; init; }

    /// <summary>True if an earlier request with the same nonce did it; otherwise null.</summary>
    public bool? Duplicate { get; init; }

    /// <summary>Of a sealed lobby: the transcript's value at <see cref="Seq"/>, in base64url.</summary>
    public string? Hash { get; init; }
}

/// <summary>
/// The reply to <c>set_rights</c>, <c>remove_member</c>, <c>rename_lobby</c>, <c>rotate_key</c> and
/// <c>succeed_member</c>.
/// </summary>
public sealed class ChangeReply : Reply
{
    /// <summary>The place of the change in the lobby's log.</summary>
    public required long Seq { get; init; }

    /// <summary>True if an earlier request with the same nonce did it; otherwise null.</summary>
    public bool? Duplicate { get; init; }

    /// <summary>Of a sealed lobby: the transcript's value at <see cref="Seq"/>, in base64url.</summary>
    public string? Hash { get; init; }
}

public sealed class SubscribeReply : Reply
{
    public required Guid LobbyId { get; init; }

    public required string LobbyName { get; init; }

    public required Rights Rights { get; init; }

    public required long LastSeq { get; init; }

    /// <summary>A random value of the database: positions hold for this one only.</summary>
    public required string Epoch { get; init; }

    /// <summary>Of a sealed lobby: the transcript's value at <see cref="LastSeq"/>, in base64url.</summary>
    public string? Hash { get; init; }

    /// <summary>Of a sealed lobby: the place before the first event that follows.</summary>
    public TranscriptPoint? Base { get; init; }

    /// <summary>
    /// Of a sealed lobby: how many messages were erased in it so far. Who keeps entries looks at them again when it has
    /// grown.
    /// </summary>
    public long? Erasures { get; init; }
}

public sealed class MessageReply : Reply
{
    public required Guid LobbyId { get; init; }

    public required long Seq { get; init; }

    public required DateTimeOffset SentAt { get; init; }

    /// <summary>True if the message with this nonce was stored before; otherwise null.</summary>
    public bool? Duplicate { get; init; }

    /// <summary>Of a sealed lobby: the transcript's value at <see cref="Seq"/>, in base64url.</summary>
    public string? Hash { get; init; }
}

public sealed class MyLobbiesReply : Reply
{
    /// <summary>Ascending by name, as names are compared.</summary>
    public required IReadOnlyList<OwnLobby> Lobbies { get; init; }

    /// <summary>Whether there are more after the last of these.</summary>
    public required bool More { get; init; }
}

/// <summary>A lobby one is a member of.</summary>
public sealed record OwnLobby(
    Guid LobbyId, string LobbyName, Rights Rights, Person CreatedBy, long LastSeq, bool Sealed);

public sealed class MembersReply : Reply
{
    /// <summary>Ascending by login.</summary>
    public required IReadOnlyList<Member> Members { get; init; }

    public required long LastSeq { get; init; }

    /// <summary>Whether there are more after the last of these.</summary>
    public required bool More { get; init; }
}

/// <param name="Login">The member's login.</param>
/// <param name="PublicToken">The member's public token.</param>
/// <param name="Rights">What the member may do now.</param>
/// <param name="Since">When the entry that made the user a member was sent.</param>
public sealed record Member(string Login, Guid PublicToken, Rights Rights, DateTimeOffset Since);

/// <summary>The reply to <c>history</c> as a server writes it: its events are bytes already.</summary>
public sealed class HistoryPage : Reply
{
    /// <summary>Ascending by seq; each one object, as subscribers get it.</summary>
    public required IReadOnlyList<RawJson> Events { get; init; }

    public required long LastSeq { get; init; }

    /// <summary>Whether there are more on the side where the page was cut.</summary>
    public required bool More { get; init; }

    /// <summary>Of a sealed lobby: the transcript's value at <see cref="LastSeq"/>, in base64url.</summary>
    public string? Hash { get; init; }

    /// <summary>Of a sealed lobby: the place before the first event that follows.</summary>
    public TranscriptPoint? Base { get; init; }

    /// <summary>
    /// Of a sealed lobby: how many messages were erased in it so far. Who keeps entries looks at them again when it has
    /// grown.
    /// </summary>
    public long? Erasures { get; init; }
}

/// <summary>The reply to <c>history</c> as a client reads it.</summary>
public sealed class HistoryReply : Reply
{
    /// <summary>Ascending by seq.</summary>
    public required IReadOnlyList<LobbyEvent> Events { get; init; }

    public required long LastSeq { get; init; }

    /// <summary>Whether there are more on the side where the page was cut.</summary>
    public required bool More { get; init; }

    /// <summary>Of a sealed lobby: the transcript's value at <see cref="LastSeq"/>, in base64url.</summary>
    public string? Hash { get; init; }

    /// <summary>Of a sealed lobby: the place before the first event that follows.</summary>
    public TranscriptPoint? Base { get; init; }

    /// <summary>
    /// Of a sealed lobby: how many messages were erased in it so far. Who keeps entries looks at them again when it has
    /// grown.
    /// </summary>
    public long? Erasures { get; init; }
}

public sealed class SessionsReply : Reply
{
    /// <summary>The one that asks first, then the newest first.</summary>
    public required IReadOnlyList<OwnSession> Sessions { get; init; }
}

/// <summary>One of one's sessions. It does not tell the token, which nobody can be told again.</summary>
/// <param name="SessionId">Names it in <c>revoke_session</c>; proves nothing.</param>
/// <param name="CreatedAt">When its user signed in.</param>
/// <param name="LastUsedAt">When its token was used last, to within an hour.</param>
/// <param name="ExpiresAt">When it ends if it is not used again.</param>
/// <param name="Client">What the program that signed in calls itself; null if it did not say.</param>
/// <param name="Address">Where it signed in from; null if that is not known.</param>
/// <param name="Current">Whether it is the one that asks.</param>
public sealed record OwnSession(
    Guid SessionId, DateTimeOffset CreatedAt, DateTimeOffset LastUsedAt, DateTimeOffset ExpiresAt,
    string? Client, string? Address, bool Current);

public sealed class RevokeSessionReply : Reply
{
    /// <summary>How many sessions ended: 0 if that one was over already, or is nobody's.</summary>
    public required int Revoked { get; init; }
}

public sealed class PingReply : Reply
{
    public required DateTimeOffset ServerTime { get; init; }
}

/// <summary>The reply to <c>roster</c>.</summary>
public sealed class RosterReply : Reply
{
    /// <summary>Ascending by height.</summary>
    public required IReadOnlyList<RosterRow> Entries { get; init; }

    /// <summary>Everybody whom these entries name.</summary>
    public required IReadOnlyList<NamedIdentity> Identities { get; init; }

    /// <summary>Whether there are more after the last of these.</summary>
    public required bool More { get; init; }
}

/// <summary>The reply to <c>my_keys</c>.</summary>
public sealed class MyKeysReply : Reply
{
    /// <summary>Ascending by generation; of one there may be several, any of which may be bad.</summary>
    public required IReadOnlyList<GenerationWrap> KeyWraps { get; init; }

    /// <summary>Whether there are more after the last of these.</summary>
    public required bool More { get; init; }
}
