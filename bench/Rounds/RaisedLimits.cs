using System.Text.Json;
using Conclave.Protocol;

namespace Conclave.Bench.Rounds;

/// <summary>
/// The limits that the bench raises: those for one address, one user, one connection and one sealed lobby, because here
/// few stand for many. Limits on memory stay as they are: what is measured is the server as it is installed.
/// </summary>
static class RaisedLimits
{
    const string None = "0";

    /// <summary>Environment variables for the server.</summary>
    public static IReadOnlyDictionary<string, string> All { get; } =
        new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [nameof(Limits.InFlightMax)] = "1024",
            [nameof(Limits.ConnectionsPerAddressMax)] = None,
            [nameof(Limits.MessagesPerSecond)] = None,
            [nameof(Limits.MessageBytesPerSecond)] = None,
            [nameof(Limits.LobbiesPerUserMax)] = None,
            [nameof(Limits.LobbiesPerHour)] = None,
            [nameof(Limits.SealedRowsPerSecond)] = None,
            [nameof(Limits.SealedReadsPerMinute)] = None,
        }.ToDictionary(
            limit => "CONCLAVE_LIMIT_" + JsonNamingPolicy.SnakeCaseUpper.ConvertName(limit.Key),
            limit => limit.Value,
            StringComparer.Ordinal);
}
