using Conclave.Roster;
using Microsoft.Data.Sqlite;

namespace Conclave.Sdk.Storage;

/// <summary>Whom this client takes somebody for (docs/sealing.md, section 9).</summary>
/// <param name="Identity">The identity that was seen first, or that a person has accepted since.</param>
/// <param name="Token">Its account's public token.</param>
/// <param name="IsVerified">A person has compared safety numbers.</param>
/// <param name="Changed">Another identity that was seen under this login: nobody has accepted it yet.</param>
/// <param name="IsSigned">The pinned identity has signed that the other one follows it.</param>
sealed record Pin(IdentityRecord Identity, Guid Token, bool IsVerified, IdentityRecord? Changed, bool IsSigned)
{
    public string Login => Identity.Login;
}

/// <summary>The pins of logins, of lobbies' names, and the lobbies that a person has declared plain.</summary>
sealed class PinStore(StateFile file)
{
    const string Columns = """
        SELECT login, public_token, record, is_verified, new_record, is_signed, fingerprint, new_fingerprint FROM pins
        """;

    public Pin? Find(string login) =>
        file.Query(Columns + " WHERE login = $login", Read, ("$login", login)) is [var pin] ? pin : null;

    /// <summary>Whoever is pinned with this public token.</summary>
    public List<Pin> WithToken(Guid token) => file.Query(
        Columns + " WHERE public_token = $token", Read, ("$token", token.Blob));

    public Digest? FingerprintOf(string login) => file.Query(
        "SELECT fingerprint FROM pins WHERE login = $login", row => row.Digest(0), ("$login", login))
            is [var fingerprint] ? fingerprint : null;

    /// <summary>Everybody's pinned fingerprint, and whether another one was seen since.</summary>
    public Dictionary<string, (Digest Fingerprint, bool IsChanged, bool IsVerified)> Fingerprints() => file.Query(
        "SELECT login, fingerprint, new_fingerprint IS NOT NULL, is_verified FROM pins",
        row => (Login: row.GetString(0), Fingerprint: row.Digest(1), IsChanged: row.Flag(2), IsVerified: row.Flag(3)))
        .ToDictionary(
            pin => pin.Login, pin => (pin.Fingerprint, pin.IsChanged, pin.IsVerified), StringComparer.Ordinal);

    /// <summary>Everybody, by login.</summary>
    public List<Pin> All() => file.Query(Columns + " ORDER BY login", Read);

    /// <summary>Keeps <paramref name="pin"/> in place of the one of its login.</summary>
    public void Keep(Pin pin) => file.Execute(
        """
        INSERT INTO pins
            (login, public_token, fingerprint, record, is_verified, new_fingerprint, new_record, is_signed)
        VALUES ($login, $token, $fingerprint, $record, $verified, $new, $new_record, $signed)
        ON CONFLICT (login) DO UPDATE SET public_token = $token, fingerprint = $fingerprint, record = $record,
            is_verified = $verified, new_fingerprint = $new, new_record = $new_record, is_signed = $signed
        """,
        ("$login", pin.Login), ("$token", pin.Token.Blob), ("$fingerprint", pin.Identity.Fingerprint.Blob),
        ("$record", pin.Identity.Bytes.ToArray()), ("$verified", pin.IsVerified ? 1 : 0),
        ("$new", pin.Changed?.Fingerprint.Blob), ("$new_record", pin.Changed?.Bytes.ToArray()),
        ("$signed", pin.IsSigned ? 1 : 0));

    /// <summary>Decides on the pin of a login as one change.</summary>
    public Pin Change(string login, Func<Pin?, Pin> decide) => file.Change(() =>
    {
        var pin = Find(login);
        var decided = decide(pin);
        if (decided != pin)
            Keep(decided);
        return decided;
    });

    /// <summary>The lobby that a name stands for; null if it was never seen.</summary>
    public Guid? LobbyNamed(string name) =>
        file.Query("SELECT lobby_id FROM names WHERE name = $name", row => row.Uuid(0), ("$name", name))
            is [var lobby] ? lobby : null;

    /// <summary>A name leads where it led first.</summary>
    public void KeepName(string name, Guid lobbyId) => file.Execute(
        "INSERT INTO names (name, lobby_id) VALUES ($name, $lobby) ON CONFLICT DO NOTHING",
        ("$name", name), ("$lobby", lobbyId.Blob));

    /// <summary>The user has given the name to another lobby.</summary>
    public void MoveName(string name, Guid lobbyId) => file.Execute(
        """
        INSERT INTO names (name, lobby_id) VALUES ($name, $lobby)
        ON CONFLICT (name) DO UPDATE SET lobby_id = $lobby
        """,
        ("$name", name), ("$lobby", lobbyId.Blob));

    public bool IsDeclaredPlain(Guid lobbyId) => file.Query(
        "SELECT 1 FROM plain_lobbies WHERE lobby_id = $lobby", _ => true, ("$lobby", lobbyId.Blob)).Count > 0;

    public void DeclarePlain(Guid lobbyId) => file.Execute(
        "INSERT INTO plain_lobbies (lobby_id) VALUES ($lobby) ON CONFLICT DO NOTHING", ("$lobby", lobbyId.Blob));

    static Pin Read(SqliteDataReader row)
    {
        var login = row.GetString(0);
        return new Pin(
            IdentityStore.Restore(login, row.Blob(2)!, row.Digest(6)), row.Uuid(1), row.Flag(3),
            row.Blob(4) is { } changed ? IdentityStore.Restore(login, changed, row.Digest(7)) : null, row.Flag(5));
    }
}
