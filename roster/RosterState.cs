using System.Collections.Immutable;

namespace Conclave.Roster;

/// <summary>A member of a sealed lobby.</summary>
/// <param name="Identity">The accepted identity.</param>
/// <param name="Token">The account's public token.</param>
/// <param name="Rights">Always with <see cref="MemberRights.Read"/>.</param>
public sealed record RosterMember(IdentityRecord Identity, Guid Token, MemberRights Rights)
{
    /// <summary>True when the member has all of <paramref name="rights"/>.</summary>
    public bool Has(MemberRights rights) => (Rights & rights) == rights;
}

/// <summary>What the roster says of one generation's key.</summary>
/// <param name="Commit">Commitment to the key.</param>
/// <param name="Link">The previous key, boxed under this one: 104 bytes; none in generation 1 and where new members
/// read only what comes after they joined.</param>
public sealed record KeyGeneration(Digest Commit, ReadOnlyMemory<byte> Link);

/// <summary>
/// Who is in a sealed lobby, with which rights, and which key is due, after some entry of its roster (docs/sealing.md,
/// section 4). Server and every client compute it with the same <see cref="Apply"/>. Immutable: a server that judges
/// ahead of its commit simply forgets the states it did not reach.
/// </summary>
public sealed record RosterState
{
    /// <summary>The most members a lobby can have.</summary>
    public const int MembersMax = 500;

    RosterState()
    {
    }

    /// <summary>Hash of the create entry, as a UUID version 8.</summary>
    public Guid LobbyId { get; private init; }

    /// <summary>Number of entries so far.</summary>
    public ulong Height { get; private init; }

    /// <summary>Hash of the last entry, which stands for all of them.</summary>
    public Digest Head { get; private init; }

    /// <summary>What new members can read.</summary>
    public History History { get; private init; }

    /// <summary>The lobby's name that clients show; what a server says of it does not count.</summary>
    public string Name { get; private init; } = "";

    /// <summary>The members by fingerprint.</summary>
    public ImmutableDictionary<Digest, RosterMember> Members { get; private init; } =
        ImmutableDictionary<Digest, RosterMember>.Empty;

    /// <summary>All generations; number g stands at index g - 1.</summary>
    public ImmutableList<KeyGeneration> Generations { get; private init; } = [];

    /// <summary>A rotation is due, and nothing may be posted before it.</summary>
    public bool IsDirty { get; private init; }

    /// <summary>Number of the current key: 1, 2, 3 …</summary>
    public ulong Generation => (ulong)Generations.Count;

    ImmutableDictionary<Guid, Digest> Tokens { get; init; } = ImmutableDictionary<Guid, Digest>.Empty;

    /// <summary>The head says it all.</summary>
    public bool Equals(RosterState? other) => other is not null && Head == other.Head;

    public override int GetHashCode() => Head.GetHashCode();

    /// <summary>The member with this public token, or null.</summary>
    public RosterMember? MemberBy(Guid token) => Tokens.TryGetValue(token, out var member) ? Members[member] : null;

    /// <summary>
    /// Applies an entry, with all checks of section 4 in their order; the first that fails names the verdict.
    /// </summary>
    /// <param name="state">The state before it; null before the entry that creates the lobby.</param>
    /// <param name="entry">The entry. What it says of the lobby's id is not compared with anything when it creates one:
    /// that is for whoever asked for a certain lobby.</param>
    /// <param name="identities">Accepted identities by fingerprint. Asked only for the creator, an invited and a
    /// successor; members are known from the state.</param>
    /// <param name="next">The state after it, or null.</param>
    /// <returns>
    /// <see cref="Verdict.Accepted"/>, or <see cref="Verdict.BadEntry"/>, <see cref="Verdict.WrongLobby"/>,
    /// <see cref="Verdict.RosterConflict"/>, <see cref="Verdict.NotAMember"/>, <see cref="Verdict.BadIdentity"/>,
    /// <see cref="Verdict.BadSignature"/>, <see cref="Verdict.Forbidden"/>, <see cref="Verdict.AlreadyMember"/>,
    /// <see cref="Verdict.LastAdmin"/>, <see cref="Verdict.Limit"/>.
    /// </returns>
    /// <exception cref="ArgumentNullException">
    /// <paramref name="entry"/> or <paramref name="identities"/> is null.
    /// </exception>
    public static Verdict Apply(
        RosterState? state,
        RosterEntry entry,
        IReadOnlyDictionary<Digest, IdentityRecord> identities,
        out RosterState? next)
    {
        ArgumentNullException.ThrowIfNull(entry);
        ArgumentNullException.ThrowIfNull(identities);
        next = null;
        if (entry.Change is RosterChange.Create create)
        {
            return state is null ? Create(entry, create, identities, out next) : Verdict.BadEntry;
        }

        if (state is null)
        {
            return Verdict.BadEntry;
        }

        if (entry.LobbyId != state.LobbyId)
        {
            return Verdict.WrongLobby;
        }

        if (entry.Height != state.Height + 1 || entry.Previous != state.Head)
        {
            return Verdict.RosterConflict;
        }

        if (!state.Members.TryGetValue(entry.Author, out var author))
        {
            return Verdict.NotAMember;
        }

        if (!entry.IsSignedBy(author.Identity))
        {
            return Verdict.BadSignature;
        }

        var verdict = state.Change(author, entry.Change, identities, out var changed);
        next = verdict == Verdict.Accepted ? changed with { Height = entry.Height, Head = entry.Hash } : null;
        return verdict;
    }

    static Verdict Create(
        RosterEntry entry,
        RosterChange.Create create,
        IReadOnlyDictionary<Digest, IdentityRecord> identities,
        out RosterState? state)
    {
        state = null;
        if (!identities.TryGetValue(entry.Author, out var creator))
        {
            return Verdict.BadIdentity;
        }

        if (!entry.IsSignedBy(creator))
        {
            return Verdict.BadSignature;
        }

        state = new RosterState
        {
            LobbyId = SealedLobbyId.Of(entry.Hash),
            Height = entry.Height,
            Head = entry.Hash,
            History = create.History,
            Name = create.Name,
            Generations = [new(create.Commit, default)],
        }.With(new(creator, create.CreatorToken, MemberRights.All));
        return Verdict.Accepted;
    }

    Verdict Change(
        RosterMember author,
        RosterChange change,
        IReadOnlyDictionary<Digest, IdentityRecord> identities,
        out RosterState changed)
    {
        changed = this;
        return change switch
        {
            RosterChange.Invite invite => Invite(author, invite, identities, ref changed),
            RosterChange.Remove remove => Remove(author, remove, ref changed),
            RosterChange.SetRights setRights => SetRights(author, setRights, ref changed),
            RosterChange.Rotate rotate => Rotate(author, rotate, ref changed),
            RosterChange.Succeed succeed => Succeed(author, succeed, identities, ref changed),
            RosterChange.Rename rename => Rename(author, rename, ref changed),
            _ => Verdict.BadEntry,
        };
    }

    Verdict Invite(
        RosterMember author,
        RosterChange.Invite invite,
        IReadOnlyDictionary<Digest, IdentityRecord> identities,
        ref RosterState changed)
    {
        if (!author.Has(MemberRights.Invite) || !author.Has(invite.Rights))
        {
            return Verdict.Forbidden;
        }

        if (Members.ContainsKey(invite.Member) || Tokens.ContainsKey(invite.Token))
        {
            return Verdict.AlreadyMember;
        }

        if (Members.Count >= MembersMax)
        {
            return Verdict.Limit;
        }

        if (!identities.TryGetValue(invite.Member, out var identity))
        {
            return Verdict.BadIdentity;
        }

        // Where history starts at joining, the newcomer must not get the key that older messages are under.
        changed = With(new(identity, invite.Token, invite.Rights)) with
        {
            IsDirty = IsDirty || History == History.FromJoin,
        };
        return Verdict.Accepted;
    }

    Verdict Remove(RosterMember author, RosterChange.Remove remove, ref RosterState changed)
    {
        if (!Members.TryGetValue(remove.Member, out var target))
        {
            return Verdict.NotAMember;
        }

        if (!author.Has(MemberRights.Admin) && target != author)
        {
            return Verdict.Forbidden;
        }

        changed = Without(target) with { IsDirty = true };
        return changed.HasAdmin ? Verdict.Accepted : Verdict.LastAdmin;
    }

    Verdict SetRights(RosterMember author, RosterChange.SetRights setRights, ref RosterState changed)
    {
        if (!author.Has(MemberRights.Admin))
        {
            return Verdict.Forbidden;
        }

        if (!Members.TryGetValue(setRights.Member, out var target))
        {
            return Verdict.NotAMember;
        }

        changed = With(target with { Rights = setRights.Rights });
        return changed.HasAdmin ? Verdict.Accepted : Verdict.LastAdmin;
    }

    Verdict Rotate(RosterMember author, RosterChange.Rotate rotate, ref RosterState changed)
    {
        if (!author.Has(MemberRights.Admin) && !(IsDirty && author.Has(MemberRights.Write)))
        {
            return Verdict.Forbidden;
        }

        if (rotate.Generation != Generation + 1
            || rotate.Link.Length != (History == History.All ? RosterChange.LinkBytes : 0))
        {
            return Verdict.BadEntry;
        }

        changed = this with { Generations = Generations.Add(new(rotate.Commit, rotate.Link)), IsDirty = false };
        return Verdict.Accepted;
    }

    Verdict Succeed(
        RosterMember author,
        RosterChange.Succeed succeed,
        IReadOnlyDictionary<Digest, IdentityRecord> identities,
        ref RosterState changed)
    {
        if (Members.ContainsKey(succeed.Successor))
        {
            return Verdict.AlreadyMember;
        }

        if (!identities.TryGetValue(succeed.Successor, out var successor)
            || !string.Equals(successor.Login, author.Identity.Login, StringComparison.Ordinal))
        {
            return Verdict.BadIdentity;
        }

        changed = Without(author).With(author with { Identity = successor }) with { IsDirty = true };
        return Verdict.Accepted;
    }

    Verdict Rename(RosterMember author, RosterChange.Rename rename, ref RosterState changed)
    {
        if (!author.Has(MemberRights.Admin))
        {
            return Verdict.Forbidden;
        }

        changed = this with { Name = rename.Name };
        return Verdict.Accepted;
    }

    bool HasAdmin => Members.Values.Any(member => member.Has(MemberRights.Admin));

    RosterState With(RosterMember member) => this with
    {
        Members = Members.SetItem(member.Identity.Fingerprint, member),
        Tokens = Tokens.SetItem(member.Token, member.Identity.Fingerprint),
    };

    RosterState Without(RosterMember member) => this with
    {
        Members = Members.Remove(member.Identity.Fingerprint),
        Tokens = Tokens.Remove(member.Token),
    };
}
