using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Conclave.Roster;
using Conclave.Sealing;
using Npgsql;

namespace Conclave.Bench.Rounds;

/// <summary>
/// The users and lobbies of the sealed workloads: accounts by SQL, for the password of each would cost a hash; lobbies
/// and members by the protocol, for each is an entry that somebody signs and the server judges.
/// </summary>
static class SealedSeed
{
    public const int FirstUser = 6000;
    public const int FirstLobby = 2000;

    /// <summary>All that a sealed lobby may have; one of them posts.</summary>
    public const int MemberCount = RosterState.MembersMax;

    /// <summary>Of these, each with four who post; the one after them has all members.</summary>
    public const int LobbyCount = 16;

    const int PosterCount = 64;

    // Everybody has the password of the one who registered: its hash is copied. Nobody signs in, so nobody needs a
    // vault.
    const string Users =
        """
        WITH wanted AS (
            SELECT r.*, ('20000000-0000-4000-8000-' || lpad(to_hex(i), 12, '0'))::uuid AS public_token,
                '10000000-0000-4000-8000-' || lpad(to_hex(i), 12, '0') AS token
            FROM unnest($1::int[], $2::text[], $3::bytea[], $4::bytea[]) AS r (i, login, fingerprint, record)
        ), registered AS (
            INSERT INTO users (public_token, login, password_hash, registered_at)
            SELECT w.public_token, w.login, u.password_hash, now()
            FROM wanted w CROSS JOIN users u WHERE u.login = 'bench'
        ), identified AS (
            INSERT INTO identities (fingerprint, public_token, number, record, is_current)
            SELECT fingerprint, public_token, 1, record, true FROM wanted
        )
        INSERT INTO sessions (token_hash, session_id, public_token, created_at, last_used_at, expires_at)
        SELECT sha256(decode(replace(token, '-', ''), 'hex')), md5(token)::uuid, public_token,
            now(), now(), now() + interval '30 days'
        FROM wanted
        """;

    public static async Task RunAsync(Site site, CancellationToken cancellation)
    {
        var users = Enumerable.Range(FirstUser, MemberCount).Select(IdentityOf).ToArray();
        await AddUsersAsync(site.Conclave.Database, users, cancellation);
        List<string> requests = [];
        for (var lobby = 0; lobby < LobbyCount; lobby++)
        {
            var posters = Enumerable.Range(0, PosterCount).Where(user => user % LobbyCount == lobby);
            requests.AddRange(Creation(users, FirstLobby + lobby, [.. posters]));
        }
        requests.AddRange(Creation(users, FirstLobby + LobbyCount, [.. Enumerable.Range(0, MemberCount)]));
        await Seed.AskAllAsync(site.Conclave, [.. requests], cancellation);
        foreach (var user in users)
            user.Dispose();
    }

    static async Task AddUsersAsync(string database, Identity[] users, CancellationToken cancellation)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand(Users);
        object[] columns =
        [
            Enumerable.Range(FirstUser, users.Length).ToArray(),
            Array.ConvertAll(users, user => user.Record.Login),
            Array.ConvertAll(users, user => user.Fingerprint.Bytes.ToArray()),
            Array.ConvertAll(users, user => user.Record.Bytes.ToArray()),
        ];
        foreach (var column in columns)
            command.Parameters.Add(new() { Value = column });
        await command.ExecuteNonQueryAsync(cancellation);
    }

    // What the first member asks: the lobby, then one after the other all the others in.
    static IEnumerable<string> Creation(Identity[] users, int lobby, int[] members)
    {
        var name = "bench-" + lobby.ToString(CultureInfo.InvariantCulture);
        var (creator, key) = (users[members[0]], GenerationKey.Create(1));
        using var wiped = key;
        var token = $"\"token\":\"10000000-0000-4000-8000-{Hex(members[0])}\"";
        var entry = RosterSigner.Create(creator, TokenOf(members[0]), History.All, name, key);
        var lobbyId = SealedLobbyId.Of(entry.Hash);
        var identities = members.Select(member => users[member].Record)
            .ToDictionary(record => record.Fingerprint);
        yield return $$"""
            {"action":"create_lobby",{{token}},"lobby_name":"{{name}}",
            "sealed":{"roster_entry":"{{Text(entry)}}","key_wraps":[{{Json(key.WrapFor(lobbyId, creator.Record))}}]} }
            """;
        RosterState.Apply(null, entry, identities, out var state);
        foreach (var member in members.Skip(1))
        {
            entry = RosterSigner.Sign(creator, state, new RosterChange.Invite(
                users[member].Fingerprint, TokenOf(member), MemberRights.Read | MemberRights.Write));
            yield return $$"""
                {"action":"invite_lobby",{{token}},"lobby_id":"{{lobbyId}}","public_token":"{{TokenOf(member)}}",
                "roster_entry":"{{Text(entry)}}","key_wrap":{{Json(key.WrapFor(lobbyId, users[member].Record))}}}
                """;
            RosterState.Apply(state, entry, identities, out state);
        }
    }

    // The load generator computes the same.
    static Identity IdentityOf(int user)
    {
        var login = "bench-" + user.ToString(CultureInfo.InvariantCulture);
        return Identity.FromSeed(login, SHA256.HashData(Encoding.ASCII.GetBytes(login)));
    }

    static Guid TokenOf(int member) => Guid.ParseExact("20000000-0000-4000-8000-" + Hex(member), "D");

    static string Hex(int member) => (FirstUser + member).ToString("x12", CultureInfo.InvariantCulture);

    static string Text(RosterEntry entry) => Base64Text.Encode(entry.Bytes.Span);

    static string Json(KeyWrap wrap) =>
        $$"""{"to":"{{wrap.To}}","wrap":"{{Base64Text.Encode(wrap.Wrap.Span)}}"}""";
}
