namespace Conclave.Sdk;

/// <summary>A new identity, and what became of the sealed lobbies that knew the user by the old one.</summary>
/// <param name="Fingerprint">Names the user and the new key; 43 characters.</param>
/// <param name="Lobbies">Each sealed lobby of the user.</param>
public sealed record IdentityReset(string Fingerprint, IReadOnlyList<LobbySuccession> Lobbies);

/// <summary>Whether a lobby goes on with a user's new identity.</summary>
/// <param name="LobbyId">The lobby.</param>
/// <param name="LobbyName">Its signed name, as far as it is known here.</param>
/// <param name="Fault">
/// Why not: the code of a <see cref="RefusedException"/> or an <see cref="AlarmException"/>; null if it does.
/// </param>
public sealed record LobbySuccession(Guid LobbyId, string LobbyName, string? Fault);
