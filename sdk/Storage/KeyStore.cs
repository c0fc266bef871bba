using System.Security.Cryptography;
using Conclave.Roster;
using Conclave.Sealing;

namespace Conclave.Sdk.Storage;

/// <summary>The opened keys of lobbies, so that a wrap is opened once, not each time.</summary>
sealed class KeyStore(StateFile file)
{
    /// <summary>Adds the kept keys of a lobby to a ring, each checked against the roster again.</summary>
    public void Load(RosterState roster, KeyRing keys)
    {
        var kept = file.Query(
            "SELECT generation, key FROM keys WHERE lobby_id = $lobby",
            row => (Generation: row.Seq(0), Key: row.Blob(1)!), ("$lobby", roster.LobbyId.Blob));
        foreach (var (generation, key) in kept)
        {
            if (generation <= roster.Generation && keys[generation] is null
                && GenerationKey.Import(roster, generation, key, out var opened) == Conclave.Roster.Verdict.Accepted)
                keys.Add(opened!);
            CryptographicOperations.ZeroMemory(key);
        }
    }

    /// <summary>Overwrites the keys of a lobby.</summary>
    public void Drop(Guid lobbyId) =>
        file.Execute("DELETE FROM keys WHERE lobby_id = $lobby", ("$lobby", lobbyId.Blob));

    /// <summary>Keeps the keys of a ring that are not kept yet.</summary>
    public void Keep(Guid lobbyId, KeyRing keys) => file.Change(() =>
    {
        foreach (var generation in keys.Generations)
        {
            var key = new byte[32];
            keys[generation]!.Export(key);
            file.Execute(
                """
                INSERT INTO keys (lobby_id, generation, key) VALUES ($lobby, $generation, $key)
                ON CONFLICT DO UPDATE SET key = $key
                """,
                ("$lobby", lobbyId.Blob), ("$generation", (long)generation), ("$key", key));
            CryptographicOperations.ZeroMemory(key);
        }
    });
}
