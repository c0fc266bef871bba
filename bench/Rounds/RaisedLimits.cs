using System.Globalization;
using System.Text.Json;
using Conclave.Protocol;

namespace Conclave.Bench.Rounds;

/// <summary>
/// The limits that the bench raises: those for one address and one user, because here few users on one address stand
/// for many. Limits on memory stay as they are: what is measured is the server as it is installed.
/// </summary>
static class RaisedLimits
{
    static readonly string[] OfOneUserOrAddress =
    [
        "Connections", "Messages", "MessageBytes", "Invitations", "Lobbies", "UserSessions", "LobbyBytes",
    ];

    /// <summary>Environment variables for the server.</summary>
    public static IReadOnlyDictionary<string, string> All { get; } = typeof(Limits).GetProperties()
        .Where(property => property.DeclaringType == typeof(Limits)
            && OfOneUserOrAddress.Any(start => property.Name.StartsWith(start, StringComparison.Ordinal)))
        .ToDictionary(
            property => "CONCLAVE_LIMIT_" + JsonNamingPolicy.SnakeCaseUpper.ConvertName(property.Name),
            _ => 0.ToString(CultureInfo.InvariantCulture),
            StringComparer.Ordinal);
}
