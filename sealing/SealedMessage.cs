// Parameters
//   header   = version 1 (1) || flags (1) || roster head (32) || u64(seen_seq) || seen_hash (32) || id (16)     90
//     bytes
//   box      = BOX(K_g, "message", lobby id, sender fp, header ; N, padded)
//   envelope = header || box || Ed25519 signature on T("envelope", lobby id, sender fp, header || box)
using System.Buffers.Binary;
using System.Security.Cryptography;
using Conclave.Roster;

namespace Conclave.Sealing;

/// <summary>What a sender has seen of the log when it seals a message.</summary>
/// <param name="Point">The newest row it has hashed, judged or not; place 0 before any.</param>
/// <param name="IsBaseUnconfirmed">Its transcript rests on a base that nobody but the server vouches for.</param>
public sealed record Seen(LogPoint Point, bool IsBaseUnconfirmed)
{
    /// <summary>What <paramref name="log"/> has seen.</summary>
    /// <exception cref="ArgumentNullException"><paramref name="log"/> is null.</exception>
    public static Seen In(LobbyLog log)
    {
        ArgumentNullException.ThrowIfNull(log);
        return new(log.Last, !log.IsConfirmed);
    }
}

/// <summary>
/// Seals and opens messages (docs/sealing.md, section 6). The signature is outside of the ciphertext, so everyone can
/// refuse a forgery without a key; and since a box commits to its key, it is a signature on exactly one plaintext.
/// </summary>
public static class SealedMessage
{
    /// <summary>A new message's id, from the system's random generator.</summary>
    public static Guid NewId()
    {
        Span<byte> id = stackalloc byte[16];
        RandomNumberGenerator.Fill(id);
        return new(id, bigEndian: true);
    }

    /// <summary>Seals a content.</summary>
    /// <param name="sender">A member of <paramref name="roster"/> with the right to write.</param>
    /// <param name="roster">The roster after the newest entry that the sender knows.</param>
    /// <param name="key">The key of the roster's generation.</param>
    /// <param name="seen">What the sender has seen.</param>
    /// <param name="id">
    /// From <see cref="NewId"/>, and the request's nonce. A message that is sealed again, since the server called it
    /// stale, keeps its id.
    /// </param>
    /// <param name="content">What to say.</param>
    /// <returns>The bytes of row_data.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException">
    /// <paramref name="key"/> is not the one that the roster commits to for its current generation, or the roster says
    /// that a rotation is due.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The sender, the key or the content has been disposed.</exception>
    public static byte[] Seal(
        Identity sender, RosterState roster, GenerationKey key, Seen seen, Guid id, Content content)
    {
        ArgumentNullException.ThrowIfNull(sender);
        ArgumentNullException.ThrowIfNull(roster);
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(seen);
        ArgumentNullException.ThrowIfNull(content);
        if (roster.IsDirty || key.Commit != roster.Generations[^1].Commit)
        {
            throw new ArgumentException("The key is not the roster's current one, or due to be replaced.", nameof(key));
        }

        var header = Header(roster.Head, seen, id);
        var packed = content.Packed;
        using var padded = new SecretBytes(Padding.PaddedBytes(packed.Length));
        packed.CopyTo(padded.Span);
        Padding.Mark(padded.Span, packed.Length);
        var context = Context(roster.LobbyId, sender.Fingerprint, header);
        return Sign(sender, roster.LobbyId, header, Box.Seal(key.Bytes, context, padded.Span));
    }

    /// <summary>
    /// Opens a message that <see cref="LobbyLog.Judge"/> has accepted: checks 11 to 13 of section 6.1.
    /// </summary>
    /// <param name="accepted">The judgement of the message.</param>
    /// <param name="key">The key of the generation of the roster that it was judged under; null if it is not at
    /// hand.</param>
    /// <param name="content">The content, or null.</param>
    /// <returns>
    /// <see cref="Verdict.Accepted"/>, <see cref="Verdict.NoKey"/>, <see cref="Verdict.BadBox"/> or
    /// <see cref="Verdict.BadContent"/>.
    /// </returns>
    /// <exception cref="ArgumentNullException"><paramref name="accepted"/> is null.</exception>
    /// <exception cref="ArgumentException">
    /// The judgement is not that of an accepted message, or the key is not the one that its roster commits to.
    /// </exception>
    /// <exception cref="ObjectDisposedException"><paramref name="key"/> has been disposed.</exception>
    public static Verdict Open(Judgement accepted, GenerationKey? key, out Content? content)
    {
        ArgumentNullException.ThrowIfNull(accepted);
        if (accepted is not { Row.Envelope: { } envelope, Author: { } author, Roster: { } roster })
        {
            throw new ArgumentException("Only an accepted message can be opened.", nameof(accepted));
        }

        return Open(envelope, roster, author.Identity, key, out content);
    }

    /// <summary>Opens a message that was accepted earlier, under a roster that is still at hand.</summary>
    /// <param name="envelope">The envelope.</param>
    /// <param name="roster">A state of the roster that commits to the message's key.</param>
    /// <param name="sender">The identity that signed it.</param>
    /// <param name="key">The key of the message's generation; null if it is not at hand.</param>
    /// <param name="content">The content, or null.</param>
    /// <inheritdoc cref="Open(Judgement, GenerationKey?, out Content?)"/>
    public static Verdict Open(
        Envelope envelope, RosterState roster, IdentityRecord sender, GenerationKey? key, out Content? content)
    {
        ArgumentNullException.ThrowIfNull(envelope);
        ArgumentNullException.ThrowIfNull(roster);
        ArgumentNullException.ThrowIfNull(sender);
        content = null;
        if (key is null)
        {
            return Verdict.NoKey;
        }

        if (key.Generation > roster.Generation || key.Commit != roster.Generations[(int)key.Generation - 1].Commit)
        {
            throw new ArgumentException("The roster does not commit to this key.", nameof(key));
        }

        var padded = GC.AllocateArray<byte>(envelope.Box.Length - Box.OverheadBytes, pinned: true);
        if (!Box.TryOpen(key.Bytes, Context(roster.LobbyId, sender.Fingerprint, envelope.Header), envelope.Box, padded))
        {
            return Verdict.BadBox;
        }

        content = Content.Unpad(padded);
        return content is null ? Verdict.BadContent : Verdict.Accepted;
    }

    internal static byte[] Header(Digest rosterHead, Seen seen, Guid id)
    {
        var header = new byte[Envelope.HeaderBytes];
        header[0] = Envelope.Version;
        header[1] = seen.IsBaseUnconfirmed ? (byte)1 : (byte)0;
        rosterHead.Bytes.CopyTo(header.AsSpan(2));
        BinaryPrimitives.WriteUInt64BigEndian(header.AsSpan(34), seen.Point.Seq);
        seen.Point.Hash.Bytes.CopyTo(header.AsSpan(42));
        id.TryWriteBytes(header.AsSpan(74), bigEndian: true, out _);
        return header;
    }

    internal static LabeledTuple Context(Guid lobbyId, Digest sender, ReadOnlySpan<byte> header) =>
        new LabeledTuple("message"u8).Add(lobbyId).Add(sender).Add(header);

    internal static byte[] Sign(Identity sender, Guid lobbyId, byte[] header, byte[] box)
    {
        byte[] headerAndBox = [.. header, .. box];
        var signature = sender.Sign(Envelope.SignedPart(lobbyId, sender.Fingerprint, headerAndBox));
        return SealedRow.AroundEnvelope([.. headerAndBox, .. signature]);
    }
}
