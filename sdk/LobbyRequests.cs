using Conclave.Protocol;
using Conclave.Sdk.Sealing;

namespace Conclave.Sdk;

/// <summary>Which part of a log is wanted; see <see cref="ConclaveClient.HistoryAsync"/>.</summary>
sealed record PageWanted(long? After, long? Before, int Limit, int? BodyMax);

/// <summary>What is to be posted, when it is to be erased again, and what it is called.</summary>
sealed record Posting(Content Content, long? ExpiresInSeconds, Guid? Nonce);

/// <summary>
/// What a caller asks of a lobby, on its way: to the server as it is, or, if the lobby is sealed, by way of what signs,
/// seals and verifies. A plain client knows only the first.
/// </summary>
sealed class LobbyRequests(Link link, SealedClient? sealing)
{
    public async Task<UserReply> FindUserAsync(string login, CancellationToken cancellationToken)
    {
        var reply = await link.AskAsync<UserReply>(
            ActionName.GetPublicToken, RequestKind.Ask, null, json => json.WriteString("login"u8, login),
            cancellationToken).ConfigureAwait(false);
        Answered.About(login, reply.Login);
        if (sealing is not null && link.Token is not null && Login.Canonical(login) is { } canonical)
        {
            var session = await sealing.SessionAsync(cancellationToken).ConfigureAwait(false);
            session.See(canonical, reply.PublicToken, reply.Identity);
        }
        return reply;
    }

    public async Task<LobbyReply> FindLobbyAsync(LobbyRef lobby, CancellationToken cancellationToken)
    {
        var reply = await link.AskAsync<LobbyReply>(
            ActionName.LobbyId, RequestKind.Ask, null, json => json.WriteLobby(lobby), cancellationToken)
            .ConfigureAwait(false);
        if (sealing is null || link.Token is null || lobby.Name is not { } name)
            return reply;
        var session = await sealing.SessionAsync(cancellationToken).ConfigureAwait(false);
        return SealedNames.Pinned(session, name) is { } pinned && pinned != reply.LobbyId
            ? throw SealedNames.Moved(name, reply.LobbyId)
            : reply;
    }

    public async Task<CreateLobbyReply> CreateLobbyAsync(
        string lobbyName, Guid? nonce, CancellationToken cancellationToken)
    {
        var once = nonce ?? Guid.NewGuid();
        var reply = await link.AskSignedAsync<CreateLobbyReply>(ActionName.CreateLobby, RequestKind.Append, json =>
        {
            json.WriteString("lobby_name"u8, lobbyName);
            json.WriteString("nonce"u8, once);
        }, cancellationToken).ConfigureAwait(false);
        if (sealing is null)
            return reply;
        if (SealedNames.IsSealed(reply.LobbyId))
            throw new BrokenServerException("it made a sealed lobby where a plain one was asked for");
        // Whoever makes a plain lobby has said that it is to be plain.
        var session = await sealing.SessionAsync(cancellationToken).ConfigureAwait(false);
        session.Pins.DeclarePlain(reply.LobbyId);
        SealedNames.Keep(session, lobbyName, reply.LobbyId);
        return reply;
    }

    public async Task<InviteLobbyReply> InviteAsync(
        LobbyRef lobby, Guid publicToken, Rights rights, Guid? nonce, CancellationToken cancellationToken)
    {
        if (await FindAsync(lobby, cancellationToken).ConfigureAwait(false) is (var session, { } opened))
        {
            return await SealedLobbies.InviteAsync(
                session, opened, SealedClient.Pinned(session, publicToken), rights, cancellationToken)
                .ConfigureAwait(false);
        }
        var once = nonce ?? Guid.NewGuid();
        return await link.AskSignedAsync<InviteLobbyReply>(ActionName.InviteLobby, RequestKind.Append, json =>
        {
            json.WriteLobby(lobby);
            json.WriteString("public_token"u8, publicToken);
            json.WriteRights(rights);
            json.WriteString("nonce"u8, once);
        }, cancellationToken).ConfigureAwait(false);
    }

    public Task<MessageReply> PostAsync(LobbyRef lobby, Posting posting, CancellationToken cancellationToken) =>
        sealing is null
            ? PostPlainAsync(lobby, posting, cancellationToken)
            : PostAnyAsync(sealing, lobby, posting, cancellationToken);

    public async Task<IReadOnlyList<OwnLobby>> MyLobbiesAsync(CancellationToken cancellationToken)
    {
        var lobbies = await Listing.LobbiesAsync(link, cancellationToken).ConfigureAwait(false);
        return sealing is null ? lobbies : await sealing.NameAsync(lobbies, cancellationToken).ConfigureAwait(false);
    }

    public async Task<IReadOnlyList<Member>> MembersAsync(LobbyRef lobby, CancellationToken cancellationToken) =>
        await FindAsync(lobby, cancellationToken).ConfigureAwait(false) is (var session, { } opened)
            ? await SealedLobbies.MembersAsync(session, opened, cancellationToken).ConfigureAwait(false)
            : await Listing.MembersAsync(link, lobby, cancellationToken).ConfigureAwait(false);

    public async Task<HistoryPage> HistoryAsync(
        LobbyRef lobby, PageWanted wanted, CancellationToken cancellationToken) =>
        await FindAsync(lobby, cancellationToken).ConfigureAwait(false) is (_, { } opened)
            ? await SealedLobbies.HistoryAsync(opened, wanted, cancellationToken).ConfigureAwait(false)
            : await Listing.HistoryAsync(link, lobby, wanted, cancellationToken).ConfigureAwait(false);

    public async Task<Subscription> SubscribeAsync(
        LobbyRef lobby, Position? from, string token, Guid me, CancellationToken cancellationToken) =>
        await FindAsync(lobby, cancellationToken).ConfigureAwait(false) is (_, { } opened)
            ? await link.SubscribeAsync(opened, from, token, me, cancellationToken).ConfigureAwait(false)
            : await link.SubscribeAsync(lobby, from, token, me, cancellationToken).ConfigureAwait(false);

    async Task<(SealedSession Session, SealedLobby? Lobby)?> FindAsync(
        LobbyRef lobby, CancellationToken cancellationToken) =>
        sealing is null ? null : await sealing.FindAsync(lobby, cancellationToken).ConfigureAwait(false);

    Task<MessageReply> PostPlainAsync(LobbyRef lobby, Posting posting, CancellationToken cancellationToken)
    {
        if (lobby.Id is { } id && SealedNames.IsSealed(id))
            throw new InvalidOperationException("The lobby is sealed: only a client with a StateFolder posts to it.");
        var once = posting.Nonce ?? Guid.NewGuid();
        return link.AskSignedAsync<MessageReply>(ActionName.Message, RequestKind.Append, json =>
        {
            json.WriteLobby(lobby);
            json.WriteContent(posting.Content);
            json.WriteString("nonce"u8, once);
            if (posting.ExpiresInSeconds is { } seconds)
                json.WriteNumber("expires_in"u8, seconds);
        }, cancellationToken);
    }

    async Task<MessageReply> PostAnyAsync(
        SealedClient client, LobbyRef lobby, Posting posting, CancellationToken cancellationToken)
    {
        var (session, opened, id) = await client.FindToPostAsync(lobby, cancellationToken).ConfigureAwait(false);
        // By its id: a name could be another lobby's by the time the request arrives.
        return opened is null
            ? await PostPlainAsync(id, posting, cancellationToken).ConfigureAwait(false)
            : await SealedLobbies.PostAsync(session, opened, posting, cancellationToken).ConfigureAwait(false);
    }
}
