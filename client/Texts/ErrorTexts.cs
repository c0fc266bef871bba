using Conclave.Protocol;

namespace Conclave.Client.Texts;

/// <summary>A refusal in words: what happened, and what to do.</summary>
sealed record ErrorText(string What, string Hint);

/// <summary>The server's refusals (docs/protocol.md, section 5) in words.</summary>
sealed record ErrorTexts
{
    /// <summary>By <see cref="ErrorCode"/>.</summary>
    public required IReadOnlyDictionary<string, ErrorText> ByCode { get; init; }

    /// <summary>
    /// What <see cref="ErrorCode.BadRequest"/> and <see cref="ErrorCode.RegistrationClosed"/> mean for the fields whose
    /// values only the server can judge.
    /// </summary>
    public required IReadOnlyDictionary<string, ErrorText> ByField { get; init; }

    /// <summary>For a code that this program does not know, since the server is newer.</summary>
    public required Func<string, ErrorText> Unknown { get; init; }

    /// <summary>When to try again, in seconds.</summary>
    public required Func<long, string> RetryAfter { get; init; }

    /// <summary>Where the operator finds a fault of the server in its log.</summary>
    public required Func<string, string> Trace { get; init; }

    public ErrorText Of(string code) => ByCode.TryGetValue(code, out var text) ? text : Unknown(code);
}
