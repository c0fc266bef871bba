using System.Runtime.InteropServices;
using Conclave.Protocol;
using Conclave.Roster;

namespace Conclave.Server.Storage;

/// <summary>
/// What an entry of a sealed lobby is beside its bytes, and what its judgement found. Filled in by one hand after the
/// other: whoever posts, then the writer, then whoever answers.
/// </summary>
sealed class SealedPart(SealedRow row)
{
    public SealedRow Row { get; } = row;

    /// <summary>
    /// Of an entry of the roster: the identities it may bring in, each the current one of its account.
    /// </summary>
    public IReadOnlyDictionary<Digest, IdentityRecord> Identities { get; init; } = None;

    /// <summary>Of an entry of the roster: the keys that came with it, but for a succession's.</summary>
    public IReadOnlyCollection<KeyWrap> Wraps { get; init; } = [];

    /// <summary>Of a succession: the keys that the member hands to its new identity.</summary>
    public IReadOnlyCollection<(ulong Generation, ReadOnlyMemory<byte> Wrap)> OwnWraps { get; init; } = [];

    /// <summary>The member that the request names beside the entry; null if it names none.</summary>
    public Person? Target { get; init; }

    /// <summary>The generation of keys that it begins; null if none.</summary>
    public long? Generation => Row.Entry?.Change is RosterChange.Rotate rotate ? (long)rotate.Generation : null;

    public SealedMark ToMark() => new(Row.Hash, Generation);

    /// <summary>Why the sealing rules refuse it; meaningful with <see cref="Outcome.Unsealable"/> alone.</summary>
    public Roster.Verdict Refusal { get; set; }

    /// <summary>When to try again, with <see cref="Outcome.TooSoon"/>.</summary>
    public TimeSpan RetryAfter { get; set; }

    /// <summary>The transcript's value at its place; of a duplicate at the first one's.</summary>
    public Digest Hash { get; set; }

    /// <summary>Whether what stands in its place is this row, and not another one of the same name.</summary>
    public bool IsAsStored { get; set; } = true;

    /// <summary>One identity, or none, to be had by its fingerprint.</summary>
    public static IReadOnlyDictionary<Digest, IdentityRecord> Of(IdentityRecord? identity) =>
        identity is null ? None : new Dictionary<Digest, IdentityRecord> { [identity.Fingerprint] = identity };

    static Dictionary<Digest, IdentityRecord> None { get; } = [];
}

/// <summary>What a stored entry of a sealed lobby has beside its bytes. One reference, which plain ones lack.</summary>
/// <param name="RowHash">The hash of the row, also when its bytes are gone or were left out of the page.</param>
/// <param name="Generation">The generation of keys that it begins; null if none.</param>
sealed record SealedMark(Digest RowHash, long? Generation);

/// <summary>A row of a sealed lobby as it goes into the log: judged, and in its place.</summary>
/// <param name="Entry">What is stored.</param>
/// <param name="Seq">Its place; 0 for one that was refused and is only looked for.</param>
/// <param name="Hash">The transcript's value there.</param>
readonly record struct PlacedRow(NewEntry Entry, long Seq, Digest Hash);

/// <summary>The place of an entry of the roster.</summary>
/// <param name="Seq">Its place in the log.</param>
/// <param name="Height">Its place in the roster.</param>
/// <param name="Hash">The transcript's value.</param>
/// <param name="Generation">The current generation of keys, after it.</param>
/// <param name="FirstGeneration">Of an invitation: the first generation that the invited is entitled to.</param>
[StructLayout(LayoutKind.Auto)]
readonly record struct RosterPlace(
    long Seq, long Height, Digest Hash, long Generation, long FirstGeneration);

/// <summary>Where an entry with the same author and nonce stands already.</summary>
[StructLayout(LayoutKind.Auto)]
readonly record struct KnownRow(
    long Seq, DateTimeOffset SentAt, Digest Hash, Digest RowHash, DateTimeOffset? ExpiresAt, bool IsGone);

/// <summary>The row of a lobby as it was found, and perhaps locked.</summary>
/// <param name="State">How it was found.</param>
/// <param name="LastSeq">Its last entry.</param>
/// <param name="Time">When what was put in was sent; of no meaning if nothing was.</param>
/// <param name="Room">How many bytes it may still take; null if any number.</param>
[StructLayout(LayoutKind.Auto)]
readonly record struct FoundLobby(FoundState State, long LastSeq, DateTimeOffset Time, long? Room);

enum FoundState
{
    /// <summary>Its last entry is the expected one, and what was to be put in is in.</summary>
    Written = 0,

    /// <summary>Something else is in it than was expected: nothing was put in.</summary>
    Changed = 1,

    /// <summary>Locked by another transaction.</summary>
    Locked = 2,

    /// <summary>There is no such lobby.</summary>
    Gone = 3,
}

/// <summary>A row as the judgement of later ones needs it.</summary>
/// <param name="Seq">Its place.</param>
/// <param name="Author">Who sent it.</param>
/// <param name="SentAt">When.</param>
/// <param name="RowHash">The hash of its bytes.</param>
/// <param name="Hash">The transcript's value at it.</param>
/// <param name="Roster">The bytes of an entry of the roster; null of a message.</param>
sealed record JudgedRow(
    long Seq, Guid Author, DateTimeOffset SentAt, Digest RowHash, Digest Hash, ReadOnlyMemory<byte>? Roster);
