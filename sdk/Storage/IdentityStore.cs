using Conclave.Roster;

namespace Conclave.Sdk.Storage;

/// <summary>The accepted identities that rosters have named.</summary>
sealed class IdentityStore(StateFile file)
{
    public void Keep(IEnumerable<IdentityRecord> identities)
    {
        foreach (var identity in identities)
        {
            file.Execute(
                """
                INSERT INTO identities (fingerprint, login, record) VALUES ($fingerprint, $login, $record)
                ON CONFLICT DO NOTHING
                """,
                ("$fingerprint", identity.Fingerprint.Blob), ("$login", identity.Login),
                ("$record", identity.Bytes.ToArray()));
        }
    }

    public IdentityRecord? Find(Digest fingerprint) => file.Query(
        "SELECT login, record FROM identities WHERE fingerprint = $fingerprint",
        row => Restore(row.GetString(0), row.Blob(1)!, fingerprint), ("$fingerprint", fingerprint.Blob)) is [var found]
            ? found
            : null;

    /// <summary>A record that was accepted before it was kept.</summary>
    /// <exception cref="StateException">It is not as it was: somebody has changed the file.</exception>
    public static IdentityRecord Restore(string login, byte[] record, Digest fingerprint) =>
        IdentityRecord.Restore(login, record, fingerprint)
            ?? throw new StateException("The state file holds an identity that is none. Restore it, or delete it.");
}
