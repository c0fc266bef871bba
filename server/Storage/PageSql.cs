namespace Conclave.Server.Storage;

/// <summary>
/// The statements that read a page of a log: $1 lobby, $2 position, $3 count, $4 bytes of the largest body to read.
/// They join nothing and add nothing up: a page is read far more often than anything else, and both cost more than
/// the reading. Their columns are those of <see cref="EntryRow"/>. Of a larger body only the size is read, so that a
/// page has a bound; it is fetched by itself.
/// </summary>
static class PageSql
{
    /// <summary>Bytes of the largest body that is read with its row.</summary>
    public const int SmallBodyBytes = 1 << 10;

    public const string Forward =
        """
        SELECT seq, kind, sent_at, author, nonce, member, rights, name,
            CASE WHEN octet_length(body) <= $4 THEN body END, octet_length(body), expires_at
        FROM entries WHERE lobby_id = $1 AND seq > $2 ORDER BY seq LIMIT $3
        """;

    public const string Backward =
        """
        SELECT seq, kind, sent_at, author, nonce, member, rights, name,
            CASE WHEN octet_length(body) <= $4 THEN body END, octet_length(body), expires_at
        FROM entries WHERE lobby_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3
        """;

    // Of a sealed lobby. Entries of the roster are small, and are there whatever is left out of the page.
    public const string SealedForward =
        """
        SELECT seq, kind, sent_at, author, nonce, member, rights, name,
            CASE WHEN octet_length(body) <= $4 OR kind <> 6 THEN body END, octet_length(body), expires_at,
            row_hash, generation
        FROM entries WHERE lobby_id = $1 AND seq > $2 ORDER BY seq LIMIT $3
        """;

    public const string SealedBackward =
        """
        SELECT seq, kind, sent_at, author, nonce, member, rights, name,
            CASE WHEN octet_length(body) <= $4 OR kind <> 6 THEN body END, octet_length(body), expires_at,
            row_hash, generation
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

    public const string Bodies =
        "SELECT seq, body FROM entries WHERE lobby_id = $1 AND seq = ANY ($2) AND body IS NOT NULL";
}
