using System.Text;
using Conclave.Protocol;
using Conclave.Roster;
using Conclave.Sdk.Sealing;
using Conclave.Sealing;

namespace Conclave.Sdk;

/// <summary>
/// The signed-in user's own account: where they are signed in, and their password. From
/// <see cref="ConclaveClient.Account"/>; what any of the methods can throw is told there.
/// </summary>
public sealed class Account
{
    readonly Link _link;
    readonly SealedClient? _sealed;

    internal Account(Link link, SealedClient? client) => (_link, _sealed) = (link, client);

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
    /// too often; see <see cref="RefusedException.RetryAfter"/>. <c>no_identity</c>, of a sealing client: the keys of
    /// the account are not on this device; sign in again.
    /// </exception>
    /// <exception cref="AlarmException">
    /// <see cref="AlarmCode.PlainAccount"/>, of a sealing client: nothing was sent; see <see
    /// cref="ChangePasswordOfPlainAccountAsync"/>.
    /// </exception>
    public async Task ChangePasswordAsync(
        ReadOnlyMemory<byte> oldPassword, ReadOnlyMemory<byte> newPassword,
        CancellationToken cancellationToken = default)
    {
        if (!await TryChangeSealedAsync(oldPassword, newPassword, cancellationToken).ConfigureAwait(false))
        {
            throw await _sealed!.Accounts.LacksIdentityAsync(
                await _sealed.SessionAsync(cancellationToken).ConfigureAwait(false), cancellationToken)
                .ConfigureAwait(false);
        }
    }

    /// <summary>
    /// The same for an account that a plain client made: both passwords are sent as they were typed, and the server
    /// sees them. Only for a user who has said that the account is such a one. Where its keys are on this device it is
    /// none, and nothing is sent as it was typed.
    /// </summary>
    /// <inheritdoc cref="ChangePasswordAsync(ReadOnlyMemory{byte}, ReadOnlyMemory{byte}, CancellationToken)"/>
    /// <exception cref="RefusedException"><c>no_identity</c>: it is none, and its keys are not here.</exception>
    public async Task ChangePasswordOfPlainAccountAsync(
        ReadOnlyMemory<byte> oldPassword, ReadOnlyMemory<byte> newPassword,
        CancellationToken cancellationToken = default)
    {
        if (await TryChangeSealedAsync(oldPassword, newPassword, cancellationToken).ConfigureAwait(false))
            return;
        var session = await _sealed!.SessionAsync(cancellationToken).ConfigureAwait(false);
        var lacks = await _sealed.Accounts.LacksIdentityAsync(session, cancellationToken).ConfigureAwait(false);
        if (lacks is not AlarmException)
            throw lacks;
        await ChangeTypedAsync(oldPassword, newPassword, cancellationToken).ConfigureAwait(false);
    }

    // False for a sealing client without keys: whether the account is plain is a person's to say.
    async Task<bool> TryChangeSealedAsync(
        ReadOnlyMemory<byte> oldPassword, ReadOnlyMemory<byte> newPassword, CancellationToken cancellationToken)
    {
        if (_sealed is null)
        {
            await ChangeTypedAsync(oldPassword, newPassword, cancellationToken).ConfigureAwait(false);
            return true;
        }
        var session = await _sealed.SessionAsync(cancellationToken).ConfigureAwait(false);
        if (!session.HasIdentity)
            return false;
        await _sealed.Accounts.ChangePasswordAsync(session, oldPassword, newPassword, cancellationToken)
            .ConfigureAwait(false);
        return true;
    }

    Task<DoneReply> ChangeTypedAsync(
        ReadOnlyMemory<byte> oldPassword, ReadOnlyMemory<byte> newPassword, CancellationToken cancellationToken) =>
        _link.AskSignedAsync<DoneReply>(ActionName.ChangePassword, RequestKind.Once, json =>
        {
            json.WriteString("old_password"u8, oldPassword.Span);
            json.WriteString("new_password"u8, newPassword.Span);
        }, cancellationToken);

    /// <summary>
    /// Gives an account that a plain client made an identity of its own (<c>change_password</c>). From then on the
    /// server sees what is derived from the password; choose a new password if the old one was used elsewhere. After an
    /// operator has reset the password, an identity that this device still has is kept. Only for a user who has said
    /// that the account is a plain one: the password so far is sent as it was typed, and opens the vault if it has one.
    /// </summary>
    /// <param name="password">The password so far, UTF-8, sent as it is. Wipe it when the task has ended.</param>
    /// <param name="newPassword">UTF-8; may be the same. Wipe it when the task has ended.</param>
    /// <exception cref="InvalidOperationException">The client is a plain one, or the account is sealing
    /// already.</exception>
    public async Task SealPlainAccountAsync(
        ReadOnlyMemory<byte> password, ReadOnlyMemory<byte> newPassword, CancellationToken cancellationToken = default)
    {
        var client = _sealed ?? throw SealedClient.IsPlain();
        var session = await client.SessionAsync(cancellationToken).ConfigureAwait(false);
        await client.Accounts.SealAsync(session, password, newPassword, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Gives the account back the identity of a recovery code (<c>change_password</c>), after its operator has reset a
    /// password that was forgotten: what the user could read before can be read again, and for others nothing changes.
    /// Only for a user who has said that the account is a plain one since.
    /// </summary>
    /// <param name="recoveryCode">What <see cref="RecoveryCodeAsync"/> gave; white space in it is ignored.</param>
    /// <param name="password">The operator's, UTF-8, sent as it is. Wipe it when the task has ended.</param>
    /// <param name="newPassword">UTF-8. Wipe it when the task has ended.</param>
    /// <exception cref="RefusedException"><c>bad_recovery_code</c>: it is not the code of this account, as its lobbies
    /// know it. <see cref="ErrorCode.BadIdentity"/>: it is that of an earlier identity.</exception>
    /// <exception cref="InvalidOperationException">The client is a plain one, or the account is sealing
    /// already.</exception>
    public async Task RecoverPlainAccountAsync(
        string recoveryCode, ReadOnlyMemory<byte> password, ReadOnlyMemory<byte> newPassword,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(recoveryCode);
        var client = _sealed ?? throw SealedClient.IsPlain();
        var session = await client.SessionAsync(cancellationToken).ConfigureAwait(false);
        await client.Accounts.RecoverAsync(session, recoveryCode, password, newPassword, cancellationToken)
            .ConfigureAwait(false);
    }

    /// <summary>
    /// The seed of the user's identity in base64url, for paper: without password and without a device it is the only
    /// way back. Whoever reads it reads everything.
    /// </summary>
    /// <exception cref="RefusedException"><c>no_identity</c>: the account is plain, or its keys are not on this
    /// device.</exception>
    public async Task<string> RecoveryCodeAsync(CancellationToken cancellationToken = default)
    {
        var client = _sealed ?? throw SealedClient.IsPlain();
        var session = await client.SessionAsync(cancellationToken).ConfigureAwait(false);
        var seed = new byte[Identity.SeedBytes];
        session.Identity.ExportSeed(seed);
        var code = Base64Text.Encode(seed);
        System.Security.Cryptography.CryptographicOperations.ZeroMemory(seed);
        return code;
    }

    /// <summary>
    /// Gives the account a new identity (<c>reset_identity</c>), signed by the one that is held here, has every sealed
    /// lobby go on with it, and ends every other session of the user: for when the old keys may be in somebody else's
    /// hands. Others see an alarm, or a notice if they never compared keys. Not repeated when the connection is lost
    /// before the answer: then sign in again, which brings whichever identity the account has.
    /// </summary>
    /// <param name="password">UTF-8. Wipe it when the task has ended.</param>
    /// <returns>What became of each lobby. One that could not be helped is tried again with the next message.</returns>
    /// <exception cref="RefusedException">
    /// <see cref="ErrorCode.BadCredentials"/>; <c>no_identity</c>: the account is plain, or its keys are not on this
    /// device. <see cref="ErrorCode.BadIdentity"/>: another device has given it a new one; sign in again.
    /// </exception>
    public async Task<IdentityReset> ResetIdentityAsync(
        ReadOnlyMemory<byte> password, CancellationToken cancellationToken = default)
    {
        var client = _sealed ?? throw SealedClient.IsPlain();
        var session = await client.SessionAsync(cancellationToken).ConfigureAwait(false);
        // Asks for the keys before anything is derived or sent.
        _ = session.Identity;
        await client.Accounts.ResetIdentityAsync(session, password, cancellationToken).ConfigureAwait(false);
        var lobbies = await SealedLobbies.SucceedInAllAsync(session, cancellationToken).ConfigureAwait(false);
        return new IdentityReset(session.Identity.Fingerprint.ToString(), lobbies);
    }

    /// <summary>
    /// Wipes the keys that a sealing client has kept of an account on this device, as <see
    /// cref="ConclaveClient.SignOutAsync"/> does, without a session and without asking the server. What it has verified
    /// stays.
    /// </summary>
    /// <param name="login">Whose.</param>
    /// <returns>Whether there were any.</returns>
    /// <exception cref="StateException">What is kept cannot be used.</exception>
    public bool WipeKeys(string login)
    {
        ArgumentNullException.ThrowIfNull(login);
        return _sealed?.Wipe(login) ?? false;
    }

    /// <summary>The same with passwords that are strings, which cannot be wiped.</summary>
    public Task ChangePasswordAsync(
        string oldPassword, string newPassword, CancellationToken cancellationToken = default) =>
        ChangePasswordAsync(
            Encoding.UTF8.GetBytes(oldPassword), Encoding.UTF8.GetBytes(newPassword), cancellationToken);
}
