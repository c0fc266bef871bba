using Conclave.Protocol;

namespace Conclave.Server.Storage;

/// <summary>Where a user stands in a lobby at one moment of its log.</summary>
/// <param name="LastSeq">The last entry at that moment.</param>
/// <param name="LobbyName">The lobby's name.</param>
/// <param name="Rights">What the user may do; none for one who is not a member.</param>
/// <param name="SinceSeq">The entry that made the user a member.</param>
readonly record struct Standing(long LastSeq, string LobbyName, Rights Rights, long SinceSeq)
{
    /// <summary>How many erasures the lobby has seen.</summary>
    public long Erasures { get; init; }

    public bool IsMember => Rights.HasFlag(Rights.Read);
}
