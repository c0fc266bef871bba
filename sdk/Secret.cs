using Conclave.Protocol;
using Conclave.Sealing;

namespace Conclave.Sdk;

/// <summary>
/// One version of a named secret. It cannot be printed; its texts are strings, which nothing can wipe: let go of it
/// soon.
/// </summary>
public sealed class Secret
{
    internal Secret(SecretContent content, Entry entry)
    {
        (Name, Value, Fields, IsGone) = (content.Name, content.Value, content.Fields, content.IsGone);
        (Seq, From, SentAt, Verdict) = (entry.Seq, entry.From, entry.SentAt, entry.Verdict);
        Previous = (long?)content.Previous;
    }

    /// <summary>The name under which versions replace each other.</summary>
    public string Name { get; }

    /// <summary>The secret; null if it consists of <see cref="Fields"/>.</summary>
    public string? Value { get; }

    /// <summary>The parts of the secret by name; null if it is one <see cref="Value"/>.</summary>
    public IReadOnlyDictionary<string, string>? Fields { get; }

    /// <summary>The version's place in the log: what a newer version says that it replaces.</summary>
    public long Seq { get; }

    /// <summary>Who set it.</summary>
    public Person From { get; }

    /// <summary>When it was stored, by the server's clock.</summary>
    public DateTimeOffset SentAt { get; }

    /// <summary>How far it can be trusted.</summary>
    public Verdict Verdict { get; }

    internal long? Previous { get; }

    internal bool IsGone { get; }

    /// <summary>The name of the type, and nothing else.</summary>
    public override string ToString() => nameof(Secret);
}
