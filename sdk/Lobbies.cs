using System.Text.Json;
using Conclave.Protocol;

namespace Conclave.Sdk;

/// <summary>
/// What changes a lobby that is there: its members, its name, what shall be gone. From
/// <see cref="ConclaveClient.Lobbies"/>; what any of the methods can throw is told there. Each change of members or of
/// the name is an entry of the lobby's log, which every member sees.
/// </summary>
public sealed class Lobbies
{
    readonly Link _link;
    readonly Func<CancellationToken, Task<Guid>> _me;

    /// <param name="link">The connection.</param>
    /// <param name="me">The public token of whoever is signed in.</param>
    internal Lobbies(Link link, Func<CancellationToken, Task<Guid>> me)
    {
        _link = link;
        _me = me;
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
        ChangeAsync(ActionName.SetRights, lobby, nonce, json =>
        {
            json.WriteString("public_token"u8, publicToken);
            json.WriteRights(rights);
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
            ActionName.RemoveMember, lobby, nonce, json => json.WriteString("public_token"u8, publicToken),
            cancellationToken);

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
    public Task<ChangeReply> RenameAsync(
        Guid lobbyId, string lobbyName, Guid? nonce = null, CancellationToken cancellationToken = default) =>
        ChangeAsync(
            ActionName.RenameLobby, lobbyId, nonce, json => json.WriteString("lobby_name"u8, lobbyName),
            cancellationToken);

    /// <summary>
    /// Deletes a lobby for everybody and for good (<c>delete_lobby</c>): its content can be read by nobody any more,
    /// its names are taken for ever. Not repeated when the connection is lost before the answer.
    /// </summary>
    /// <param name="lobby">A lobby in which the signed-in user has <see cref="Rights.Admin"/>.</param>
    /// <exception cref="RefusedException">
    /// <see cref="ErrorCode.Forbidden"/>; <see cref="ErrorCode.NoSuchLobby"/>: also when it is deleted already.
    /// </exception>
    public Task DeleteAsync(LobbyRef lobby, CancellationToken cancellationToken = default) =>
        _link.AskSignedAsync<DoneReply>(
            ActionName.DeleteLobby, RequestKind.Once, json => json.WriteLobby(lobby), cancellationToken);

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
    public Task EraseMessageAsync(LobbyRef lobby, long seq, CancellationToken cancellationToken = default) =>
        _link.AskSignedAsync<DoneReply>(ActionName.DeleteMessage, RequestKind.Ask, json =>
        {
            json.WriteLobby(lobby);
            json.WriteNumber("seq"u8, seq);
        }, cancellationToken);

    Task<ChangeReply> ChangeAsync(
        string action, LobbyRef lobby, Guid? nonce, Action<Utf8JsonWriter> fields, CancellationToken cancellationToken)
    {
        var once = nonce ?? Guid.NewGuid();
        return _link.AskSignedAsync<ChangeReply>(action, RequestKind.Append, json =>
        {
            json.WriteLobby(lobby);
            fields(json);
            json.WriteString("nonce"u8, once);
        }, cancellationToken);
    }
}
