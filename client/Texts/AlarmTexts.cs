namespace Conclave.Client.Texts;

/// <summary>An alarm in words: what happened, what it may mean, and what to do.</summary>
sealed record AlarmText(string What, string Meaning, string Hint);

/// <summary>What failed verification (docs/sealing.md), in words.</summary>
sealed record AlarmTexts
{
    /// <summary>Begins every alarm, so that none is taken for an everyday refusal.</summary>
    public required string Alarm { get; init; }

    /// <summary>By <see cref="Sdk.AlarmCode"/>.</summary>
    public required IReadOnlyDictionary<string, AlarmText> ByCode { get; init; }

    /// <summary>For an entry that no honest server has; the gap is the check that it failed.</summary>
    public required Func<string, AlarmText> OfEntry { get; init; }

    /// <summary>What this side refuses by itself, by code; no alarms, so without a meaning.</summary>
    public required IReadOnlyDictionary<string, ErrorText> Refusals { get; init; }

    /// <summary>A lobby, with the id by which people decide about it.</summary>
    public required Func<string, string, string> Lobby { get; init; }

    /// <summary>An entry of a lobby.</summary>
    public required Func<long, string, string> Entry { get; init; }

    /// <summary>In a list of entries, in place of everything that a refused one says.</summary>
    public required Func<string, string> RefusedEntry { get; init; }

    public AlarmText Of(string code) => ByCode.TryGetValue(code, out var text) ? text : OfEntry(code);
}
