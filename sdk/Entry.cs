using Conclave.Protocol;

namespace Conclave.Sdk;

/// <summary>What is known about who wrote an entry and whether it is unaltered.</summary>
/// <remarks>Take a value you do not know for <em>not verified</em>: later versions tell more cases apart.</remarks>
public enum Verdict
{
    /// <summary>The entry is of a plain lobby: it is what the server says it is, and the server can read it.</summary>
    Plain = 0,

    /// <summary>Of a sealed lobby: every check passed.</summary>
    Verified = 1,

    /// <summary>
    /// Every check passed, but what came before this client's first row rests on the server's word alone, until a
    /// message of another member confirms it.
    /// </summary>
    Unconfirmed = 2,

    /// <summary>
    /// The message is its sender's and in its place, but it does not open here: <see cref="Entry.Fault"/> says why.
    /// <c>no_key</c> also means that it was written before this user joined.
    /// </summary>
    Unreadable = 3,

    /// <summary>
    /// An alarm: no honest server has such an entry. <see cref="Entry.Fault"/> names the check that failed, and
    /// nothing of it is shown.
    /// </summary>
    Refused = 4,

    /// <summary>
    /// The content is gone, or was left out before anything of it was checked: only the place of the entry in the log
    /// is verified. <see cref="Entry.IsGone"/> tells the two apart.
    /// </summary>
    Erased = 5,
}

/// <summary>One entry of a lobby's log: something that happened in it, most often a message.</summary>
public sealed class Entry
{
    readonly LobbyEvent _wire;

    internal Entry(LobbyEvent wire)
    {
        _wire = wire;
        // What stands in a sealed lobby is no content: nobody has opened it here.
        if (wire is { Event: EventName.Message, RowData: { } row } && !IsGone && wire.LobbyId.Version != 8)
            Content = new Content(row);
        else if (wire.LobbyId.Version == 8)
            (Verdict, Fault) = (Verdict.Unreadable, "no_key");
    }

    /// <summary>An entry of a sealed lobby as this client has verified it.</summary>
    internal Entry(LobbyEvent wire, Verdict verdict, string? fault, Content? content) =>
        (_wire, Verdict, Fault, Content) = (wire, verdict, fault, content);

    /// <summary>What the server sent.</summary>
    internal LobbyEvent Wire => _wire;

    /// <summary>What happened: one of <see cref="EventName"/>, or one that a newer server added.</summary>
    public string Event => _wire.Event;

    public Guid LobbyId => _wire.LobbyId;

    /// <summary>The lobby's name when the server sent this. It may change; <see cref="LobbyId"/> does not.</summary>
    public string LobbyName => _wire.LobbyName;

    /// <summary>The place in the log: 1, 2, 3 … without gaps. Keep it to go on from here later.</summary>
    public long Seq => _wire.Seq;

    /// <summary>When it was stored, by the server's clock; never earlier than the entry before.</summary>
    public DateTimeOffset SentAt => _wire.SentAt;

    /// <summary>Who did it.</summary>
    public Person From => _wire.From;

    /// <summary>Whom it was done to; null if the entry is not about a member. One who left did it to oneself.</summary>
    public Person? Member => _wire.Member;

    /// <summary>What <see cref="Member"/> may do from here on; null if the entry does not say.</summary>
    public Rights? Rights => _wire.Rights;

    /// <summary>Of <see cref="EventName.LobbyCreated"/>: whether the lobby is sealed; else null.</summary>
    public bool? Sealed => _wire.Sealed;

    /// <summary>
    /// What a message says; null if the entry is no message, or its content is gone (<see cref="IsGone"/>) or was left
    /// out (<see cref="OmittedBytes"/>).
    /// </summary>
    public Content? Content { get; }

    /// <summary>How far the entry can be trusted.</summary>
    public Verdict Verdict { get; }

    /// <summary>
    /// What is wrong with an entry that is <see cref="Verdict.Unreadable"/> or <see cref="Verdict.Refused"/>: a code of
    /// docs/sealing.md. Null if nothing is.
    /// </summary>
    public string? Fault { get; }

    /// <summary>
    /// Whether the user has compared safety numbers with <see cref="From"/>; false in a plain lobby, which has none.
    /// </summary>
    public bool IsSenderVerified { get; internal init; }

    /// <summary>What its sender called the message, to recognise one's own; null if the entry is no message.</summary>
    public Guid? Nonce => _wire.Nonce;

    /// <summary>When the content of a message is erased by itself; null if it stays, or is gone.</summary>
    public DateTimeOffset? ExpiresAt => _wire.ExpiresAt;

    /// <summary>Whether the content was erased. The entry keeps its place.</summary>
    public bool IsGone => _wire.Gone is true;

    /// <summary>The size of content left out because the request wanted none this large, in bytes; else null.</summary>
    public int? OmittedBytes => _wire.Omitted is true ? _wire.RowSize : null;

    /// <summary>What and where, never what it says.</summary>
    public override string ToString() => _wire.ToString();
}

/// <summary>A page of a lobby's log.</summary>
/// <param name="Entries">Ascending by <see cref="Entry.Seq"/>.</param>
/// <param name="LastSeq">The seq of the lobby's newest entry when the page was read.</param>
/// <param name="More">Whether there are more entries on the side where the page was cut.</param>
public sealed record HistoryPage(IReadOnlyList<Entry> Entries, long LastSeq, bool More);
