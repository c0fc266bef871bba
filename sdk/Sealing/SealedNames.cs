using Conclave.Protocol;
using Conclave.Sdk.Storage;

namespace Conclave.Sdk.Sealing;

/// <summary>
/// Finds the lobby that a caller means. A name leads to the lobby that it led to first, to a sealed one only if its
/// roster bears that name, and to a plain one for good only once a person has declared it plain (docs/sealing.md,
/// section 9); an id of version 8 is sealed whatever the server says.
/// </summary>
static class SealedNames
{
    /// <summary>The lobby's id.</summary>
    /// <exception cref="AlarmException"><see cref="AlarmCode.NameMoved"/>.</exception>
    public static async Task<Guid> FindAsync(
        SealedSession session, LobbyRef lobby, CancellationToken cancellationToken)
    {
        if (lobby.Name is not { } name)
            return lobby.Id ?? throw new ArgumentException("Neither name nor id of a lobby is given.", nameof(lobby));
        var key = LobbyName.Canonical(name) is { } canonical
            ? LobbyName.Key(canonical)
            : throw IsNoName();
        var pinned = session.Pins.LobbyNamed(key);
        var id = pinned ?? lobby.Id
            ?? await ServedAsync(session, lobby, cancellationToken).ConfigureAwait(false);
        if (lobby.Id is { } given && given != id)
            throw Moved(name, id);
        if (pinned is not null)
            return id;
        if (IsSealed(id))
        {
            var opened = session.Lobby(id);
            var hasBorne = await opened.InTurnAsync(async () =>
            {
                await opened.CatchUpAsync(cancellationToken).ConfigureAwait(false);
                return opened.Follower.Book.HasBorne(name);
            }, cancellationToken).ConfigureAwait(false);
            if (!hasBorne)
                throw opened.Standing ?? Moved(name, id);
            session.Pins.KeepName(key, id);
        }
        return id;
    }

    /// <summary>Where the server says that a name leads, of which nothing is believed yet.</summary>
    public static async Task<Guid> ServedAsync(
        SealedSession session, LobbyRef lobby, CancellationToken cancellationToken)
    {
        if (Pinned(session, lobby.Name ?? "") is { } pinned)
            return pinned;
        var reply = await session.Link.AskAsync<LobbyReply>(
            ActionName.LobbyId, RequestKind.Ask, null, json => json.WriteLobby(lobby), cancellationToken)
            .ConfigureAwait(false);
        return reply.LobbyId;
    }

    /// <summary>Has a name lead to a lobby from now on.</summary>
    /// <exception cref="AlarmException"><see cref="AlarmCode.NameMoved"/>: it has led elsewhere before.</exception>
    public static void Keep(SealedSession session, string name, Guid lobbyId)
    {
        if (LobbyName.Canonical(name) is not { } canonical)
            return;
        session.Pins.KeepName(LobbyName.Key(canonical), lobbyId);
        if (Pinned(session, canonical) != lobbyId)
            throw Moved(name, lobbyId);
    }

    /// <summary>Where a name has led before; null if it was never used.</summary>
    public static Guid? Pinned(SealedSession session, string name) =>
        LobbyName.Canonical(name) is { } canonical ? session.Pins.LobbyNamed(LobbyName.Key(canonical)) : null;

    /// <summary>The sealed lobby that is meant; null if the lobby is plain.</summary>
    public static async Task<SealedLobby?> SealedAsync(
        SealedSession session, LobbyRef lobby, CancellationToken cancellationToken)
    {
        var id = await FindAsync(session, lobby, cancellationToken).ConfigureAwait(false);
        return IsSealed(id) ? await OpenAsync(session, id, cancellationToken).ConfigureAwait(false) : null;
    }

    /// <summary>A sealed lobby by its id, about to be used.</summary>
    public static async Task<SealedLobby> OpenAsync(
        SealedSession session, Guid lobbyId, CancellationToken cancellationToken)
    {
        var lobby = session.Lobby(lobbyId);
        await SealedLobbies.IntroduceAsync(session, lobby, cancellationToken).ConfigureAwait(false);
        return lobby;
    }

    /// <exception cref="ArgumentException">The lobby is plain.</exception>
    public static async Task<SealedLobby> RequireSealedAsync(
        SealedSession session, LobbyRef lobby, CancellationToken cancellationToken) =>
        await SealedAsync(session, lobby, cancellationToken).ConfigureAwait(false)
        ?? throw new ArgumentException("The lobby is plain: it has no roster and no keys.", nameof(lobby));

    public static bool IsSealed(Guid lobbyId) => Conclave.Roster.SealedLobbyId.IsSealed(lobbyId);

    public static RefusedException IsNoName() =>
        RefusedException.From(new Refusal(ErrorCode.BadRequest, "This is no name of a lobby", "lobby_name"));

    public static AlarmException Moved(string name, Guid lobbyId) => new(
        AlarmCode.NameMoved,
        $"The server leads {name} to another lobby than the one that bears the name. It may want you to post in the "
        + "wrong room. Ask a member for the lobby's id.")
    {
        LobbyId = lobbyId,
    };
}

/// <summary>Somebody's identity, asked of the server and pinned.</summary>
static class Invitee
{
    /// <exception cref="RefusedException">No such user, or one whose account is plain.</exception>
    public static async Task<Pin> FindAsync(
        Link link, SealedSession session, string login, CancellationToken cancellationToken)
    {
        var canonical = Login.Canonical(login)
            ?? throw RefusedException.From(new Refusal(ErrorCode.BadRequest, "This is no login", "login"));
        var reply = await link.AskAsync<UserReply>(
            ActionName.GetPublicToken, RequestKind.Ask, null, json => json.WriteString("login"u8, canonical),
            cancellationToken).ConfigureAwait(false);
        return session.See(canonical, reply.PublicToken, reply.Identity)
            ?? throw RefusedException.From(new Refusal(
                AlarmCode.PlainAccount, $"{canonical} has a plain account, which cannot be in a sealed lobby"));
    }
}
