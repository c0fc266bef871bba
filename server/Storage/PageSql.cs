using System.Security.Cryptography;
using Conclave.Protocol;
using Npgsql;

namespace Conclave.Server.Storage;

/// <summary>
/// The statements that read a page of a log: $1 lobby, $2 position, $3 count, $4 bytes, $5 overhead of an entry,
/// $6 bytes of the largest body to read. The running sum ends the page in the database, which for a large body
/// reads only its length: nothing is sent to be thrown away.
/// </summary>
static class PageSql
{
    public const string Forward =
        """
        SELECT p.seq, p.kind, p.sent_at, p.author, a.login, p.nonce, p.member, u.login, p.rights, p.name,
            CASE WHEN octet_length(p.body) <= $6 THEN p.body END, octet_length(p.body)
        FROM (
            SELECT e.*, sum(least(coalesce(octet_length(e.body), 0), $6) + $5) OVER (ORDER BY e.seq) AS running
            FROM (SELECT * FROM entries WHERE lobby_id = $1 AND seq > $2 ORDER BY seq LIMIT $3) e
        ) p
        JOIN users a ON a.public_token = p.author
        LEFT JOIN users u ON u.public_token = p.member
        WHERE p.running - least(coalesce(octet_length(p.body), 0), $6) - $5 < $4
        ORDER BY p.seq
        """;

    public const string Backward =
        """
        SELECT p.seq, p.kind, p.sent_at, p.author, a.login, p.nonce, p.member, u.login, p.rights, p.name,
            CASE WHEN octet_length(p.body) <= $6 THEN p.body END, octet_length(p.body)
        FROM (
            SELECT e.*, sum(least(coalesce(octet_length(e.body), 0), $6) + $5) OVER (ORDER BY e.seq DESC) AS running
            FROM (SELECT * FROM entries WHERE lobby_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3) e
        ) p
        JOIN users a ON a.public_token = p.author
        LEFT JOIN users u ON u.public_token = p.member
        WHERE p.running - least(coalesce(octet_length(p.body), 0), $6) - $5 < $4
        ORDER BY p.seq DESC
        """;

    /// <summary>The entry in the current row.</summary>
    /// <exception cref="CryptographicException">Its body does not open: the database was tampered with.</exception>
    public static StoredEntry Read(NpgsqlDataReader reader, LobbyInfo lobby)
    {
        var author = new Person(reader.GetString(4), reader.GetGuid(3));
        var nonce = reader.GetGuid(5);
        var kind = (EntryKind)reader.GetInt16(1);
        var isOmitted = reader.IsDBNull(10);
        var rowBytes = kind == EntryKind.Message ? reader.GetInt32(11) - LobbyKey.OverheadBytes : 0;
        return new StoredEntry
        {
            LobbyId = lobby.LobbyId,
            Seq = reader.GetInt64(0),
            Kind = kind,
            SentAt = reader.GetFieldValue<DateTimeOffset>(2),
            Author = author,
            Nonce = nonce,
            Member = reader.IsDBNull(6) ? null : new Person(reader.GetString(7), reader.GetGuid(6)),
            Rights = reader.IsDBNull(8) ? null : (Rights)reader.GetInt16(8),
            Name = reader.IsDBNull(9) ? null : reader.GetString(9),
            RowData = isOmitted ? default : Decrypt(lobby, author, nonce, reader.GetFieldValue<byte[]>(10)),
            RowBytes = rowBytes,
        };
    }

    static byte[] Decrypt(LobbyInfo lobby, Person author, Guid nonce, byte[] body)
    {
        var rowData = new byte[Math.Max(0, body.Length - LobbyKey.OverheadBytes)];
        return lobby.Key.TryDecrypt(lobby.LobbyId, author.PublicToken, nonce, body, rowData)
            ? rowData
            : throw new CryptographicException("a stored body does not open");
    }
}
