// References
//   X-Wing: draft-connolly-cfrg-xwing-kem-06, the HPKE KEM 0x647a, libsodium's, by Geralt.
// Parameters
//   K_g    = 32 random bytes for generation g = 1, 2, …; commit_g = D(K_g, "key-commit", u64(g))
//   link_g = BOX(K_g, "link", lobby id, u64(g) ; N, K_(g-1))     104 bytes
//   wrap   = version 1 (1) || c (1120) || BOX(ss, "wrap", lobby id, u64(g), recipient fp, commit_g, c ; N, K_g)
//            1225 bytes
using Conclave.Roster;
using Geralt;

namespace Conclave.Sealing;

/// <summary>
/// The key that a lobby's messages of one generation are sealed with (docs/sealing.md, section 5). Whoever signs the
/// entry that begins the generation draws it, and commits to it in the roster: so a wrap or a link is right whoever
/// made it, and no member can hand different keys to different people.
/// </summary>
/// <remarks>May be used by several threads. Dispose it when no thread uses it any more: that wipes it.</remarks>
public sealed class GenerationKey : IDisposable
{
    const int SizeBytes = 32;
    const int CiphertextEnd = 1 + XWing.CiphertextSize;
    const byte Version = 1;

    readonly SecretBytes _key;

    GenerationKey(ulong generation, SecretBytes key)
    {
        (Generation, _key) = (generation, key);
        Span<byte> commit = stackalloc byte[Digest.SizeBytes];
        new LabeledTuple("key-commit"u8).AddNumber(generation).Derive(key.Span, commit);
        Commit = new(commit);
    }

    /// <summary>1, 2, 3 …</summary>
    public ulong Generation { get; }

    /// <summary>What the roster says of the key.</summary>
    public Digest Commit { get; }

    internal ReadOnlySpan<byte> Bytes => _key.Span;

    /// <summary>A new key from the system's random generator.</summary>
    /// <param name="generation">1 for a new lobby, else one more than the roster's.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="generation"/> is 0, or 2^53 or more.</exception>
    public static GenerationKey Create(ulong generation)
    {
        ArgumentOutOfRangeException.ThrowIfZero(generation);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(generation, 1UL << 53);
        return new(generation, SecretBytes.Random(SizeBytes));
    }

    /// <summary>A key that was kept, checked against the roster again.</summary>
    /// <param name="roster">The roster that commits to it.</param>
    /// <param name="generation">1 to the roster's.</param>
    /// <param name="key">32 bytes; copied, and for the caller to wipe.</param>
    /// <param name="opened">The key, or null.</param>
    /// <returns><see cref="Verdict.Accepted"/> or <see cref="Verdict.BadKey"/>.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="roster"/> is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="key"/> is not 32 bytes.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The roster has no such generation.</exception>
    public static Verdict Import(
        RosterState roster, ulong generation, ReadOnlySpan<byte> key, out GenerationKey? opened)
    {
        var commit = CommitIn(roster, generation);
        if (key.Length != SizeBytes)
        {
            throw new ArgumentException("A key has 32 bytes.", nameof(key));
        }

        return Check(generation, new(key), commit, out opened);
    }

    /// <summary>Opens a wrap made for oneself, by whomever.</summary>
    /// <param name="roster">The roster that commits to the key.</param>
    /// <param name="generation">1 to the roster's.</param>
    /// <param name="recipient">Oneself.</param>
    /// <param name="wrap">As the server gave it.</param>
    /// <param name="opened">The key, or null.</param>
    /// <returns>
    /// <see cref="Verdict.Accepted"/>; <see cref="Verdict.BadWrap"/> when it is not 1225 bytes of version 1;
    /// <see cref="Verdict.BadBox"/> when it does not open; <see cref="Verdict.BadKey"/> when another key is in it than
    /// the roster commits to.
    /// </returns>
    /// <exception cref="ArgumentNullException">
    /// <paramref name="roster"/> or <paramref name="recipient"/> is null.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">The roster has no such generation.</exception>
    /// <exception cref="ObjectDisposedException"><paramref name="recipient"/> has been disposed.</exception>
    public static Verdict OpenWrap(
        RosterState roster, ulong generation, Identity recipient, ReadOnlySpan<byte> wrap, out GenerationKey? opened)
    {
        ArgumentNullException.ThrowIfNull(recipient);
        opened = null;
        var commit = CommitIn(roster, generation);
        if (!KeyWrapForm.IsWrap(wrap))
        {
            return Verdict.BadWrap;
        }

        var ciphertext = wrap[1..CiphertextEnd];
        using var shared = new SecretBytes(XWing.SharedSecretSize);
        var key = new SecretBytes(SizeBytes);
        if (recipient.TryDecapsulate(ciphertext, shared.Span)
            && Box.TryOpen(
                shared.Span,
                WrapContext(roster.LobbyId, generation, recipient.Fingerprint, commit, ciphertext),
                wrap[CiphertextEnd..],
                key.Span))
        {
            return Check(generation, key, commit, out opened);
        }

        key.Dispose();
        return Verdict.BadBox;
    }

    /// <summary>Opens the link to the generation before this one.</summary>
    /// <param name="roster">The roster that holds the link and commits to both keys.</param>
    /// <param name="previous">The key before this one, or null.</param>
    /// <returns>
    /// <see cref="Verdict.Accepted"/>; <see cref="Verdict.BadBox"/> when the link does not open;
    /// <see cref="Verdict.BadKey"/> when another key is in it than the roster commits to. Both are provably the fault
    /// of whoever signed the rotation.
    /// </returns>
    /// <exception cref="ArgumentNullException"><paramref name="roster"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The roster has not this generation.</exception>
    /// <exception cref="InvalidOperationException">
    /// There is nothing before generation 1, and no links where history starts at joining.
    /// </exception>
    /// <exception cref="ObjectDisposedException">This has been disposed.</exception>
    public Verdict OpenLink(RosterState roster, out GenerationKey? previous)
    {
        _ = CommitIn(roster, Generation);
        var link = roster.Generations[(int)Generation - 1].Link.Span;
        if (link.IsEmpty)
        {
            throw new InvalidOperationException("No link leads from this generation.");
        }

        previous = null;
        var key = new SecretBytes(SizeBytes);
        if (Box.TryOpen(_key.Span, LinkContext(roster.LobbyId), link, key.Span))
        {
            return Check(Generation - 1, key, CommitIn(roster, Generation - 1), out previous);
        }

        key.Dispose();
        return Verdict.BadBox;
    }

    /// <summary>
    /// The key before this one, boxed under this one: 104 bytes for the entry that begins this generation.
    /// </summary>
    /// <param name="lobbyId">The lobby.</param>
    /// <param name="previous">The key of the generation before.</param>
    /// <exception cref="ArgumentNullException"><paramref name="previous"/> is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="previous"/> is not the generation before.</exception>
    /// <exception cref="ObjectDisposedException">One of the keys has been disposed.</exception>
    public byte[] Link(Guid lobbyId, GenerationKey previous)
    {
        ArgumentNullException.ThrowIfNull(previous);
        return previous.Generation + 1 == Generation
            ? Box.Seal(_key.Span, LinkContext(lobbyId), previous._key.Span)
            : throw new ArgumentException("A link leads to the generation before.", nameof(previous));
    }

    /// <summary>
    /// The key, wrapped for one member. Only for members of a verified roster, and not for one whose changed key nobody
    /// has accepted yet.
    /// </summary>
    /// <param name="lobbyId">The lobby.</param>
    /// <param name="recipient">The member.</param>
    /// <exception cref="ArgumentNullException"><paramref name="recipient"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">This has been disposed.</exception>
    public KeyWrap WrapFor(Guid lobbyId, IdentityRecord recipient)
    {
        ArgumentNullException.ThrowIfNull(recipient);
        Span<byte> ciphertext = stackalloc byte[XWing.CiphertextSize];
        using var shared = new SecretBytes(XWing.SharedSecretSize);
        XWing.Encapsulate(shared.Span, ciphertext, recipient.SealKey);
        var context = WrapContext(lobbyId, Generation, recipient.Fingerprint, Commit, ciphertext);
        var box = Box.Seal(shared.Span, context, _key.Span);
        return new(recipient.Fingerprint, (byte[])[Version, .. ciphertext, .. box]);
    }

    /// <summary>Copies the key out, for a store that is as safe as the seed itself.</summary>
    /// <param name="destination">32 bytes, for the caller to wipe.</param>
    /// <exception cref="ArgumentException"><paramref name="destination"/> is not 32 bytes.</exception>
    /// <exception cref="ObjectDisposedException">This has been disposed.</exception>
    public void Export(Span<byte> destination)
    {
        if (destination.Length != SizeBytes)
        {
            throw new ArgumentException("A key has 32 bytes.", nameof(destination));
        }

        _key.Span.CopyTo(destination);
    }

    /// <summary>Wipes it.</summary>
    public void Dispose() => _key.Dispose();

    /// <summary>The name of the type, and nothing else.</summary>
    public override string ToString() => nameof(GenerationKey);

    /// <summary>A key that no roster was asked about.</summary>
    internal static GenerationKey Restore(ulong generation, ReadOnlySpan<byte> key) => new(generation, new(key));

    internal static LabeledTuple WrapContext(
        Guid lobbyId, ulong generation, Digest recipient, Digest commit, ReadOnlySpan<byte> ciphertext) =>
        new LabeledTuple("wrap"u8, 1500).Add(lobbyId).AddNumber(generation).Add(recipient).Add(commit).Add(ciphertext);

    internal LabeledTuple LinkContext(Guid lobbyId) =>
        new LabeledTuple("link"u8).Add(lobbyId).AddNumber(Generation);

    // A key is used only after the roster's commitment to it holds.
    static Verdict Check(ulong generation, SecretBytes bytes, Digest commit, out GenerationKey? opened)
    {
        opened = new(generation, bytes);
        if (opened.Commit == commit)
        {
            return Verdict.Accepted;
        }

        opened.Dispose();
        opened = null;
        return Verdict.BadKey;
    }

    static Digest CommitIn(RosterState roster, ulong generation)
    {
        ArgumentNullException.ThrowIfNull(roster);
        ArgumentOutOfRangeException.ThrowIfZero(generation);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(generation, roster.Generation);
        return roster.Generations[(int)generation - 1].Commit;
    }
}
