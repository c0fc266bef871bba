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
                throw Broken();
        }
        var window = session.Lobbies.Window(lobbyId, kept.Last.Seq, LobbyLog.WindowRows);
        var before = window is [var first, ..] ? PlaceBefore(session, lobbyId, kept, first.Seq) : kept.Last;
        var follower = LobbyFollower.Restore(book, kept.Base, before, window, kept.IsConfirmed, session.Me);
        return follower.Log.Last == kept.Last ? follower : throw Broken();
    });

    static LogPoint PlaceBefore(SealedSession session, Guid lobbyId, KeptLobby kept, ulong first) =>
        first - 1 == kept.Base.Seq
            ? kept.Base
            : new(first - 1, session.Lobbies.HashAt(lobbyId, first - 1) ?? throw Broken());

    static StateException Broken() =>
        new("The state file holds a lobby that does not add up. Restore it, or delete it and sign in again.");
}
