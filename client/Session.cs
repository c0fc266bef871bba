using System.Text.Json.Serialization;

namespace Conclave.Client;

/// <summary>Who is signed in at one server. A class and not a record: a record would print the token.</summary>
sealed class Session
{
    /// <summary>The server's address, as <see cref="Uri.AbsoluteUri"/>.</summary>
    public required string Server { get; init; }

    public required string Login { get; init; }

    /// <summary>Secret: signs every request.</summary>
    public required string Token { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(Session))]
sealed partial class SessionJson : JsonSerializerContext;
