using System.Text.Json;
using Conclave.Protocol;

namespace Conclave.Bench.Rounds;

/// <summary>
/// The limits that the bench raises: those for one address, one user and one connection, because here few stand for
/// many. Limits on memory stay as they are: what is measured is the server as it is installed.
/// </summary>
static class RaisedLimits
{
    const string InFlight = "1024";
    const string None = "0";

    static readonly string[] OfOneUserOrAddress =
    [
        "Connections", "Messages", "MessageBytes", "Invitations", "Lobbies", "UserSessions", "LobbyBytes",
    ];

    /// <summary>Environment variables for the server.</summary>
    public static IReadOnlyDictionary<string, string> All { get; } = typeof(Limits).GetProperties()
        .Where(property => property.DeclaringType == typeof(Limits)
            && OfOneUserOrAddress.Any(start => property.Name.StartsWith(start, StringComparison.Ordinal)))
        .Select(property => (property.Name, None))
        .Append((nameof(Limits.InFlightMax), InFlight))
        .ToDictionary(
            limit => "CONCLAVE_LIMIT_" + JsonNamingPolicy.SnakeCaseUpper.ConvertName(limit.Item1),
            limit => limit.Item2,
            StringComparer.Ordinal);
}
