using System.Text;
using Conclave.Protocol;

namespace Conclave.Sdk;

/// <summary>
/// The signed-in user's own account: where they are signed in, and their password. From
/// <see cref="ConclaveClient.Account"/>; what any of the methods can throw is told there.
/// </summary>
public sealed class Account
{
    readonly Link _link;

    internal Account(Link link) => _link = link;

    /// <summary>The user's sessions (<c>sessions</c>), the one that asks first, then the newest.</summary>
    /// <exception cref="RefusedException"><see cref="ErrorCode.BadToken"/>: nobody is signed in.</exception>
    public async Task<IReadOnlyList<OwnSession>> SessionsAsync(CancellationToken cancellationToken = default)
    {
        var reply = await _link.AskSignedAsync<SessionsReply>(
            ActionName.Sessions, RequestKind.Ask, _ => { }, cancellationToken).ConfigureAwait(false);
        return reply.Sessions;
    }

    /// <summary>
    /// Ends a session of the user (<c>revoke_session</c>), within a second also its subscriptions, on whatever server.
    /// </summary>
    /// <param name="sessionId">An <see cref="OwnSession.SessionId"/>; the user's own one signs out.</param>
    /// <returns>Whether it went on until now. False after a repetition whose first answer was lost.</returns>
    public async Task<bool> RevokeSessionAsync(Guid sessionId, CancellationToken cancellationToken = default)
    {
        var reply = await _link.AskSignedAsync<RevokeSessionReply>(
            ActionName.RevokeSession, RequestKind.Ask, json => json.WriteString("session_id"u8, sessionId),
            cancellationToken).ConfigureAwait(false);
        return reply.Revoked > 0;
    }

    /// <summary>Ends every session of the user but the one that asks.</summary>
    /// <returns>How many; less after a repetition whose first answer was lost.</returns>
    public async Task<int> RevokeOtherSessionsAsync(CancellationToken cancellationToken = default)
    {
        var reply = await _link.AskSignedAsync<RevokeSessionReply>(
            ActionName.RevokeSession, RequestKind.Ask, json => json.WriteString("session_id"u8, "all_others"u8),
            cancellationToken).ConfigureAwait(false);
        return reply.Revoked;
    }

    /// <summary>
    /// Sets another password (<c>change_password</c>) and ends every other session of the user. Not repeated when the
    /// connection is lost before the answer: then sign in with the new one, which tells whether it was done.
    /// </summary>
    /// <param name="oldPassword">The password so far, UTF-8. Wipe it when the task has ended.</param>
    /// <param name="newPassword">8 to 1,024 bytes of UTF-8. Wipe it when the task has ended.</param>
    /// <exception cref="RefusedException">
    /// <see cref="ErrorCode.BadCredentials"/>: the old password is wrong. <see cref="ErrorCode.RateLimited"/>: it was
    /// too often; see <see cref="RefusedException.RetryAfter"/>.
    /// </exception>
    public Task ChangePasswordAsync(
        ReadOnlyMemory<byte> oldPassword, ReadOnlyMemory<byte> newPassword,
        CancellationToken cancellationToken = default) =>
        _link.AskSignedAsync<DoneReply>(ActionName.ChangePassword, RequestKind.Once, json =>
        {
            json.WriteString("old_password"u8, oldPassword.Span);
            json.WriteString("new_password"u8, newPassword.Span);
        }, cancellationToken);

    /// <summary>The same with passwords that are strings, which cannot be wiped.</summary>
    public Task ChangePasswordAsync(
        string oldPassword, string newPassword, CancellationToken cancellationToken = default) =>
        ChangePasswordAsync(
            Encoding.UTF8.GetBytes(oldPassword), Encoding.UTF8.GetBytes(newPassword), cancellationToken);
}
