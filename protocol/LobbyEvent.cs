using System.Text.Json.Serialization;

namespace Conclave.Protocol;

/// <summary>An entry of a lobby's log as subscribers see it (docs/protocol.md, section 6).</summary>
public sealed class LobbyEvent
{
    /// <summary>One of <see cref="EventName"/>.</summary>
    public required string Event { get; init; }

    public required Guid LobbyId { get; init; }

    /// <summary>The name when this was sent. Names change: a lobby is identified by its id.</summary>
    public required string LobbyName { get; init; }

    /// <summary>The place in the log: 1, 2, 3 … without gaps.</summary>
    public required long Seq { get; init; }

    /// <summary>Never earlier than that of the entry before.</summary>
    public required DateTimeOffset SentAt { get; init; }

    public required Person From { get; init; }

    /// <summary>Of <c>lobby_created</c>: whether the lobby is sealed.</summary>
    public bool? Sealed { get; init; }

    /// <summary>Whom the entry is about; null in messages and other entries about the lobby itself.</summary>
    public Person? Member { get; init; }

    /// <summary>Of <c>key_rotated</c>: the generation of keys that it begins.</summary>
    public long? Generation { get; init; }

    /// <summary>Of <c>member_invited</c> and <c>rights_changed</c>.</summary>
    public Rights? Rights { get; init; }

    /// <summary>
    /// Of a message: the exact bytes that were posted. JSON null when the message is gone. Of every entry of a sealed
    /// lobby.
    /// </summary>
    public RawJson? RowData { get; init; }

    /// <summary>Of a message: what its sender called it, for recognising one's own.</summary>
    public Guid? Nonce { get; init; }

    /// <summary>Of a message: when its content is erased by itself; null if it stays, or is gone.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Of a message: whether its content was erased.</summary>
    public bool? Gone { get; init; }

    /// <summary>In place of row_data that is larger than the <c>body_max</c> of the request.</summary>
    public bool? Omitted { get; init; }

    /// <summary>The size of omitted row_data, in bytes.</summary>
    public int? RowSize { get; init; }

    /// <summary>In a sealed lobby: the hash of row_data that is gone or omitted, in base64url.</summary>
    public string? RowHash { get; init; }

    /// <summary>The event as text for a log: never what it carries.</summary>
    public override string ToString() => string.Create(null, $"{Event} {LobbyId} {Seq}");
}

/// <summary>A hint outside any log; it may be lost with the connection.</summary>
/// <param name="Event">One of <see cref="EventName"/>.</param>
/// <param name="LobbyId">Of those about a lobby.</param>
/// <param name="LobbyName">Of <c>invited</c>, <c>removed</c> and <c>lobby_deleted</c>.</param>
/// <param name="From">Of <c>invited</c>: who invited.</param>
/// <param name="Rights">Of <c>invited</c>: what was granted.</param>
/// <param name="SessionId">Of <c>session_ended</c>: which one; <c>sessions</c> lists it no more.</param>
/// <param name="Reason">
/// Of <c>session_ended</c>: one of <see cref="SessionEnd"/>; of <c>message_deleted</c>: one of
/// <see cref="ErasureReason"/>.
/// </param>
/// <param name="Generation">Of <c>key_needed</c> and <c>key_ready</c>: of which generation.</param>
/// <param name="Member">Of <c>key_needed</c>: who needs it.</param>
/// <param name="DeletedSeq">Of <c>message_deleted</c>: which message.</param>
public sealed record Hint(
    string Event, Guid? LobbyId = null, string? LobbyName = null, Person? From = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] Rights? Rights = null,
    Guid? SessionId = null, string? Reason = null, long? Generation = null, Person? Member = null,
    long? DeletedSeq = null);
