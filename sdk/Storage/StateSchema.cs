namespace Conclave.Sdk.Storage;

/// <summary>
/// The tables of a <see cref="StateFile"/>. Binary is as in docs/sealing.md, a UUID its 16 bytes in the order of its
/// text.
/// </summary>
static class StateSchema
{
    // What is deleted is overwritten: a key that was forgotten must not stand in the file any more.
    public const string Settings = """
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        PRAGMA secure_delete = ON;
        """;

    const int Version = 2;

    const string Tables = """
        CREATE TABLE account (
            one INTEGER PRIMARY KEY CHECK (one = 1), public_token BLOB NOT NULL, seed BLOB,
            kdf_ops INTEGER NOT NULL, kdf_mem INTEGER NOT NULL) STRICT;

        CREATE TABLE pins (
            login TEXT PRIMARY KEY, public_token BLOB NOT NULL, fingerprint BLOB NOT NULL, record BLOB NOT NULL,
            is_verified INTEGER NOT NULL, new_fingerprint BLOB, new_record BLOB, is_signed INTEGER NOT NULL DEFAULT 0
            ) STRICT, WITHOUT ROWID;

        CREATE TABLE names (name TEXT PRIMARY KEY, lobby_id BLOB NOT NULL) STRICT, WITHOUT ROWID;

        CREATE TABLE plain_lobbies (lobby_id BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;

        CREATE TABLE lobbies (
            lobby_id BLOB PRIMARY KEY, base_seq INTEGER NOT NULL, base_hash BLOB NOT NULL,
            last_seq INTEGER NOT NULL, last_hash BLOB NOT NULL, is_confirmed INTEGER NOT NULL,
            name TEXT, alarm TEXT, alarm_seq INTEGER) STRICT, WITHOUT ROWID;

        CREATE TABLE roster_entries (
            lobby_id BLOB NOT NULL, height INTEGER NOT NULL, seq INTEGER NOT NULL, entry BLOB NOT NULL,
            PRIMARY KEY (lobby_id, height)) STRICT, WITHOUT ROWID;

        CREATE TABLE identities (
            fingerprint BLOB PRIMARY KEY, login TEXT NOT NULL, record BLOB NOT NULL) STRICT, WITHOUT ROWID;

        CREATE TABLE entries (
            lobby_id BLOB NOT NULL, seq INTEGER NOT NULL, hash BLOB NOT NULL, row_hash BLOB NOT NULL,
            sender BLOB NOT NULL, sent_at INTEGER NOT NULL, expires_at INTEGER, fingerprint BLOB, message_id BLOB,
            fault TEXT, row_bytes INTEGER NOT NULL, row_data BLOB,
            PRIMARY KEY (lobby_id, seq)) STRICT, WITHOUT ROWID;

        CREATE TABLE keys (
            lobby_id BLOB NOT NULL, generation INTEGER NOT NULL, key BLOB NOT NULL,
            PRIMARY KEY (lobby_id, generation)) STRICT, WITHOUT ROWID;

        CREATE TABLE drafts (
            lobby_id BLOB NOT NULL, message_id BLOB NOT NULL, row_hash BLOB NOT NULL, seq INTEGER,
            PRIMARY KEY (lobby_id, message_id, row_hash)) STRICT, WITHOUT ROWID;

        PRAGMA user_version = 1;
        """;

    // What the first version did not keep: seeds from before a reset of the identity, whether the user has been told
    // who made a lobby, and how many erasures the server had counted when the kept rows were last compared.
    const string Second = """
        CREATE TABLE former_seeds (seed BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;

        ALTER TABLE lobbies ADD COLUMN is_introduced INTEGER NOT NULL DEFAULT 0;

        ALTER TABLE lobbies ADD COLUMN erasures INTEGER;

        PRAGMA user_version = 2;
        """;

    /// <summary>Makes the tables of a new file, or brings those of an older one up to date.</summary>
    /// <exception cref="StateException">A newer version of the program made the file.</exception>
    public static void Migrate(StateFile file) => file.Change(() =>
    {
        var version = file.Query("PRAGMA user_version", row => row.GetInt32(0))[0];
        if (version == 0)
            file.Execute(Tables);
        if (version is 0 or 1)
            file.Execute(Second);
        else if (version != Version)
            throw new StateException("A newer version of this program made its state file. Use that version.");
    });
}
