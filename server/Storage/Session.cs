using System.Net;
using Conclave.Protocol;

namespace Conclave.Server.Storage;

/// <summary>A sign-in. Holds no secret: the token itself is stored nowhere, only its hash.</summary>
sealed record Session(Guid SessionId, Person Person, DateTimeOffset ExpiresAt, DateTimeOffset LastUsedAt);

/// <summary>A session that has just ended, and why: one of <see cref="SessionEnd"/>.</summary>
readonly record struct EndedSession(Guid SessionId, string Reason);

/// <summary>What became of a sign-in.</summary>
enum SignIn
{
    Opened,

    /// <summary>The user has as many sessions as may be, all of them in use.</summary>
    TooMany,

    /// <summary>The password was changed, or the user disabled, since the password was looked at.</summary>
    Outdated,
}

/// <summary>How many sessions a user may have, and which of them may make room.</summary>
/// <param name="CountMax">Sessions of one user.</param>
/// <param name="UnusedSince">One that was not used since then may end to make room for another.</param>
sealed record SessionQuota(int CountMax, DateTimeOffset UnusedSince);

/// <summary>A session to be added.</summary>
/// <param name="Session">Whose, from when to when.</param>
/// <param name="TokenHash">By which it will be found.</param>
/// <param name="Client">What the program calls itself; null if it does not say.</param>
/// <param name="Address">Where it is; null if that is not known.</param>
sealed record NewSession(Session Session, byte[] TokenHash, string? Client, IPAddress? Address);
