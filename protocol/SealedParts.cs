namespace Conclave.Protocol;

// The objects inside requests and replies that sealing adds (docs/sealing.md, section 7.1). Binary is base64url without
// padding.

/// <summary>How an account stretches its password.</summary>
/// <param name="V">1.</param>
/// <param name="Salt">16 bytes.</param>
/// <param name="Ops">Passes over the memory.</param>
/// <param name="Mem">Memory, in KiB.</param>
public sealed record KdfRecord(long V, string Salt, long Ops, long Mem);

/// <summary>The public identity of an account.</summary>
/// <param name="Record">1313 bytes.</param>
/// <param name="Previous">
/// The identities before it, newest first, as far as each has signed the one after it; null in requests.
/// </param>
public sealed record IdentityPart(string Record, IReadOnlyList<PreviousIdentity>? Previous = null);

/// <summary>An identity that an account had earlier.</summary>
/// <param name="Record">1313 bytes.</param>
/// <param name="Succession">Its signature on the identity after it, 64 bytes.</param>
public sealed record PreviousIdentity(string Record, string Succession);

/// <summary>The record of somebody whom a roster names.</summary>
public sealed record NamedIdentity(string Login, Guid PublicToken, string Record);

/// <summary>A lobby's key for one member.</summary>
/// <param name="To">The member's fingerprint, 32 bytes.</param>
/// <param name="Wrap">1225 bytes.</param>
public sealed record KeyWrapPart(string To, string Wrap);

/// <summary>A lobby's key of one generation, for a member that need not be named.</summary>
/// <param name="Generation">1, 2, 3 …</param>
/// <param name="Wrap">1225 bytes.</param>
public sealed record GenerationWrap(long Generation, string Wrap);

/// <summary>What makes <c>create_lobby</c> one of a sealed lobby.</summary>
/// <param name="RosterEntry">The entry whose hash is the lobby's id.</param>
/// <param name="KeyWraps">The first key, for the creator.</param>
public sealed record SealedCreation(string RosterEntry, IReadOnlyList<KeyWrapPart> KeyWraps);

/// <summary>An entry of a roster and its place in the lobby's log.</summary>
public sealed record RosterRow(long Seq, string RosterEntry);

/// <summary>A place in the log of a sealed lobby, and the transcript's value there.</summary>
/// <param name="Seq">The place; 0 before the first row.</param>
/// <param name="Hash">32 bytes.</param>
public sealed record TranscriptPoint(long Seq, string Hash);
