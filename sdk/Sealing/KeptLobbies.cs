using Conclave.Roster;
using Conclave.Sdk.Storage;
using RowVerdict = Conclave.Roster.Verdict;

namespace Conclave.Sdk.Sealing;

/// <summary>Takes up a lobby where this user's programs left it.</summary>
static class KeptLobbies
{
    /// <summary>The lobby as it was judged last; null if it was never followed.</summary>
    /// <exception cref="StateException">What is kept does not hold: somebody has changed the file.</exception>
    public static LobbyFollower? Restore(SealedSession session, Guid lobbyId) => session.InOneChange(() =>
    {
        if (session.Lobbies.Find(lobbyId) is not { } kept)
            return null;
        var book = new RosterBook(lobbyId);
        foreach (var (seq, entry) in session.Lobbies.Roster(lobbyId))
        {
            if (book.Missing(entry) is { } fingerprint && session.Identities.Find(fingerprint) is { } identity)
                book.Know([identity]);
            if (book.Apply(entry, seq) != RowVerdict.Accepted)
                throw Broken(lobbyId);
        }
        var window = session.Lobbies.Window(lobbyId, kept.Last.Seq, LobbyLog.WindowRows);
        var before = window is [var first, ..] ? PlaceBefore(session, lobbyId, kept, first.Seq) : kept.Last;
        if (window.Where((row, place) => row.Seq != before.Seq + 1 + (ulong)place).Any())
            throw Broken(lobbyId);
        var follower = LobbyFollower.Restore(book, kept.Base, before, window, kept.IsConfirmed, session.Me);
        return follower.Log.Last == kept.Last ? follower : throw Broken(lobbyId);
    });

    /// <summary>
    /// Checks 9 and 10 for a message that is judged later than the rows around it, by what is kept of those.
    /// </summary>
    public static RowVerdict JudgePlace(
        SealedSession session, Guid lobbyId, SealedRow row, RosterMember author, ulong seq)
    {
        var (envelope, sender) = (row.Envelope!, author.Identity.Fingerprint);
        return session.Lobbies.HashAt(lobbyId, envelope.SeenSeq) is { } seen && seen != envelope.SeenHash
            ? RowVerdict.Fork
            : session.Lobbies.HasStood(lobbyId, seq, row.Hash, new MessageKey(sender, envelope.Id))
            ? RowVerdict.Replay
            : RowVerdict.Accepted;
    }

    static LogPoint PlaceBefore(SealedSession session, Guid lobbyId, KeptLobby kept, ulong first) =>
        first - 1 == kept.Base.Seq
            ? kept.Base
            : new(first - 1, session.Lobbies.HashAt(lobbyId, first - 1) ?? throw Broken(lobbyId));

    // Not the whole file: with it every key that was ever compared would be forgotten.
    static StateException Broken(Guid lobbyId) => new(
        $"What the state file holds of the lobby {lobbyId} does not add up. Restore the file from a backup, or forget "
        + $"what is known of this one lobby: conclave lobby alarm {lobbyId} --forget");
}
