using Conclave.Roster;
using Conclave.Server.Storage;

namespace Conclave.Server.Operator;

/// <summary>
/// Goes through the log of a sealed lobby as its members do, by the rules that clients know, and tells of everything
/// that they would raise an alarm about.
/// </summary>
sealed class SealedReplay(Guid lobbyId, LobbyKey key, IReadOnlyDictionary<Digest, IdentityRecord> identities)
{
    readonly LobbyLog _log = LobbyLog.Begin(lobbyId);

    /// <summary>What is wrong with the next entry.</summary>
    public IEnumerable<string> Read(AuditedEntry entry)
    {
        // Of a gap the other replay tells; nothing after it could be right.
        if (entry.Seq != (long)_log.Last.Seq + 1)
            yield break;
        if (entry.RowHash is not { Length: Digest.SizeBytes } rowHash)
        {
            yield return $"entry {entry.Seq} has no hash of its row";
            yield break;
        }
        var row = entry.Body is null ? null : TryOpen(entry);
        if (row is null)
        {
            if (entry.Body is not null || entry.Kind != EntryKind.Message)
                yield return $"entry {entry.Seq} has a body that does not open";
            _log.AppendTombstone(entry.Author, new Digest(rowHash));
        }
        else
        {
            if (row.Hash != new Digest(rowHash))
                yield return $"entry {entry.Seq} has another hash than its row";
            var judgement = _log.Judge(row, entry.Author, identities);
            if (judgement.Verdict != Verdict.Accepted)
                yield return $"entry {entry.Seq} is one that members refuse: {VerdictCode.Of(judgement.Verdict)}";
            else if (row.Entry is null != (entry.Kind == EntryKind.Message))
                yield return $"entry {entry.Seq} is of another kind than its row";
            _log.Append(judgement);
        }
        if (entry.Hash is not { } hash || !_log.Last.Hash.Bytes.SequenceEqual(hash))
            yield return $"entry {entry.Seq} has another transcript than the rows lead to";
    }

    /// <summary>What the tables say otherwise than the roster, at its end.</summary>
    public IEnumerable<string> Finish(AuditedRoster tables, string name)
    {
        if (_log.Roster is not { } roster)
        {
            yield return "it is sealed, and has no roster";
            yield break;
        }
        if (roster.Name != name)
            yield return "its name is another one than the roster says";
        if ((long)roster.Generation != tables.Generation)
            yield return $"its keys are of generation {tables.Generation}, and by the roster of {roster.Generation}";
        if ((long)roster.Height != tables.Height)
            yield return $"its roster has {tables.Height} places, and {roster.Height} entries";
        foreach (var member in roster.Members.Values)
        {
            if (!tables.Fingerprints.TryGetValue(member.Token, out var fingerprint)
                || !member.Identity.Fingerprint.Bytes.SequenceEqual(fingerprint))
                yield return $"member {member.Token} has another identity than the roster says";
        }
        if (tables.Fingerprints.Count != roster.Members.Count)
            yield return "its members are not those of the roster";
    }

    SealedRow? TryOpen(AuditedEntry entry)
    {
        var plaintext = new byte[Math.Max(0, LobbyKey.PlaintextSize(entry.Body!.Length))];
        return key.TryDecrypt(lobbyId, entry.Author, entry.Nonce, entry.Body, plaintext)
            ? SealedRow.Parse(plaintext)
            : null;
    }
}
