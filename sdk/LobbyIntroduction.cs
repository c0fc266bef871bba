namespace Conclave.Sdk;

/// <summary>Who is behind a sealed lobby, to be named to the user before its first use.</summary>
/// <param name="LobbyId">The lobby.</param>
/// <param name="LobbyName">Its signed name.</param>
/// <param name="CreatedBy">Who made it.</param>
/// <param name="InvitedBy">Who invited the user; null if the user is no member by an invitation.</param>
public sealed record LobbyIntroduction(
    Guid LobbyId, string LobbyName, IntroducedPerson CreatedBy, IntroducedPerson? InvitedBy);

/// <summary>Somebody in a <see cref="LobbyIntroduction"/>.</summary>
/// <param name="Login">The login that the key is bound to.</param>
/// <param name="IsVerified">Whether the user has compared safety numbers with this person.</param>
/// <param name="HasChangedKey">The key is another one than before, and nobody has accepted it.</param>
public sealed record IntroducedPerson(string Login, bool IsVerified, bool HasChangedKey);
