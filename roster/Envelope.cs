// Parameters
//   header   = version 1 (1) || flags (1) || roster head (32) || u64(seen_seq) || seen_hash (32) || id (16)   90 bytes
//   envelope = header || box (at least 328) || signature (64)
//   the signature is Ed25519 on T("envelope", lobby id, sender fp, header || box)
using System.Buffers.Binary;

namespace Conclave.Roster;

/// <summary>
/// A sealed message as everyone sees it who has no key: what it was made under, and who signed it (docs/sealing.md,
/// section 6).
/// </summary>
public sealed class Envelope
{
    /// <summary>The smallest envelope, in bytes: the padding has a floor.</summary>
    public const int SizeBytesMin = 482;

    /// <summary>Size of the header, in bytes.</summary>
    public const int HeaderBytes = 90;

    /// <summary>Size of the signature at the end, in bytes.</summary>
    public const int SignatureBytes = Signature.SizeBytes;

    internal const byte Version = 1;

    LobbySignatureCheck? _check;

    Envelope(ReadOnlyMemory<byte> bytes)
    {
        var header = bytes.Span[..HeaderBytes];
        Bytes = bytes;
        IsBaseUnconfirmed = header[1] == 1;
        RosterHead = new(header[2..34]);
        SeenSeq = BinaryPrimitives.ReadUInt64BigEndian(header[34..42]);
        SeenHash = new(header[42..74]);
        Id = new(header[74..90], bigEndian: true);
    }

    /// <summary>The whole envelope.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>The first 90 bytes.</summary>
    public ReadOnlySpan<byte> Header => Bytes.Span[..HeaderBytes];

    /// <summary>What only a holder of the generation's key can open.</summary>
    public ReadOnlySpan<byte> Box => Bytes.Span[HeaderBytes..^SignatureBytes];

    /// <summary>The sender could not confirm the base that its transcript rests on: no one may rely on it.</summary>
    public bool IsBaseUnconfirmed { get; }

    /// <summary>Hash of the newest roster entry before the message, as the sender knew it.</summary>
    public Digest RosterHead { get; }

    /// <summary>The newest row that the sender had hashed; 0 before any.</summary>
    public ulong SeenSeq { get; }

    /// <summary>The sender's transcript value at <see cref="SeenSeq"/>.</summary>
    public Digest SeenHash { get; }

    /// <summary>The message's id, which a message sealed again keeps; the request's <c>nonce</c>.</summary>
    public Guid Id { get; }

    /// <summary>
    /// Whether <paramref name="sender"/> signed it for this lobby. The answer is remembered, so that a server may ask
    /// on one thread, ahead of time, and <see cref="LobbyLog.Judge"/> does not compute it again.
    /// </summary>
    /// <exception cref="ArgumentNullException"><paramref name="sender"/> is null.</exception>
    public bool IsSignedBy(Guid lobbyId, IdentityRecord sender)
    {
        ArgumentNullException.ThrowIfNull(sender);
        if (_check is not { } check || check.LobbyId != lobbyId || check.Signer != sender.Fingerprint)
        {
            var isValid = SignedPart(lobbyId, sender.Fingerprint, Bytes.Span[..^SignatureBytes])
                .IsSigned(sender.SignKey, Bytes.Span[^SignatureBytes..]);
            check = new(lobbyId, sender.Fingerprint, isValid);
            _check = check;
        }

        return check.IsValid;
    }

    /// <summary>Check 1 of section 6.1 without the row around it: null when the bytes are no envelope.</summary>
    internal static Envelope? Parse(ReadOnlyMemory<byte> bytes) =>
        bytes.Length >= SizeBytesMin && bytes.Span[0] == Version && bytes.Span[1] <= 1 ? new(bytes) : null;

    internal static LabeledTuple SignedPart(Guid lobbyId, Digest sender, ReadOnlySpan<byte> headerAndBox) =>
        new LabeledTuple("envelope"u8, 64 + headerAndBox.Length).Add(lobbyId).Add(sender).Add(headerAndBox);

    sealed record LobbySignatureCheck(Guid LobbyId, Digest Signer, bool IsValid);
}
