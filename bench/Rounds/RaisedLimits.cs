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
        "ConnectionsPerAddressMax", "MessagesPerSecond", "MessageBytesPerSecond", "InvitationsPerHour",
        "LobbiesPerUserMax", "SessionsPerUserMax", "LobbyBytesMax",
    ];

    /// <summary>Environment variables for the server.</summary>
    public static IReadOnlyDictionary<string, string> All { get; } = typeof(Limits).GetProperties()
        .Select(property => property.Name)
        .Intersect(OfOneUserOrAddress)
        .Select(name => (Name: name, Value: None))
        .Append((Name: nameof(Limits.InFlightMax), Value: InFlight))
        .ToDictionary(
            limit => "CONCLAVE_LIMIT_" + JsonNamingPolicy.SnakeCaseUpper.ConvertName(limit.Name),
            limit => limit.Value,
            StringComparer.Ordinal);
}
