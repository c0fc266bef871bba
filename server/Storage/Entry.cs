using System.Runtime.InteropServices;
using Conclave.Protocol;
using Conclave.Roster;

namespace Conclave.Server.Storage;

/// <summary>
/// An entry that somebody wants in a lobby's log. A class and not a record: <see cref="RowData"/> is private.
/// </summary>
sealed class NewEntry
{
    public required LobbyInfo Lobby { get; init; }

    public required EntryKind Kind { get; init; }

    public required Person Author { get; init; }

    /// <summary>Makes the entry happen once; drawn by the server where the client gave none.</summary>
    public required Guid Nonce { get; init; }

    /// <summary>Whom it is about; null in messages and entries about the lobby itself.</summary>
    public Guid? Member { get; init; }

    /// <summary>Of an invitation and a change of rights.</summary>
    public Rights? Rights { get; init; }

    /// <summary>Of the lobby's creation and a renaming: the name it has from then on.</summary>
    public string? Name { get; init; }

    /// <summary>Of the lobby's creation: the lobby's key as it is stored.</summary>
    public byte[]? WrappedKey { get; init; }

    /// <summary>Of a message, and of every entry of a sealed lobby: the exact bytes to store.</summary>
    public ReadOnlyMemory<byte> RowData { get; init; }

    /// <summary>Of a message, and of every entry of a sealed lobby: <see cref="RowData"/> as it is stored.</summary>
    public byte[]? Body { get; private init; }

    /// <summary>What an entry of a sealed lobby is beside that; null in plain lobbies.</summary>
    public SealedPart? Sealed { get; private init; }

    /// <summary>Of a message: in how many seconds its content expires; 0 if it stays.</summary>
    public int ExpiresIn { get; private init; }

    /// <summary>
    /// A message. Encrypted at once, by whoever posts it, so that the writer need not do it for all, one by one.
    /// </summary>
    public static NewEntry Message(
        LobbyInfo lobby, Person author, Guid nonce, ReadOnlyMemory<byte> rowData, int expiresIn = 0) => new()
        {
            Lobby = lobby,
            Kind = EntryKind.Message,
            Author = author,
            Nonce = nonce,
            RowData = rowData,
            Body = lobby.Key.Encrypt(lobby.LobbyId, author.PublicToken, nonce, rowData.Span),
            ExpiresIn = expiresIn,
        };

    /// <summary>
    /// A message to a sealed lobby. It is encrypted like one to a plain lobby, though it is sealed already: so there
    /// is one way to store and to read bodies, and to destroy a lobby by its key.
    /// </summary>
    public static NewEntry SealedMessage(
        LobbyInfo lobby, Person author, Guid nonce, ReadOnlyMemory<byte> rowData, SealedPart part, int expiresIn) =>
        new()
        {
            Lobby = lobby,
            Kind = EntryKind.Message,
            Author = author,
            Nonce = nonce,
            RowData = rowData,
            Body = lobby.Key.Encrypt(lobby.LobbyId, author.PublicToken, nonce, rowData.Span),
            ExpiresIn = expiresIn,
            Sealed = part,
        };

    /// <summary>
    /// An entry of a sealed lobby's roster. Its nonce is made of its hash, so that the same entry is found again by it.
    /// </summary>
    public static NewEntry OfRoster(
        LobbyInfo lobby, EntryKind kind, Person author, SealedPart part, Rights? rights = null, string? name = null,
        byte[]? wrappedKey = null)
    {
        var nonce = new Guid(part.Row.Entry!.Hash.Bytes[..16], bigEndian: true);
        var rowData = SealedRow.AroundEntry(part.Row.Entry);
        return new()
        {
            Lobby = lobby,
            Kind = kind,
            Author = author,
            Nonce = nonce,
            Member = part.Target?.PublicToken,
            Rights = rights,
            Name = name,
            WrappedKey = wrappedKey,
            RowData = rowData,
            Body = lobby.Key.Encrypt(lobby.LobbyId, author.PublicToken, nonce, rowData),
            Sealed = part,
        };
    }
}

/// <summary>An entry of a lobby's log. A class and not a record: <see cref="RowData"/> is private.</summary>
sealed class StoredEntry
{
    public required Guid LobbyId { get; init; }

    public required long Seq { get; init; }

    public required EntryKind Kind { get; init; }

    public required DateTimeOffset SentAt { get; init; }

    public required Person Author { get; init; }

    public required Guid Nonce { get; init; }

    public Person? Member { get; init; }

    public Rights? Rights { get; init; }

    /// <summary>Of the lobby's creation and a renaming: the name it has from then on.</summary>
    public string? Name { get; init; }

    /// <summary>What an entry of a sealed lobby has beside that; null in plain lobbies.</summary>
    public SealedMark? Sealed { get; init; }

    /// <summary>
    /// Of a message, and of every entry of a sealed lobby: the exact bytes that were posted; empty if they are gone or
    /// were left out of the page.
    /// </summary>
    public ReadOnlyMemory<byte> RowData { get; init; }

    /// <summary>Of a message: when its content expires; null if it stays.</summary>
    public Expiry? Expiry { get; init; }

    /// <summary>Of a message: whether its content was erased.</summary>
    public bool IsGone { get; init; }

    /// <summary>Of a message: the size of what was posted, in bytes.</summary>
    public int RowBytes { get; init; }
}

/// <summary>What became of a <see cref="NewEntry"/>.</summary>
/// <param name="Outcome">Whether it is in the log, and if not, why.</param>
/// <param name="LobbyId">The lobby; of a duplicate creation the first one's.</param>
/// <param name="Seq">Its place; of a duplicate the first one's; else 0.</param>
/// <param name="SentAt">The time it got; of a duplicate the first one's.</param>
/// <param name="MemberLogin">The login of <see cref="NewEntry.Member"/>, if there is such a user.</param>
/// <param name="IsGone">Of a duplicate: whether the content of the first one was erased or has expired.</param>
[StructLayout(LayoutKind.Auto)]
readonly record struct Appended(
    Outcome Outcome, Guid LobbyId = default, long Seq = 0, DateTimeOffset SentAt = default, string? MemberLogin = null,
    bool IsGone = false);

/// <summary>The outcome of an append. The numbers are those the SQL gives.</summary>
enum Outcome
{
    Stored = 0,
    Duplicate = 1,

    /// <summary>The lobby's row was locked by another transaction: nothing was decided.</summary>
    Locked = 2,
    NoSuchLobby = 3,
    Forbidden = 4,
    NoSuchUser = 5,
    AlreadyMember = 6,
    NotAMember = 7,
    LastAdmin = 8,
    NameTaken = 9,

    /// <summary>The lobby's messages take as many bytes as they may, but for what one batch added at once.</summary>
    LobbyFull = 10,
    TooManyMembers = 11,
    NoSuchMessage = 12,

    // The following are not the SQL's.

    /// <summary>The nonce stands for another content.</summary>
    NonceReused = 100,

    /// <summary>A fault of ours: this entry alone makes the statement fail.</summary>
    Broken = 101,

    /// <summary>The database is away; nothing was stored.</summary>
    Unavailable = 102,

    /// <summary>The commit's answer was lost and could not be found out.</summary>
    Unknown = 103,

    /// <summary>The rules of sealed lobbies refuse it: <see cref="SealedPart.Refusal"/>.</summary>
    Unsealable = 104,

    /// <summary>More than a sealed lobby takes in this time: <see cref="SealedPart.RetryAfter"/>.</summary>
    TooSoon = 105,

    /// <summary>The request says something else than the entry of the roster that came with it.</summary>
    Disagreeing = 106,
}
