using Conclave.Protocol;
using Conclave.Roster;
using Conclave.Server.Storage;
using Conclave.Server.Writing;

namespace Conclave.Server.Actions;

/// <summary>
/// The entry of a roster that makes a change of a sealed lobby: signed by a member, who decided on it. The fields
/// beside it are for people and for plain clients; they say the same.
/// </summary>
static class SealedChange
{
    /// <summary>The answer to a request whose entry is missing, out of place, or about something else.</summary>
    public static Answer? Refuse<TChange>(LobbyInfo lobby, RosterEntry? entry) where TChange : RosterChange =>
        (lobby.IsSealed, entry) switch
        {
            (false, null) => null,
            (false, _) => RosterForm.OutOfPlace(),
            (true, null) => RosterForm.Missing(),
            (true, { Change: TChange }) => null,
            _ => RosterForm.Disagrees(RosterForm.EntryField),
        };

    /// <summary>The entry as it goes to the writer.</summary>
    /// <param name="lobby">The lobby.</param>
    /// <param name="kind">What it amounts to.</param>
    /// <param name="entry">The entry.</param>
    /// <param name="part">What came with it.</param>
    /// <param name="turn">The turn.</param>
    public static NewEntry Build(
        LobbyInfo lobby, EntryKind kind, RosterEntry entry, SealedPart part, Turn turn) =>
        NewEntry.OfRoster(
            lobby,
            kind,
            turn.Session.Person,
            part,
            entry.Change switch
            {
                RosterChange.Invite invite => (Rights)invite.Rights,
                RosterChange.SetRights setRights => (Rights)setRights.Rights,
                _ => null,
            },
            (entry.Change as RosterChange.Rename)?.Name);

    /// <summary>A change that is about one member, of a lobby of either kind.</summary>
    /// <param name="change">What is wanted in a plain lobby; its signed entry says so in a sealed one.</param>
    /// <param name="entry">The entry; null in a plain lobby.</param>
    /// <param name="turn">The turn.</param>
    public static async ValueTask<NewEntry> OfMemberAsync(NewEntry change, RosterEntry? entry, Turn turn) =>
        entry is null
            ? change
            : Build(
                change.Lobby,
                change.Kind,
                entry,
                new SealedPart(RowOf(entry)) { Target = await PersonAsync(change.Member!.Value, turn) },
                turn);

    /// <summary>The row of an entry.</summary>
    public static SealedRow RowOf(RosterEntry entry) => SealedRow.Parse(SealedRow.AroundEntry(entry));

    /// <summary>A user by the token, also if there is none: then no roster has them either.</summary>
    public static async ValueTask<Person> PersonAsync(Guid publicToken, Turn turn) =>
        (await turn.Rooms.Users.FindAsync(publicToken, turn.Cancellation))?.Person ?? new Person("", publicToken);

    /// <summary>
    /// The answer to somebody who is no member, before a lobby is read for them, and before a change of theirs ends its
    /// lobby's part of a batch: a stranger may ask for neither. Null where the writer judges.
    /// </summary>
    public static async ValueTask<Answer?> RefuseStrangerAsync(LobbyInfo lobby, Guid nonce, Turn turn)
    {
        var refused = await Lookup.RefuseStrangerAsync(lobby, turn);
        // What was stored before is still answered as that.
        return refused is not null && await turn.Rooms.Lobbies.HasEntryAsync(
            lobby, turn.Session.Person, nonce, turn.Cancellation)
                ? null
                : refused;
    }

    /// <summary>
    /// Reads the lobby, if it is sealed and not known here, and checks the signature: both take long, and the writer
    /// would do it one by one, with the lobby locked. It finds what is remembered.
    /// </summary>
    public static async ValueTask<Answer?> PrepareAsync(NewEntry entry, Turn turn)
    {
        if (entry.Sealed is not { } part)
            return null;
        var (state, refused) = await ReadAsync(entry.Lobby, turn);
        if (state?.Roster.MemberBy(entry.Author.PublicToken) is { } member)
            _ = part.Row.Entry!.IsSignedBy(member.Identity);
        return refused;
    }

    /// <summary>
    /// A sealed lobby as it is known here. Who has more of them than fit could have them read by turns, with those of
    /// all others: so one user does it at a pace.
    /// </summary>
    public static async ValueTask<(SealedLobby? State, Answer? Refused)> ReadAsync(LobbyInfo lobby, Turn turn)
    {
        var lobbies = turn.Rooms.SealedLobbies;
        if (!lobbies.IsKnown(lobby.LobbyId)
            && !turn.Rooms.Paces.TryRead(turn.Session.Person.PublicToken, out var retryAfter))
        {
            return (null, Refused.RateLimited(
                "you write to more sealed lobbies than the server reads for one user in this time", retryAfter));
        }
        return (await lobbies.FindAsync(lobby, turn.Cancellation), null);
    }

    /// <summary>Writes an entry of a lobby, at most so many a minute by one user.</summary>
    /// <returns>What became of it; or the answer to give.</returns>
    public static async ValueTask<(Draft? Draft, Answer? Refused)> WriteAsync(NewEntry entry, Turn turn)
    {
        if (await RefuseStrangerAsync(entry.Lobby, entry.Nonce, turn) is { } stranger)
            return (null, stranger);
        if (await PrepareAsync(entry, turn) is { } tooMany)
            return (null, tooMany);
        var author = entry.Author.PublicToken;
        var paces = turn.Rooms.Paces;
        if (!paces.TryChange(author, out var retryAfter))
            return (null, TooManyChanges(retryAfter));
        var draft = await turn.Rooms.WriterOf(entry.Lobby).WriteAsync(entry, turn.Cancellation);
        // One that is refused has taken a commit as well, and held up what was posted after it.
        if (draft.Result.Outcome is Outcome.Duplicate or Outcome.Unavailable)
            paces.NotChanged(author);
        return (draft, null);
    }

    public static Answer TooManyChanges(TimeSpan retryAfter) => Refused.RateLimited(
        "you change members, rights and names more often than the server takes from one user", retryAfter);
}
