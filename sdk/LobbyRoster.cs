using Conclave.Protocol;

namespace Conclave.Sdk;

/// <summary>What new members of a sealed lobby can read; decided when it is made.</summary>
public enum LobbyHistory
{
    /// <summary>Everything that is in the lobby.</summary>
    All = 0,

    /// <summary>What is written after they joined.</summary>
    FromJoin = 1,
}

/// <summary>
/// The roster of a sealed lobby as this client has verified it; of what the server says nothing is in it.
/// </summary>
/// <param name="LobbyId">The lobby.</param>
/// <param name="LobbyName">Its name, as signed by its creator or an admin.</param>
/// <param name="CreatedBy">Who made it. Name them to the user before the first use.</param>
/// <param name="History">What new members can read.</param>
/// <param name="Members">By login.</param>
/// <param name="Seq">The entry of the log after which this holds.</param>
/// <param name="IsConfirmed">
/// False while what came before this client's first entry rests on the server's word: show "history not confirmed".
/// </param>
/// <param name="IsRotationDue">A member left or joined, and nobody has made a new key since; the next post
/// does.</param>
public sealed record LobbyRoster(
    Guid LobbyId, string LobbyName, Person CreatedBy, LobbyHistory History, IReadOnlyList<RosterPerson> Members,
    long Seq, bool IsConfirmed, bool IsRotationDue);

/// <summary>A member of a sealed lobby.</summary>
/// <param name="Login">The login that the member's key is bound to.</param>
/// <param name="PublicToken">The account's public token.</param>
/// <param name="Rights">What the member may do.</param>
/// <param name="InvitedBy">The login of whoever invited; null of the creator.</param>
/// <param name="IsVerified">Whether the user has compared safety numbers with the member.</param>
/// <param name="HasChangedKey">
/// The member has another key than before, and nobody has accepted it: nothing can be posted until then.
/// </param>
public sealed record RosterPerson(
    string Login, Guid PublicToken, Rights Rights, string? InvitedBy, bool IsVerified, bool HasChangedKey);
