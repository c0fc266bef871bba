namespace Conclave.Roster;

/// <summary>What a member may do; the bits stand in roster entries (docs/sealing.md, section 4).</summary>
[Flags]
public enum MemberRights : byte
{
    /// <summary>No rights. Nobody in a roster has it: <see cref="Read"/> is always set.</summary>
    None = 0,
    Read = 1,
    Write = 2,
    Invite = 4,
    Admin = 8,

    /// <summary>What the creator has.</summary>
    All = Read | Write | Invite | Admin,
}

/// <summary>What new members can read, decided once when the lobby is created.</summary>
public enum History : byte
{
    /// <summary>Everything: each key is linked to the one before it.</summary>
    All = 0,

    /// <summary>What comes after they joined.</summary>
    FromJoin = 1,
}

/// <summary>
/// What a roster entry changes: exactly one of the seven records in here (docs/sealing.md, section 4, the table).
/// Nothing in them is secret.
/// </summary>
public abstract record RosterChange
{
    /// <summary>Size of a link between two keys, in bytes.</summary>
    public const int LinkBytes = 104;

    /// <summary>The longest name, in bytes of UTF-8. The shortest has one.</summary>
    public const int NameBytesMax = 255;

    RosterChange()
    {
    }

    internal abstract byte Operation { get; }

    internal abstract LabeledTuple AddTo(LabeledTuple body);

    /// <summary>Op 1, the first entry: its hash is the lobby's id.</summary>
    /// <param name="CreatorToken">The author's public token.</param>
    /// <param name="History">What new members can read.</param>
    /// <param name="Commit">Commitment to the key of generation 1.</param>
    /// <param name="Name">1 to 255 bytes of UTF-8.</param>
    public sealed record Create(Guid CreatorToken, History History, Digest Commit, string Name) : RosterChange
    {
        internal override byte Operation => 1;

        internal override LabeledTuple AddTo(LabeledTuple body) =>
            body.Add(CreatorToken).AddByte((byte)History).Add(Commit).Add(System.Text.Encoding.UTF8.GetBytes(Name));
    }

    /// <summary>Op 2.</summary>
    /// <param name="Member">Fingerprint of the invited.</param>
    /// <param name="Token">Public token of the invited.</param>
    /// <param name="Rights">At most the author's own.</param>
    public sealed record Invite(Digest Member, Guid Token, MemberRights Rights) : RosterChange
    {
        internal override byte Operation => 2;

        internal override LabeledTuple AddTo(LabeledTuple body) => body.Add(Member).Add(Token).AddByte((byte)Rights);
    }

    /// <summary>Op 3: an admin removes, or a member leaves.</summary>
    /// <param name="Member">Fingerprint of the one who is no member after it.</param>
    public sealed record Remove(Digest Member) : RosterChange
    {
        internal override byte Operation => 3;

        internal override LabeledTuple AddTo(LabeledTuple body) => body.Add(Member);
    }

    /// <summary>Op 4.</summary>
    /// <param name="Member">Fingerprint of the member.</param>
    /// <param name="Rights">The rights after it.</param>
    public sealed record SetRights(Digest Member, MemberRights Rights) : RosterChange
    {
        internal override byte Operation => 4;

        internal override LabeledTuple AddTo(LabeledTuple body) => body.Add(Member).AddByte((byte)Rights);
    }

    /// <summary>Op 5: a new key from here on.</summary>
    /// <param name="Generation">One more than the state's.</param>
    /// <param name="Commit">Commitment to the new key.</param>
    /// <param name="Link">104 bytes, or none in a lobby of <see cref="Roster.History.FromJoin"/>.</param>
    public sealed record Rotate(ulong Generation, Digest Commit, ReadOnlyMemory<byte> Link) : RosterChange
    {
        internal override byte Operation => 5;

        internal override LabeledTuple AddTo(LabeledTuple body) =>
            body.AddNumber(Generation).Add(Commit).Add(Link.Span);
    }

    /// <summary>Op 6: the author's account has a new identity; signed with the old one.</summary>
    /// <param name="Successor">The new fingerprint.</param>
    public sealed record Succeed(Digest Successor) : RosterChange
    {
        internal override byte Operation => 6;

        internal override LabeledTuple AddTo(LabeledTuple body) => body.Add(Successor);
    }

    /// <summary>Op 7.</summary>
    /// <param name="Name">1 to 255 bytes of UTF-8.</param>
    public sealed record Rename(string Name) : RosterChange
    {
        internal override byte Operation => 7;

        internal override LabeledTuple AddTo(LabeledTuple body) => body.Add(System.Text.Encoding.UTF8.GetBytes(Name));
    }
}
