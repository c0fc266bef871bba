using Conclave.Server.Lobbies;
using Conclave.Server.Storage;

namespace Conclave.Server.Writing;

/// <summary>
/// An entry on its way into the log. Whoever submitted it is told by <c>completed</c> when <see cref="Result"/> is
/// there, on the writer's own thread: it must only wake somebody.
/// </summary>
sealed class Draft(NewEntry entry, Action completed)
{
    Appended _result;
    volatile bool _isDone;

    public NewEntry Entry { get; } = entry;

    /// <summary>The share of a budget that the entry takes until it is decided; null for a small one.</summary>
    public ByteBudget.Lease? Memory { get; init; }

    /// <summary>Whether <see cref="Result"/> is there.</summary>
    public bool IsDone => _isDone;

    /// <summary>What became of it. Only when <see cref="IsDone"/>.</summary>
    public Appended Result => _isDone ? _result : throw new InvalidOperationException("the draft is not done");

    /// <summary>Where the log tells of our fault; null unless the outcome is <see cref="Outcome.Broken"/>.</summary>
    public string? Trace { get; private set; }

    /// <summary>Whether a flight that carried it ended without an answer: then it may be in the log.</summary>
    public bool MayBeStored { get; set; }

    /// <summary>Says what became of it, and wakes nobody yet.</summary>
    public void Decide(Appended result, string? trace = null)
    {
        Memory?.Dispose();
        Trace = trace;
        _result = result;
        _isDone = true;
    }

    /// <summary>Tells whoever submitted it. Once, after <see cref="Decide"/>.</summary>
    public void Tell() => completed();
}
