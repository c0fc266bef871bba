using System.Runtime.InteropServices;
using Conclave.Protocol;
using Conclave.Roster;
using RowVerdict = Conclave.Roster.Verdict;

namespace Conclave.Sdk.Sealing;

/// <summary>How somebody came into a lobby.</summary>
/// <param name="Inviter">Who invited; null of the creator.</param>
/// <param name="Generation">The first generation whose key the member is entitled to.</param>
/// <param name="Seq">The place of the entry in the log.</param>
[StructLayout(LayoutKind.Auto)]
readonly record struct Joining(IdentityRecord? Inviter, ulong Generation, ulong Seq);

/// <summary>
/// The roster of one lobby as this client has verified it, and what reading the log needs of its past: which key
/// belongs to which head, who invited whom, and every name the lobby ever had.
/// </summary>
sealed class RosterBook(Guid lobbyId)
{
    readonly Dictionary<Digest, IdentityRecord> _identities = [];
    readonly Dictionary<Digest, (ulong Seq, RosterState State)> _states = [];
    readonly Dictionary<Digest, Joining> _joined = [];
    readonly Dictionary<Digest, Guid> _tokens = [];
    readonly HashSet<string> _names = new(StringComparer.Ordinal);

    public Guid LobbyId => lobbyId;

    /// <summary>The roster now; null before its first entry.</summary>
    public RosterState? State { get; private set; }

    /// <summary>Who made the lobby; null before its first entry.</summary>
    public RosterMember? Creator { get; private set; }

    /// <summary>Accepted identities by fingerprint.</summary>
    public IReadOnlyDictionary<Digest, IdentityRecord> Identities => _identities;

    /// <summary>Takes identities in; each was accepted for its login.</summary>
    public void Know(IEnumerable<IdentityRecord> identities)
    {
        foreach (var identity in identities)
            _identities.TryAdd(identity.Fingerprint, identity);
    }

    /// <summary>The fingerprint whose identity must be known to judge an entry; null if all are.</summary>
    public Digest? Missing(RosterEntry entry)
    {
        var named = entry.Change switch
        {
            RosterChange.Create => entry.Author,
            RosterChange.Invite invite => invite.Member,
            RosterChange.Succeed succeed => succeed.Successor,
            _ => (Digest?)null,
        };
        return named is { } fingerprint && !_identities.ContainsKey(fingerprint) ? fingerprint : null;
    }

    /// <summary>Judges the next entry without the row around it, and takes it in if it holds.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="seq">Its place in the log.</param>
    public RowVerdict Apply(RosterEntry entry, ulong seq)
    {
        var verdict = RosterState.Apply(State, entry, _identities, out var next);
        if (verdict == RowVerdict.Accepted && next!.LobbyId != lobbyId)
            verdict = RowVerdict.WrongLobby;
        if (verdict == RowVerdict.Accepted)
            Add(entry, seq, next!);
        return verdict;
    }

    /// <summary>Takes in an entry that was judged.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="seq">Its place in the log.</param>
    /// <param name="next">The state after it.</param>
    public void Add(RosterEntry entry, ulong seq, RosterState next)
    {
        switch (entry.Change)
        {
            case RosterChange.Create:
                Creator = next.Members[entry.Author];
                _joined[entry.Author] = new(null, 1, seq);
                _tokens[entry.Author] = Creator.Token;
                break;
            case RosterChange.Invite invite:
                _joined[invite.Member] = new(
                    _identities[entry.Author], next.History == History.All ? 1 : next.Generation + 1, seq);
                _tokens[invite.Member] = invite.Token;
                break;
            case RosterChange.Succeed succeed:
                _joined[succeed.Successor] = _joined[entry.Author];
                _tokens[succeed.Successor] = _tokens[entry.Author];
                break;
        }
        State = next;
        _states[next.Head] = (seq, next);
        _names.Add(LobbyName.Key(next.Name));
    }

    /// <summary>
    /// The generation of the key that messages under a roster head are sealed with; 0 for no such head.
    /// </summary>
    public ulong GenerationAt(Digest head) => StateAt(head)?.Generation ?? 0;

    /// <summary>The roster under a head; null for a head that the roster never had.</summary>
    public RosterState? StateAt(Digest head) => _states.TryGetValue(head, out var state) ? state.State : null;

    /// <summary>Whether a head was the newest one before a place in the log.</summary>
    public bool WasCurrent(Digest head, ulong seq) =>
        _states.TryGetValue(head, out var state) && state.Seq < seq
        && !_states.Values.Any(other => other.Seq > state.Seq && other.Seq < seq);

    /// <summary>How a member, present or former, came into the lobby.</summary>
    public Joining? JoiningOf(Digest fingerprint) =>
        _joined.TryGetValue(fingerprint, out var joining) ? joining : null;

    /// <summary>The public token of a member, present or former.</summary>
    public Guid TokenOf(Digest fingerprint) => _tokens.GetValueOrDefault(fingerprint);

    /// <summary>The login of a member, present or former; null if nobody had this token.</summary>
    public string? LoginOf(Guid token) =>
        _tokens.FirstOrDefault(member => member.Value == token) is { Value: var found, Key: var fingerprint }
        && found == token && _identities.TryGetValue(fingerprint, out var identity)
            ? identity.Login
            : null;

    /// <summary>Whether the lobby has this name, or once had it: names in requests may be old ones.</summary>
    public bool HasBorne(string name) =>
        LobbyName.Canonical(name) is { } canonical && _names.Contains(LobbyName.Key(canonical));
}
