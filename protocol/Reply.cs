using System.Text.Json.Serialization;

namespace Conclave.Protocol;

/// <summary>
/// The answer to one request. <see cref="Id"/> and <see cref="Action"/> echo it; they are set by whoever sends.
/// A reply that carries a secret is a class and not a record: a record prints all it holds.
/// </summary>
public abstract class Reply
{
    /// <summary>The request's <c>id</c>, byte for byte; null if it had none or could not be read.</summary>
    [JsonPropertyOrder(-4)]
    public RawJson Id { get; set; }

    /// <summary>The request's <c>action</c>; null if it could not be read.</summary>
    [JsonPropertyOrder(-3), JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Action { get; set; }

    [JsonPropertyOrder(-2)]
    public bool Ok { get; init; } = true;
}

/// <summary>A refusal. See <see cref="ErrorCode"/>.</summary>
public sealed class ErrorReply : Reply
{
    public ErrorReply() => Ok = false;

    [JsonPropertyOrder(-1)]
    public required Refusal Error { get; init; }
}

/// <summary>Why a request was refused.</summary>
/// <param name="Code">One of <see cref="ErrorCode"/>.</param>
/// <param name="Message">One English sentence for people; never a secret.</param>
/// <param name="Field">The field at fault, if it is one field.</param>
/// <param name="RetryAfterMs">When to try again, in milliseconds, if that can help.</param>
/// <param name="Trace">Where to find a fault of ours in the server's log.</param>
public sealed record Refusal(
    string Code, string Message, string? Field = null, long? RetryAfterMs = null, string? Trace = null)
{
    /// <summary>This refusal as the answer to a request.</summary>
    public ErrorReply ToReply() => new() { Error = this };
}
