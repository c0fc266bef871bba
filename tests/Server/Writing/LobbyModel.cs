using Conclave.Protocol;
using Conclave.Server.Storage;

namespace Conclave.Tests.Server.Writing;

/// <summary>
/// A lobby as docs/protocol.md tells it, plainly: what its log says of members at every place, and how an entry is
/// judged there. Made of a finished log, whose every entry it judges too.
/// </summary>
sealed class LobbyModel
{
    readonly List<StoredEntry> _log;

    // The members after the entry with seq = index.
    readonly List<Dictionary<Guid, (Rights Rights, long Since)>> _members = [[]];

    public LobbyModel(List<StoredEntry> log)
    {
        _log = log;
        foreach (var entry in log)
        {
            Assert.Equal(_members.Count, entry.Seq);
            Assert.True(entry.Seq == 1 || entry.SentAt >= log[(int)entry.Seq - 2].SentAt, "the time went back");
            if (entry.Kind != EntryKind.LobbyCreated)
                Assert.Equal(Outcome.Stored, Judge(AsNew(entry), entry.Seq - 1));
            _members.Add(Apply(entry, new(_members[^1])));
        }
    }

    public IReadOnlyList<StoredEntry> Log => _log;

    public (Rights Rights, long Since) Member(Guid user, long at) => _members[(int)at].GetValueOrDefault(user);

    /// <summary>The entry that ends the membership that began at <paramref name="since"/>; null if it lasts.</summary>
    public long? EndOf(Guid user, long since) => _log.Find(entry =>
        entry.Seq > since && entry.Kind == EntryKind.MemberRemoved && entry.Member!.PublicToken == user)?.Seq;

    /// <summary>What becomes of an entry that comes when <paramref name="at"/> is the last.</summary>
    public Outcome Judge(NewEntry entry, long at)
    {
        var earlier = _log.Find(stored =>
            stored.Seq <= at && stored.Author == entry.Author && stored.Nonce == entry.Nonce);
        if (earlier is not null)
            return IsSame(earlier, entry) ? Outcome.Duplicate : Outcome.NonceReused;
        var members = _members[(int)at];
        var author = members.GetValueOrDefault(entry.Author.PublicToken).Rights;
        var isOwn = entry.Member == entry.Author.PublicToken;
        var mayDo = entry.Kind switch
        {
            EntryKind.Message => author.HasFlag(Rights.Write),
            EntryKind.MemberInvited => author.HasFlag(Rights.Invite) && author.HasFlag(entry.Rights!.Value),
            EntryKind.RightsChanged => author.HasFlag(Rights.Admin),
            _ => author.HasFlag(Rights.Admin) || isOwn,
        };
        if (author == Rights.None || !mayDo)
            return Outcome.Forbidden;
        if (entry.Kind == EntryKind.Message)
            return Outcome.Stored;
        var isMember = members.TryGetValue(entry.Member!.Value, out var member);
        if (entry.Kind == EntryKind.MemberInvited)
            return isMember ? Outcome.AlreadyMember : Outcome.Stored;
        if (!isMember)
            return Outcome.NotAMember;
        var staysAdmin = entry.Kind == EntryKind.RightsChanged && entry.Rights!.Value.HasFlag(Rights.Admin);
        var isOnlyAdmin = member.Rights.HasFlag(Rights.Admin)
            && members.Count(other => other.Value.Rights.HasFlag(Rights.Admin)) == 1;
        return isOnlyAdmin && !staysAdmin ? Outcome.LastAdmin : Outcome.Stored;
    }

    static Dictionary<Guid, (Rights Rights, long Since)> Apply(
        StoredEntry entry, Dictionary<Guid, (Rights Rights, long Since)> members)
    {
        switch (entry.Kind)
        {
            case EntryKind.LobbyCreated:
                members[entry.Author.PublicToken] = (Rights.All, entry.Seq);
                break;
            case EntryKind.MemberInvited:
                members[entry.Member!.PublicToken] = (entry.Rights!.Value, entry.Seq);
                break;
            case EntryKind.RightsChanged:
                members[entry.Member!.PublicToken] = (entry.Rights!.Value, members[entry.Member.PublicToken].Since);
                break;
            case EntryKind.MemberRemoved:
                members.Remove(entry.Member!.PublicToken);
                break;
            default:
                break;
        }
        return members;
    }

    static bool IsSame(StoredEntry stored, NewEntry entry) => stored.Kind == entry.Kind
        && stored.Member?.PublicToken == entry.Member && stored.Rights == entry.Rights
        && stored.RowData.Span.SequenceEqual(entry.RowData.Span);

    static NewEntry AsNew(StoredEntry entry) => new()
    {
        Lobby = null!,
        Kind = entry.Kind,
        Author = entry.Author,
        Nonce = entry.Nonce,
        Member = entry.Member?.PublicToken,
        Rights = entry.Rights,
        RowData = entry.RowData,
    };
}
