using System.Security.Cryptography;
using Conclave.Protocol;
using Npgsql;

namespace Conclave.Server.Storage;

/// <summary>An entry as its row says, before its body is opened and its people are named.</summary>
sealed class EntryRow
{
    public required long Seq { get; init; }

    public required EntryKind Kind { get; init; }

    public required DateTimeOffset SentAt { get; init; }

    public required Guid Author { get; init; }

    public required Guid Nonce { get; init; }

    public required Guid? Member { get; init; }

    public required Rights? Rights { get; init; }

    public required string? Name { get; init; }

    /// <summary>Of a message, and of every entry of a sealed lobby; null while it is not read.</summary>
    public required byte[]? Body { get; set; }

    /// <summary>Its size, in bytes.</summary>
    public required int BodyBytes { get; init; }

    /// <summary>When it expires; null if it stays.</summary>
    public required Expiry? Expiry { get; init; }

    /// <summary>Whether it was erased or has expired.</summary>
    public required bool IsGone { get; set; }

    /// <summary>What it has in a sealed lobby; null in a plain one.</summary>
    public required SealedMark? Sealed { get; init; }

    /// <summary>
    /// The entry in the current row: seq, kind, sent_at, author, nonce, member, rights, name, body, its size,
    /// expires_at; in a sealed lobby also row_hash and generation.
    /// </summary>
    public static EntryRow Read(LobbyInfo lobby, NpgsqlDataReader reader, DatabaseClock clock)
    {
        var kind = (EntryKind)reader.GetInt16(1);
        var hasBody = !reader.IsDBNull(9);
        var expiry = reader.IsDBNull(10) ? null : new Expiry(reader.GetFieldValue<DateTimeOffset>(10), clock);
        return new EntryRow
        {
            Seq = reader.GetInt64(0),
            Kind = kind,
            SentAt = reader.GetFieldValue<DateTimeOffset>(2),
            Author = reader.GetGuid(3),
            Nonce = reader.GetGuid(4),
            Member = reader.IsDBNull(5) ? null : reader.GetGuid(5),
            Rights = reader.IsDBNull(6) ? null : (Rights)reader.GetInt16(6),
            Name = reader.IsDBNull(7) ? null : reader.GetString(7),
            Body = reader.IsDBNull(8) ? null : reader.GetFieldValue<byte[]>(8),
            BodyBytes = hasBody ? reader.GetInt32(9) : 0,
            Expiry = expiry,
            IsGone = kind == EntryKind.Message && (!hasBody || expiry is { HasPassed: true }),
            Sealed = lobby.IsSealed
                ? new SealedMark(
                    new(reader.GetFieldValue<byte[]>(11)), reader.IsDBNull(12) ? null : reader.GetInt64(12))
                : null,
        };
    }

    /// <exception cref="CryptographicException">Its body does not open: the database was tampered with.</exception>
    public StoredEntry Open(LobbyInfo lobby, Dictionary<Guid, Person> people) => new()
    {
        LobbyId = lobby.LobbyId,
        Seq = Seq,
        Kind = Kind,
        SentAt = SentAt,
        Author = people[Author],
        Nonce = Nonce,
        Member = Member is { } member ? people[member] : null,
        Rights = Rights,
        Name = Name,
        RowData = Body is { } body && !IsGone ? lobby.Key.Decrypt(lobby.LobbyId, Author, Nonce, body) : default,
        RowBytes = Kind == EntryKind.Message && !IsGone ? BodyBytes - LobbyKey.OverheadBytes : 0,
        Expiry = Expiry,
        IsGone = IsGone,
        Sealed = Sealed,
    };
}
