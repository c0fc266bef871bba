using System.Security.Cryptography;
using Conclave.Roster;

namespace Conclave.Sdk.Storage;

/// <summary>
/// The account itself: its public token, the seed of its identity, and what its password's derivation cost.
/// </summary>
sealed class AccountStore(StateFile file)
{
    /// <summary>The account's public token; null before anybody signed in here.</summary>
    public Guid? PublicToken() =>
        file.Query("SELECT public_token FROM account", row => row.Uuid(0)) is [var token] ? token : null;

    /// <summary>Whether somebody is signed in here, without bringing the seed into memory.</summary>
    public bool HasSeed() => file.Query("SELECT seed IS NOT NULL FROM account", row => row.GetBoolean(0)) is [true];

    /// <summary>The seed, for the caller to wipe; null if nobody is signed in here.</summary>
    public byte[]? Seed() => file.Query("SELECT seed FROM account", row => row.Blob(0)) is [var seed] ? seed : null;

    /// <summary>
    /// Refuses a derivation that is cheaper than the one used last: a server must not talk a client down
    /// (docs/sealing.md, section 3.2).
    /// </summary>
    public bool IsWeakerThanLast(KdfParameters kdf) =>
        file.Query("SELECT kdf_ops, kdf_mem FROM account", row => (Ops: row.GetInt32(0), Mem: row.GetInt32(1)))
            is [var last] && (kdf.Ops < last.Ops || kdf.Mem < last.Mem);

    /// <summary>
    /// Seeds of identities that the account had before, for the caller to wipe: a lobby may still know the user by one.
    /// </summary>
    public List<byte[]> FormerSeeds() => file.Query("SELECT seed FROM former_seeds", row => row.Blob(0)!);

    /// <summary>Keeps who signed in. The seed of another identity that was here stays as a former one.</summary>
    /// <param name="publicToken">The account's public token.</param>
    /// <param name="seed">32 bytes; copied.</param>
    /// <param name="kdf">What the password was derived with.</param>
    public void Keep(Guid publicToken, ReadOnlySpan<byte> seed, KdfParameters kdf)
    {
        var bytes = seed.ToArray();
        try
        {
            file.Change(() =>
            {
                file.Execute(
                    """
                    INSERT INTO former_seeds (seed) SELECT seed FROM account WHERE seed <> $seed ON CONFLICT DO NOTHING
                    """,
                    ("$seed", bytes));
                file.Execute("DELETE FROM former_seeds WHERE seed = $seed", ("$seed", bytes));
                file.Execute(
                    """
                    INSERT INTO account (one, public_token, seed, kdf_ops, kdf_mem)
                    VALUES (1, $token, $seed, $ops, $mem)
                    ON CONFLICT (one) DO UPDATE
                    SET public_token = $token, seed = $seed, kdf_ops = $ops, kdf_mem = $mem
                    """,
                    ("$token", publicToken.Blob), ("$seed", bytes), ("$ops", kdf.Ops), ("$mem", kdf.Mem));
            });
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    /// <summary>Overwrites the seeds and every lobby's keys. Pins and verified heads stay.</summary>
    public void Forget()
    {
        file.Change(() =>
        {
            file.Execute("UPDATE account SET seed = NULL");
            file.Execute("DELETE FROM former_seeds");
            file.Execute("DELETE FROM keys");
        });
        // The log of changes still has what was overwritten in the file.
        file.Execute("PRAGMA wal_checkpoint(TRUNCATE)");
    }
}
