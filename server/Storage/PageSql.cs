using System.Security.Cryptography;
using Conclave.Protocol;
using Npgsql;

namespace Conclave.Server.Storage;

/// <summary>
/// The statements that read a page of a log: $1 lobby, $2 position, $3 count, $4 bytes of the largest body to read.
/// They join nothing and add nothing up: a page is read far more often than anything else, and both cost more than
/// the reading. Of a larger body only the size is read, so that a page has a bound; it is fetched by itself.
/// </summary>
static class PageSql
{
    /// <summary>Bytes of the largest body that is read with its row.</summary>
    public const int SmallBodyBytes = 1 << 10;

    public const string Forward =
        """
        SELECT seq, kind, sent_at, author, nonce, member, rights, name,
            CASE WHEN octet_length(body) <= $4 THEN body END, octet_length(body)
        FROM entries WHERE lobby_id = $1 AND seq > $2 ORDER BY seq LIMIT $3
        """;

    public const string Backward =
        """
        SELECT seq, kind, sent_at, author, nonce, member, rights, name,
            CASE WHEN octet_length(body) <= $4 THEN body END, octet_length(body)
        FROM entries WHERE lobby_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3
        """;

    // Of a sealed lobby. Entries of the roster are small, and are there whatever is left out of the page.
    public const string SealedForward =
        """
        SELECT seq, kind, sent_at, author, nonce, member, rights, name,
            CASE WHEN octet_length(body) <= $4 OR kind <> 6 THEN body END, octet_length(body), row_hash, generation
        FROM entries WHERE lobby_id = $1 AND seq > $2 ORDER BY seq LIMIT $3
        """;

    public const string SealedBackward =
        """
        SELECT seq, kind, sent_at, author, nonce, member, rights, name,
            CASE WHEN octet_length(body) <= $4 OR kind <> 6 THEN body END, octet_length(body), row_hash, generation
        FROM entries WHERE lobby_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3
        """;

    /// <summary>The statement that reads a page.</summary>
    public static string Of(LobbyInfo lobby, bool backward) => (lobby.IsSealed, backward) switch
    {
        (false, false) => Forward,
        (false, true) => Backward,
        (true, false) => SealedForward,
        (true, true) => SealedBackward,
    };

    public const string Bodies = "SELECT body FROM entries WHERE lobby_id = $1 AND seq = ANY ($2) ORDER BY seq";

    /// <summary>The entry in the current row.</summary>
    public static PageRow Read(LobbyInfo lobby, NpgsqlDataReader reader) => new()
    {
        Seq = reader.GetInt64(0),
        Kind = (EntryKind)reader.GetInt16(1),
        SentAt = reader.GetFieldValue<DateTimeOffset>(2),
        Author = reader.GetGuid(3),
        Nonce = reader.GetGuid(4),
        Member = reader.IsDBNull(5) ? null : reader.GetGuid(5),
        Rights = reader.IsDBNull(6) ? null : (Rights)reader.GetInt16(6),
        Name = reader.IsDBNull(7) ? null : reader.GetString(7),
        Body = reader.IsDBNull(8) ? null : reader.GetFieldValue<byte[]>(8),
        BodyBytes = reader.IsDBNull(9) ? 0 : reader.GetInt32(9),
        Sealed = lobby.IsSealed
            ? new SealedMark(
                new(reader.GetFieldValue<byte[]>(10)), reader.IsDBNull(11) ? null : reader.GetInt64(11))
            : null,
    };
}

/// <summary>A row of a page, before its body is opened and its people are named.</summary>
sealed class PageRow
{
    public required long Seq { get; init; }

    public required EntryKind Kind { get; init; }

    public required DateTimeOffset SentAt { get; init; }

    public required Guid Author { get; init; }

    public required Guid Nonce { get; init; }

    public required Guid? Member { get; init; }

    public required Rights? Rights { get; init; }

    public required string? Name { get; init; }

    /// <summary>What is stored of a message; null while it is not read.</summary>
    public required byte[]? Body { get; set; }

    /// <summary>Its size, in bytes.</summary>
    public required int BodyBytes { get; init; }

    /// <summary>What it has in a sealed lobby; null in a plain one.</summary>
    public required SealedMark? Sealed { get; init; }

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
        RowData = Body is { } body ? Decrypt(lobby, body) : default,
        RowBytes = Kind == EntryKind.Message ? BodyBytes - LobbyKey.OverheadBytes : 0,
        Sealed = Sealed,
    };

    byte[] Decrypt(LobbyInfo lobby, byte[] body)
    {
        var rowData = GC.AllocateUninitializedArray<byte>(Math.Max(0, body.Length - LobbyKey.OverheadBytes));
        return lobby.Key.TryDecrypt(lobby.LobbyId, Author, Nonce, body, rowData)
            ? rowData
            : throw new CryptographicException("a stored body does not open");
    }
}
