namespace Conclave.Sdk;

/// <summary>
/// A place in a lobby's log to go on from: everything up to <see cref="After"/> was read. Keep both values together;
/// the number alone can point into another log after the operator restored a backup.
/// </summary>
/// <param name="After">The seq of the last entry that was read; 0 for none: reading starts at the first.</param>
/// <param name="Epoch">Which log the number belongs to, from <see cref="Subscription.Epoch"/>; null: not known, and
/// not checked.</param>
public readonly record struct Position(long After, string? Epoch = null)
{
    /// <summary>Before the first entry.</summary>
    public static Position Start { get; }
}
