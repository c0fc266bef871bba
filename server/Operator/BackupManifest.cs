using System.Text.Json.Serialization;

namespace Conclave.Server.Operator;

/// <summary>What a backup says of itself.</summary>
sealed record BackupManifest
{
    public const int CurrentFormat = 1;

    public required int Format { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Which master key opens what is in it.</summary>
    public required string MasterKeyId { get; init; }

    /// <summary>The scripts that made the schema it was taken from.</summary>
    public required IReadOnlyList<string> Migrations { get; init; }

    /// <summary>The hash of each table's rows, by its name.</summary>
    public required IReadOnlyDictionary<string, string> Sha256 { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(BackupManifest))]
sealed partial class BackupJson : JsonSerializerContext;
