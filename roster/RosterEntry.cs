// Parameters
//   body  = T("roster", lobby id (16), u64(height), prev (32), author fp (32), u8(op), args …)
//   entry = body || Ed25519 signature on body (64);  hash(entry) = H("roster-entry", entry)
//   create: lobby id and prev are empty fields, height 1. u64 < 2^53.
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Unicode;

namespace Conclave.Roster;

/// <summary>
/// One signed entry of a roster, parsed (docs/sealing.md, section 4). That it parsed says that it has the form of an
/// entry and nothing else; <see cref="RosterState.Apply"/> says whether it holds.
/// </summary>
public sealed class RosterEntry
{
    readonly int _bodyBytes;
    SignatureCheck? _check;

    RosterEntry(
        ReadOnlyMemory<byte> bytes, Guid? lobbyId, ulong height, Digest previous, Digest author, RosterChange change)
    {
        (Bytes, LobbyId, Height, Previous, Author, Change) = (bytes, lobbyId, height, previous, author, change);
        _bodyBytes = bytes.Length - Signature.SizeBytes;
        Hash = new LabeledTuple("roster-entry"u8, bytes.Length + 4).Add(bytes.Span).Hash();
    }

    /// <summary>The whole entry with its signature.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>
    /// The lobby; null in the entry that creates one (then it is <see cref="SealedLobbyId.Of"/> its hash).
    /// </summary>
    public Guid? LobbyId { get; }

    /// <summary>Place in the roster: 1, 2, 3 …, below 2^53.</summary>
    public ulong Height { get; }

    /// <summary>The head that it continues; zeros in the entry that creates a lobby.</summary>
    public Digest Previous { get; }

    /// <summary>Fingerprint of the one who signed it, if the signature is valid.</summary>
    public Digest Author { get; }

    /// <summary>What it changes.</summary>
    public RosterChange Change { get; }

    /// <summary>The head after it.</summary>
    public Digest Hash { get; }

    /// <summary>
    /// Takes an entry apart, exactly: label, number and size of the fields, values, nothing left over.
    /// </summary>
    /// <param name="bytes">Kept, not copied: must not change any more.</param>
    /// <param name="entry">The entry, or null.</param>
    /// <returns><see cref="Verdict.Accepted"/> or <see cref="Verdict.BadEntry"/>.</returns>
    public static Verdict Parse(ReadOnlyMemory<byte> bytes, out RosterEntry? entry)
    {
        entry = null;
        if (bytes.Length < Signature.SizeBytes)
        {
            return Verdict.BadEntry;
        }

        var fields = new FieldReader(bytes.Span[..^Signature.SizeBytes]);
        var label = fields.Field();
        var lobbyId = fields.Field();
        var height = fields.Number();
        var previous = fields.Field();
        var author = fields.Digest();
        var operation = fields.Byte();
        var isCreate = operation == 1;
        var change = ReadChange(operation, ref fields);
        if (!fields.IsDone || change is null || !label.SequenceEqual("conclave/v1/roster"u8)
            || lobbyId.Length != (isCreate ? 0 : 16)
            || previous.Length != (isCreate ? 0 : Digest.SizeBytes)
            || (isCreate && height != 1))
        {
            return Verdict.BadEntry;
        }

        entry = isCreate
            ? new(bytes, null, height, default, author, change)
            : new(bytes, new(lobbyId, bigEndian: true), height, new(previous), author, change);
        return Verdict.Accepted;
    }

    /// <summary>
    /// Whether the signature is that of <paramref name="author"/>. The answer is remembered, so a server may ask on one
    /// thread, ahead of time, and <see cref="RosterState.Apply"/> does not compute it again.
    /// </summary>
    /// <exception cref="ArgumentNullException"><paramref name="author"/> is null.</exception>
    public bool IsSignedBy(IdentityRecord author)
    {
        ArgumentNullException.ThrowIfNull(author);
        if (_check is not { } check || check.Signer != author.Fingerprint)
        {
            var body = Bytes.Span[.._bodyBytes];
            check = new(author.Fingerprint, Signature.Verify(author.SignKey, body, Bytes.Span[_bodyBytes..]));
            _check = check;
        }

        return check.IsValid;
    }

    /// <summary>What the author of an entry signs.</summary>
    /// <param name="state">The state that it continues; null to create a lobby.</param>
    internal static LabeledTuple Body(RosterState? state, Digest author, RosterChange change)
    {
        var body = new LabeledTuple("roster"u8);
        body = state is null
            ? body.Add([]).AddNumber(1).Add([])
            : body.Add(state.LobbyId).AddNumber(state.Height + 1).Add(state.Head);
        return change.AddTo(body.Add(author).AddByte(change.Operation));
    }

    static RosterChange? ReadChange(byte operation, ref FieldReader fields) => operation switch
    {
        1 => ReadCreate(ref fields),
        2 => ReadInvite(ref fields),
        3 => new RosterChange.Remove(fields.Digest()),
        4 => ReadSetRights(ref fields),
        5 => ReadRotate(ref fields),
        6 => new RosterChange.Succeed(fields.Digest()),
        7 => TryReadName(fields.Field(), out var name) ? new RosterChange.Rename(name) : null,
        _ => null,
    };

    static RosterChange.Create? ReadCreate(ref FieldReader fields)
    {
        var (token, history, commit) = (fields.Token(), fields.Byte(), fields.Digest());
        return TryReadName(fields.Field(), out var name) && history <= (byte)History.FromJoin
            ? new(token, (History)history, commit, name)
            : null;
    }

    static RosterChange.Invite? ReadInvite(ref FieldReader fields)
    {
        var (member, token, rights) = (fields.Digest(), fields.Token(), fields.Byte());
        return IsRights(rights) ? new(member, token, (MemberRights)rights) : null;
    }

    static RosterChange.SetRights? ReadSetRights(ref FieldReader fields)
    {
        var (member, rights) = (fields.Digest(), fields.Byte());
        return IsRights(rights) ? new(member, (MemberRights)rights) : null;
    }

    static RosterChange.Rotate? ReadRotate(ref FieldReader fields)
    {
        var (generation, commit) = (fields.Number(), fields.Digest());
        var link = fields.Field();
        return link.Length is 0 or RosterChange.LinkBytes ? new(generation, commit, link.ToArray()) : null;
    }

    static bool IsRights(byte rights) => rights % 2 == 1 && rights <= (byte)MemberRights.All;

    // Any valid UTF-8: which names a server takes is its own rule.
    static bool TryReadName(ReadOnlySpan<byte> field, [NotNullWhen(true)] out string? name)
    {
        var isName = field.Length is > 0 and <= RosterChange.NameBytesMax && Utf8.IsValid(field);
        name = isName ? Encoding.UTF8.GetString(field) : null;
        return isName;
    }
}

/// <summary>
/// A signature's verdict with the one it was checked against; a reference, so that threads see all or none.
/// </summary>
sealed record SignatureCheck(Digest Signer, bool IsValid);
