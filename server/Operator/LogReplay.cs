using Conclave.Protocol;
using Conclave.Server.Storage;

namespace Conclave.Server.Operator;

/// <summary>
/// Goes through the log of one lobby from its first entry on, keeps what it says of members and name, and tells of
/// every entry that the server would not have let in there.
/// </summary>
sealed class LogReplay(AuditedLobby lobby, LobbyKey? key)
{
    readonly Dictionary<Guid, AuditedMember> _members = [];
    byte[] _plaintext = [];
    long _seq;
    long _bytes;
    DateTimeOffset _sentAt;
    string? _name;

    /// <summary>What is wrong with the next entry.</summary>
    public IEnumerable<string> Read(AuditedEntry entry)
    {
        if (entry.Seq == _seq + 2)
            yield return $"entry {_seq + 1} is missing";
        else if (entry.Seq > _seq + 1)
            yield return $"the entries {_seq + 1} to {entry.Seq - 1} are missing";
        if (entry.SentAt < _sentAt)
            yield return $"entry {entry.Seq} is older than the one before it";
        if (!entry.AreKnown)
            yield return $"entry {entry.Seq} names a user who does not exist";
        if (Fault(entry) is { } fault)
            yield return $"entry {entry.Seq} {fault}";
        _seq = entry.Seq;
        _sentAt = entry.SentAt;
        _bytes += entry.Kind == EntryKind.Message ? entry.Body?.Length ?? 0 : 0;
        Apply(entry);
    }

    /// <summary>What the tables say otherwise than the log, at its end.</summary>
    public IEnumerable<string> Finish(IReadOnlyDictionary<Guid, AuditedMember> members)
    {
        if (_seq != lobby.LastSeq)
            yield return $"last_seq is {lobby.LastSeq}, and the last entry {_seq}";
        if (_sentAt != lobby.LastSentAt)
            yield return "last_sent_at is not the time of the last entry";
        if (_bytes != lobby.Bytes)
            yield return $"its messages take {_bytes} bytes, and by its row {lobby.Bytes}";
        if (_name != lobby.Name)
            yield return "its name is another one than the log says";
        foreach (var (user, member) in members)
        {
            if (!_members.TryGetValue(user, out var said))
                yield return $"user {user} is a member, and by the log is none";
            else if (said != member)
                yield return $"member {user} has other rights, or is one since another entry, than the log says";
        }
        foreach (var user in _members.Keys.Where(user => !members.ContainsKey(user)))
            yield return $"user {user} is a member by the log, and is none";
    }

    string? Fault(AuditedEntry entry) => entry.Kind switch
    {
        EntryKind.LobbyCreated => entry.Seq == 1 && entry.Author == lobby.CreatedBy && entry.Name is not null
            ? null
            : "creates the lobby a second time, or not as its row says",
        _ when !_members.ContainsKey(entry.Author) => "is by somebody who was not a member",
        EntryKind.Message => !Has(entry.Author, Rights.Write)
            ? "is a message by somebody without the right to write"
            : IsReadable(entry) ? null : "has a body that does not open",
        EntryKind.MemberInvited => _members.ContainsKey(entry.Member ?? default)
            ? "invites somebody who was a member already"
            : Has(entry.Author, Rights.Invite | (entry.Rights ?? Rights.All)) && entry.Member is not null
                ? null
                : "invites with rights that its author did not have",
        EntryKind.RightsChanged => Has(entry.Author, Rights.Admin) && entry.Rights is not null
            && _members.ContainsKey(entry.Member ?? default) && LeavesAdmin(entry, entry.Rights ?? Rights.None)
                ? null
                : "changes rights that could not be changed so",
        EntryKind.MemberRemoved => (entry.Author == entry.Member || Has(entry.Author, Rights.Admin))
            && _members.ContainsKey(entry.Member ?? default) && LeavesAdmin(entry, Rights.None)
                ? null
                : "removes somebody who could not be removed so",
        EntryKind.LobbyRenamed => Has(entry.Author, Rights.Admin) && entry.Name is not null
            ? null
            : "renames the lobby, which its author could not",
        EntryKind.KeyRotated or EntryKind.IdentitySucceeded when lobby.IsSealed => null,
        _ => $"is of the unknown kind {(short)entry.Kind}",
    };

    void Apply(AuditedEntry entry)
    {
        switch (entry.Kind)
        {
            case EntryKind.LobbyCreated:
                _name = entry.Name;
                _members[entry.Author] = new AuditedMember(Rights.All, entry.Seq, entry.SentAt);
                break;
            case EntryKind.MemberInvited when entry.Member is { } invited:
                _members[invited] = new AuditedMember(entry.Rights ?? Rights.None, entry.Seq, entry.SentAt);
                break;
            case EntryKind.RightsChanged when entry.Member is { } changed && _members.TryGetValue(changed, out var was):
                _members[changed] = was with { Rights = entry.Rights ?? was.Rights };
                break;
            case EntryKind.MemberRemoved when entry.Member is { } removed:
                _members.Remove(removed);
                break;
            case EntryKind.LobbyRenamed:
                _name = entry.Name;
                break;
        }
    }

    bool Has(Guid user, Rights rights) => _members.TryGetValue(user, out var member) && member.Rights.HasFlag(rights);

    bool LeavesAdmin(AuditedEntry entry, Rights rights) =>
        rights.HasFlag(Rights.Admin) || _members.Any(
            member => member.Key != entry.Member && member.Value.Rights.HasFlag(Rights.Admin));

    bool IsReadable(AuditedEntry entry)
    {
        // What was erased has none.
        if (key is null || entry.Body is not { } body)
            return true;
        if (LobbyKey.PlaintextSize(body.Length) is < 0)
            return false;
        var bytes = LobbyKey.PlaintextSize(body.Length);
        if (_plaintext.Length < bytes)
            _plaintext = new byte[2 * bytes];
        return key.TryDecrypt(lobby.LobbyId, entry.Author, entry.Nonce, body, _plaintext.AsSpan(0, bytes));
    }
}
