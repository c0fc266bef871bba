using System.Text.Json;
using Conclave.Protocol;
using Conclave.Roster;
using Conclave.Sdk.Sealing;

namespace Conclave.Sdk;

/// <summary>
/// What changes a lobby that is there: its members, its name, what shall be gone. From
/// <see cref="ConclaveClient.Lobbies"/>; what any of the methods can throw is told there. Each change of members or of
/// the name is an entry of the lobby's log, which every member sees.
/// </summary>
public sealed class Lobbies
{
    readonly LobbyRequests _requests;
    readonly Link _link;
    readonly SealedClient? _sealed;
    readonly Func<CancellationToken, Task<Guid>> _me;

    /// <param name="requests">What goes the plain or the sealed way.</param>
    /// <param name="link">The connection.</param>
    /// <param name="sealing">What makes it a sealing client; null if it is a plain one.</param>
    /// <param name="me">The public token of whoever is signed in.</param>
    internal Lobbies(
        LobbyRequests requests, Link link, SealedClient? sealing, Func<CancellationToken, Task<Guid>> me) =>
        (_requests, _link, _sealed, _me) = (requests, link, sealing, me);

    /// <summary>
    /// Makes a sealed lobby whose only member is the signed-in user, with all rights. The server cannot read what is in
    /// it, and cannot let anybody in.
    /// </summary>
    /// <param name="lobbyName">As in <see cref="ConclaveClient.CreateLobbyAsync"/>. The server sees it.</param>
    /// <param name="history">What new members will be able to read.</param>
    /// <exception cref="RefusedException"><see cref="ErrorCode.LobbyNameTaken"/>.</exception>
    public async Task<CreateLobbyReply> CreateSealedAsync(
        string lobbyName, LobbyHistory history = LobbyHistory.All, CancellationToken cancellationToken = default)
    {
        var session = await SessionAsync(cancellationToken).ConfigureAwait(false);
        return await SealedLobbies.CreateAsync(session, lobbyName, history, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Lets another user into a lobby of either kind, by login.</summary>
    /// <inheritdoc cref="ConclaveClient.InviteAsync"/>
    /// <param name="login">Whom.</param>
    public async Task<InviteLobbyReply> InviteAsync(
        LobbyRef lobby, string login, Rights rights = Rights.Default, CancellationToken cancellationToken = default)
    {
        if (await FindAsync(lobby, cancellationToken).ConfigureAwait(false) is (var session, { } opened))
        {
            var invited = await Invitee.FindAsync(_link, session, login, cancellationToken).ConfigureAwait(false);
            return await SealedLobbies.InviteAsync(session, opened, invited, rights, cancellationToken)
                .ConfigureAwait(false);
        }
        var user = await _requests.FindUserAsync(login, cancellationToken).ConfigureAwait(false);
        return await _requests.InviteAsync(lobby, user.PublicToken, rights, null, cancellationToken)
            .ConfigureAwait(false);
    }

    /// <summary>
    /// Lets a member who has lost their keys into a sealed lobby again, with the new identity and the rights of before:
    /// the old identity is removed, the new one invited, and the lobby goes on with a new key. First make sure of the
    /// person, and accept the key (<see cref="Trust.AcceptNewKeyAsync"/>).
    /// </summary>
    /// <param name="lobby">A lobby in which the signed-in user has <see cref="Rights.Admin"/> and
    /// <see cref="Rights.Invite"/>, and whatever the member may do.</param>
    /// <param name="login">Whom.</param>
    /// <exception cref="RefusedException">
    /// <see cref="ErrorCode.NotAMember"/>; <see cref="ErrorCode.AlreadyMember"/>: with this very key;
    /// <see cref="ErrorCode.Forbidden"/>.
    /// </exception>
    /// <exception cref="AlarmException"><see cref="AlarmCode.KeyChanged"/>: nobody has accepted the key.</exception>
    /// <exception cref="ArgumentException">The lobby is plain.</exception>
    public async Task<InviteLobbyReply> ReadmitAsync(
        LobbyRef lobby, string login, CancellationToken cancellationToken = default)
    {
        var session = await SessionAsync(cancellationToken).ConfigureAwait(false);
        var opened = await SealedNames.RequireSealedAsync(session, lobby, cancellationToken).ConfigureAwait(false);
        var person = await Invitee.FindAsync(_link, session, login, cancellationToken).ConfigureAwait(false);
        return await SealedLobbies.ReadmitAsync(session, opened, person, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Has a sealed lobby go on with the user's present identity if it knows the user by an earlier one
    /// (<c>succeed_member</c>), signed by that one. Whatever writes into the lobby does this by itself.
    /// </summary>
    /// <returns>Whether there was need to.</returns>
    /// <exception cref="RefusedException">
    /// <c>former_identity</c>: the keys of the earlier identity are not here, and only an admin can help
    /// (<see cref="ReadmitAsync"/>). <see cref="ErrorCode.RateLimited"/>: it was done today already.
    /// </exception>
    /// <exception cref="ArgumentException">The lobby is plain.</exception>
    public async Task<bool> SucceedAsync(LobbyRef lobby, CancellationToken cancellationToken = default)
    {
        var session = await SessionAsync(cancellationToken).ConfigureAwait(false);
        var opened = await SealedNames.RequireSealedAsync(session, lobby, cancellationToken).ConfigureAwait(false);
        return await new SealedWriter(session, opened).SucceedInTurnAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The roster of a sealed lobby as this client has verified it.</summary>
    /// <exception cref="ArgumentException">The lobby is plain.</exception>
    public async Task<LobbyRoster> RosterAsync(LobbyRef lobby, CancellationToken cancellationToken = default)
    {
        var session = await SessionAsync(cancellationToken).ConfigureAwait(false);
        var opened = await SealedNames.RequireSealedAsync(session, lobby, cancellationToken).ConfigureAwait(false);
        return await SealedLobbies.RosterAsync(session, opened, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Has a sealed lobby go on with a new key (<c>rotate_key</c>).</summary>
    /// <exception cref="RefusedException"><see cref="ErrorCode.Forbidden"/>: only admins may, unless it is
    /// due.</exception>
    /// <exception cref="ArgumentException">The lobby is plain.</exception>
    public async Task<ChangeReply> RotateKeyAsync(LobbyRef lobby, CancellationToken cancellationToken = default)
    {
        var session = await SessionAsync(cancellationToken).ConfigureAwait(false);
        var opened = await SealedNames.RequireSealedAsync(session, lobby, cancellationToken).ConfigureAwait(false);
        return await new SealedWriter(session, opened).RotateInTurnAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// The user says that a lobby, known by its id, is plain: what is posted there can be read by the server. Before
    /// that a sealing client posts nothing into a lobby that is not sealed. The name that the lobby has now leads to it
    /// from then on, unless it has led elsewhere before; any other name that the server leads there gets nothing.
    /// </summary>
    /// <exception cref="ArgumentException">The id is that of a sealed lobby, whatever the server says.</exception>
    public async Task DeclarePlainAsync(Guid lobbyId, CancellationToken cancellationToken = default)
    {
        if (SealedNames.IsSealed(lobbyId))
            throw new ArgumentException("An id of version 8 is that of a sealed lobby.", nameof(lobbyId));
        var session = await SessionAsync(cancellationToken).ConfigureAwait(false);
        var found = await _requests.FindLobbyAsync(lobbyId, cancellationToken).ConfigureAwait(false);
        if (LobbyName.Canonical(found.LobbyName) is { } name)
            session.Pins.KeepName(LobbyName.Key(name), lobbyId);
        session.Pins.DeclarePlain(lobbyId);
    }

    /// <summary>Gives a member other rights, in place of those they have (<c>set_rights</c>).</summary>
    /// <param name="lobby">A lobby in which the signed-in user has <see cref="Rights.Admin"/>.</param>
    /// <param name="publicToken">Whom: <see cref="Member.PublicToken"/>.</param>
    /// <param name="rights">Any; <see cref="Rights.Read"/> is always in it.</param>
    /// <param name="nonce">To repeat a call whose outcome is unknown; null draws one, and forgets it.</param>
    /// <exception cref="RefusedException">
    /// <see cref="ErrorCode.Forbidden"/>, <see cref="ErrorCode.NotAMember"/>; <see cref="ErrorCode.LastAdmin"/>: nobody
    /// would be left who has <see cref="Rights.Admin"/>.
    /// </exception>
    public Task<ChangeReply> SetRightsAsync(
        LobbyRef lobby, Guid publicToken, Rights rights, Guid? nonce = null,
        CancellationToken cancellationToken = default) =>
        ChangeAsync(
            ActionName.SetRights, lobby, nonce,
            roster => new RosterChange.SetRights(
                SealedLobbies.MemberOf(roster, publicToken), (MemberRights)(rights | Rights.Read)),
            json =>
            {
                json.WriteString("public_token"u8, publicToken);
                json.WriteRights(rights | Rights.Read);
            }, cancellationToken);

    /// <summary>
    /// Removes a member (<c>remove_member</c>), who sees nothing after the entry that says so, until invited again.
    /// </summary>
    /// <param name="lobby">A lobby in which the signed-in user has <see cref="Rights.Admin"/>.</param>
    /// <param name="publicToken">Whom: <see cref="Member.PublicToken"/>.</param>
    /// <param name="nonce">To repeat a call whose outcome is unknown; null draws one, and forgets it.</param>
    /// <exception cref="RefusedException">
    /// <see cref="ErrorCode.Forbidden"/>, <see cref="ErrorCode.NotAMember"/>, <see cref="ErrorCode.LastAdmin"/>.
    /// </exception>
    public Task<ChangeReply> RemoveMemberAsync(
        LobbyRef lobby, Guid publicToken, Guid? nonce = null, CancellationToken cancellationToken = default) =>
        ChangeAsync(
            ActionName.RemoveMember, lobby, nonce,
            roster => new RosterChange.Remove(SealedLobbies.MemberOf(roster, publicToken)),
            json => json.WriteString("public_token"u8, publicToken), cancellationToken);

    /// <summary>Leaves a lobby: <see cref="RemoveMemberAsync"/> of oneself, which needs no right.</summary>
    /// <exception cref="RefusedException">
    /// <see cref="ErrorCode.Forbidden"/>: not a member. <see cref="ErrorCode.LastAdmin"/>: make somebody else an admin
    /// first.
    /// </exception>
    public async Task<ChangeReply> LeaveAsync(
        LobbyRef lobby, Guid? nonce = null, CancellationToken cancellationToken = default)
    {
        var me = await _me(cancellationToken).ConfigureAwait(false);
        return await RemoveMemberAsync(lobby, me, nonce, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Gives a lobby another name (<c>rename_lobby</c>). The old ones go on naming it; nobody else can take them.
    /// </summary>
    /// <param name="lobbyId">A lobby in which the signed-in user has <see cref="Rights.Admin"/>.</param>
    /// <param name="lobbyName">1 to 128 characters, at most 255 bytes of UTF-8; unique without regard to case.</param>
    /// <param name="nonce">To repeat a call whose outcome is unknown; null draws one, and forgets it.</param>
    /// <exception cref="RefusedException">
    /// <see cref="ErrorCode.Forbidden"/>; <see cref="ErrorCode.LobbyNameTaken"/>: another lobby has or had the name.
    /// </exception>
    public async Task<ChangeReply> RenameAsync(
        Guid lobbyId, string lobbyName, Guid? nonce = null, CancellationToken cancellationToken = default)
    {
        // A roster is signed over one spelling of the name, the one that the server keeps too.
        var name = LobbyName.Canonical(lobbyName) ?? lobbyName;
        var reply = await ChangeAsync(
            ActionName.RenameLobby, lobbyId, nonce, _ => new RosterChange.Rename(name),
            json => json.WriteString("lobby_name"u8, name), cancellationToken).ConfigureAwait(false);
        if (_sealed is not null && !SealedNames.IsSealed(lobbyId))
            (await SessionAsync(cancellationToken).ConfigureAwait(false)).Pins.KeepName(LobbyName.Key(name), lobbyId);
        return reply;
    }

    /// <summary>
    /// Deletes a lobby for everybody and for good (<c>delete_lobby</c>): its content can be read by nobody any more,
    /// its names are taken for ever. Not repeated when the connection is lost before the answer.
    /// </summary>
    /// <param name="lobby">A lobby in which the signed-in user has <see cref="Rights.Admin"/>.</param>
    /// <exception cref="RefusedException">
    /// <see cref="ErrorCode.Forbidden"/>; <see cref="ErrorCode.NoSuchLobby"/>: also when it is deleted already.
    /// </exception>
    public async Task DeleteAsync(LobbyRef lobby, CancellationToken cancellationToken = default)
    {
        var meant = await MeantAsync(lobby, cancellationToken).ConfigureAwait(false);
        await _link.AskSignedAsync<DoneReply>(
            ActionName.DeleteLobby, RequestKind.Once, json => json.WriteLobby(meant), cancellationToken)
            .ConfigureAwait(false);
        if (_sealed is not null && meant.Id is { } id)
            (await _sealed.SessionAsync(cancellationToken).ConfigureAwait(false)).Leave(id);
    }

    /// <summary>
    /// Erases the content of a message for good (<c>delete_message</c>); its place in the log stays. Done already if it
    /// is gone.
    /// </summary>
    /// <param name="lobby">A lobby that the signed-in user is a member of.</param>
    /// <param name="seq">The message's <see cref="Entry.Seq"/>.</param>
    /// <exception cref="RefusedException">
    /// <see cref="ErrorCode.Forbidden"/>: somebody else's, and the user has not <see cref="Rights.Admin"/>.
    /// <see cref="ErrorCode.NoSuchMessage"/>: the entry is none, or there is no such entry.
    /// </exception>
    public async Task EraseMessageAsync(LobbyRef lobby, long seq, CancellationToken cancellationToken = default)
    {
        var meant = await MeantAsync(lobby, cancellationToken).ConfigureAwait(false);
        await _link.AskSignedAsync<DoneReply>(ActionName.DeleteMessage, RequestKind.Ask, json =>
        {
            json.WriteLobby(meant);
            json.WriteNumber("seq"u8, seq);
        }, cancellationToken).ConfigureAwait(false);
        if (await FindAsync(meant, cancellationToken).ConfigureAwait(false) is (var session, { Id: var id }))
            session.Lobbies.Erase(id, (ulong)seq);
    }

    /// <summary>
    /// The id of a lobby. A sealing client follows a name to where it led before, and at first to a sealed lobby only
    /// if the signed roster bears the name: the server's word is not enough.
    /// </summary>
    /// <exception cref="RefusedException"><see cref="ErrorCode.NoSuchLobby"/>.</exception>
    /// <exception cref="AlarmException"><see cref="AlarmCode.NameMoved"/>.</exception>
    public async Task<Guid> IdAsync(LobbyRef lobby, CancellationToken cancellationToken = default)
    {
        var meant = await MeantAsync(lobby, cancellationToken).ConfigureAwait(false);
        return meant.Id ?? (await _requests.FindLobbyAsync(meant, cancellationToken).ConfigureAwait(false)).LobbyId;
    }

    async Task<ChangeReply> ChangeAsync(
        string action, LobbyRef lobby, Guid? nonce, Func<RosterState, RosterChange> decide,
        Action<Utf8JsonWriter> fields, CancellationToken cancellationToken)
    {
        if (await FindAsync(lobby, cancellationToken).ConfigureAwait(false) is (var session, { } opened))
        {
            return await new SealedWriter(session, opened).ChangeAsync(
                action, roster => new IntendedChange(decide(roster), fields), cancellationToken).ConfigureAwait(false);
        }
        var once = nonce ?? Guid.NewGuid();
        return await _link.AskSignedAsync<ChangeReply>(action, RequestKind.Append, json =>
        {
            json.WriteLobby(lobby);
            fields(json);
            json.WriteString("nonce"u8, once);
        }, cancellationToken).ConfigureAwait(false);
    }

    // What destroys goes by id: a server that swaps names cannot turn it on another lobby.
    async Task<LobbyRef> MeantAsync(LobbyRef lobby, CancellationToken cancellationToken)
    {
        if (_sealed is null)
            return lobby;
        var session = await _sealed.SessionAsync(cancellationToken).ConfigureAwait(false);
        return await SealedNames.FindAsync(session, lobby, cancellationToken).ConfigureAwait(false);
    }

    async Task<(SealedSession Session, SealedLobby? Lobby)?> FindAsync(
        LobbyRef lobby, CancellationToken cancellationToken) =>
        _sealed is null ? null : await _sealed.FindAsync(lobby, cancellationToken).ConfigureAwait(false);

    Task<SealedSession> SessionAsync(CancellationToken cancellationToken) =>
        _sealed?.SessionAsync(cancellationToken) ?? throw SealedClient.IsPlain();
}
