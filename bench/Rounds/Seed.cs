using System.Globalization;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Conclave.Bench.Rounds;

/// <summary>
/// The users and lobbies that the load generator knows by number: by SQL where that is quicker, with the very log that
/// the server would have written; by the protocol where only the server can, for a lobby has a key.
/// </summary>
static class Seed
{
    const int UserCount = 5500;
    const string Password = "bench password";

    // How many requests are on their way at once while lobbies are created.
    const int Window = 32;

    // Everybody has the password of the one who registered: its hash is copied.
    const string Users =
        """
        WITH wanted AS (
            SELECT 'bench-' || i AS login,
                ('20000000-0000-4000-8000-' || lpad(to_hex(i), 12, '0'))::uuid AS public_token,
                '10000000-0000-4000-8000-' || lpad(to_hex(i), 12, '0') AS token
            FROM generate_series(0, $1 - 1) i
        ), registered AS (
            INSERT INTO users (public_token, login, password_hash, registered_at)
            SELECT w.public_token, w.login, u.password_hash, now()
            FROM wanted w CROSS JOIN users u WHERE u.login = 'bench'
        )
        INSERT INTO sessions (token_hash, session_id, public_token, created_at, last_used_at, expires_at)
        SELECT sha256(decode(replace(token, '-', ''), 'hex')), md5(token)::uuid, public_token,
            now(), now(), now() + interval '30 days'
        FROM wanted
        """;

    // User 0 has created the lobbies and is in them already. Who invites whom is what the log would say.
    const string Members =
        """
        WITH pair AS (
            SELECT lobby, member FROM generate_series(0, 15) lobby, generate_series(1, 127) member
            UNION ALL SELECT 16, member FROM generate_series(1, 1100) member
            UNION ALL SELECT lobby, member FROM generate_series(20, 21) lobby, generate_series(1, 10) member
            UNION ALL SELECT 100 + k, 5 * k + m FROM generate_series(0, 999) k, generate_series(0, 4) m
                WHERE 5 * k + m > 0
        ), wanted AS (
            SELECT l.lobby_id, l.created_by, u.public_token, date_trunc('milliseconds', now()) AS time,
                l.last_seq + row_number() OVER (PARTITION BY l.lobby_id ORDER BY p.member) AS seq
            FROM pair p
            JOIN lobbies l ON l.name = 'bench-' || p.lobby
            JOIN users u ON u.login = 'bench-' || p.member
        ), entry AS (
            INSERT INTO entries (lobby_id, seq, kind, author, sent_at, nonce, member, rights)
            SELECT lobby_id, seq, 2, created_by, time, md5(lobby_id::text || seq)::uuid, public_token, 3 FROM wanted
        ), member AS (
            INSERT INTO members (lobby_id, public_token, rights, since_seq, since)
            SELECT lobby_id, public_token, 3, seq, time FROM wanted
        )
        UPDATE lobbies l SET last_seq = w.seq, last_sent_at = w.time
        FROM (SELECT lobby_id, max(seq) AS seq, max(time) AS time FROM wanted GROUP BY lobby_id) w
        WHERE l.lobby_id = w.lobby_id
        """;

    public static async Task RunAsync(Site site, CancellationToken cancellation)
    {
        await site.StartConclaveAsync(cancellation);
        var server = site.Conclave;
        await AskAllAsync(
            server, [$$"""{"action":"register","login":"bench","password":"{{Password}}"}"""], cancellation);
        await Site.ExecuteAsync(
            server.Database,
            Users.Replace("$1", UserCount.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal),
            cancellation);
        await AskAllAsync(server, [.. Lobbies().Select(Creation)], cancellation);
        // Whatever it may remember of these lobbies, it must not know them without their members.
        await site.StopConclaveAsync();
        await Site.ExecuteAsync(server.Database, Members, cancellation);
        await site.StartConclaveAsync(cancellation);
    }

    /// <summary>Fills the lobbies that are to be read, on both.</summary>
    public static async Task FillAsync(Site site, int lobby, int count, CancellationToken cancellation)
    {
        var words = string.Create(CultureInfo.InvariantCulture, $"fill lobby={lobby} count={count}");
        foreach (var at in (Endpoint[])[site.Floor, site.Conclave])
        {
            var run = await Load.RunAsync(words, at, seconds: 1, warmup: 0, cancellation);
            if (run.Errors.Count > 0)
                throw new BenchException($"lobby {lobby} could not be filled on {at.Name}: {run.Errors[0]}");
        }
    }

    static IEnumerable<int> Lobbies() => Enumerable.Range(0, 22).Concat(Enumerable.Range(100, 1000));

    static string Creation(int lobby) =>
        """{"action":"create_lobby","token":"10000000-0000-4000-8000-000000000000","lobby_name":"bench-"""
        + lobby.ToString(CultureInfo.InvariantCulture) + "\"}";

    /// <summary>Asks the server all of these, in order; each must succeed.</summary>
    public static async Task AskAllAsync(Endpoint server, string[] requests, CancellationToken cancellation)
    {
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(
            new Uri($"ws://127.0.0.1:{server.Port.ToString(CultureInfo.InvariantCulture)}/ws"), cancellation);
        var sent = 0;
        var buffer = new byte[64 << 10];
        for (var answered = 0; answered < requests.Length;)
        {
            for (; sent < requests.Length && sent < answered + Window; sent++)
            {
                await socket.SendAsync(
                    Encoding.UTF8.GetBytes(requests[sent]), WebSocketMessageType.Text, true, cancellation);
            }
            var count = 0;
            ValueWebSocketReceiveResult part;
            do
            {
                part = await socket.ReceiveAsync(buffer.AsMemory(count), cancellation);
                count += part.Count;
            }
            while (!part.EndOfMessage);
            var reply = JsonNode.Parse(buffer.AsSpan(0, count));
            // Those who ask here are also those whom it concerns: they are told.
            if (reply?["event"] is not null)
                continue;
            answered++;
            if (reply?["ok"]?.GetValue<bool>() != true)
                throw new BenchException("seeding was refused: " + reply?["error"]?.ToJsonString());
        }
    }
}
