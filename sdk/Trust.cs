using Conclave.Protocol;
using Conclave.Sdk.Sealing;
using Conclave.Sdk.Storage;
using Conclave.Sealing;

namespace Conclave.Sdk;

/// <summary>
/// What a sealing client believes about other people's keys, and what it has caught a server at (docs/sealing.md,
/// section 9). From <see cref="ConclaveClient.Trust"/>; what any of the methods can throw is told there.
/// </summary>
/// <remarks>
/// A key is trusted when it is first seen. Only people can do better: they compare safety numbers or lobby codes over a
/// channel that the server has no part in.
/// </remarks>
public sealed class Trust
{
    readonly Func<CancellationToken, Task<SealedSession>> _session;
    readonly Link _link;

    internal Trust(Link link, Func<CancellationToken, Task<SealedSession>> session) =>
        (_link, _session) = (link, session);

    /// <summary>Asks the server for somebody's key, and pins it if it is the first that was seen.</summary>
    /// <param name="login">Whose.</param>
    /// <exception cref="RefusedException">
    /// <see cref="ErrorCode.NoSuchUser"/>; <c>plain_account</c>: the account has no key.
    /// </exception>
    /// <exception cref="AlarmException"><see cref="AlarmCode.BadIdentity"/>.</exception>
    public async Task<Contact> FindAsync(string login, CancellationToken cancellationToken = default)
    {
        var session = await _session(cancellationToken).ConfigureAwait(false);
        var pin = await Invitee.FindAsync(_link, session, login, cancellationToken).ConfigureAwait(false);
        return Contact.Of(session, pin);
    }

    /// <summary>Everybody whose key is pinned, by login, without asking the server.</summary>
    public async Task<IReadOnlyList<Contact>> ContactsAsync(CancellationToken cancellationToken = default)
    {
        var session = await _session(cancellationToken).ConfigureAwait(false);
        return [.. session.Pins.All().Select(pin => Contact.Of(session, pin))];
    }

    /// <summary>
    /// The user has compared <see cref="Contact.SafetyNumber"/> with this person, and it was the same.
    /// </summary>
    /// <param name="login">Whose key.</param>
    /// <param name="fingerprint">The key that was compared: <see cref="Contact.Fingerprint"/>.</param>
    /// <exception cref="ArgumentException">That is not the pinned key: compare again.</exception>
    public async Task MarkVerifiedAsync(
        string login, string fingerprint, CancellationToken cancellationToken = default)
    {
        var session = await _session(cancellationToken).ConfigureAwait(false);
        session.Pins.Change(Canonical(login), pin =>
            pin is not null && string.Equals(pin.Identity.Fingerprint.ToString(), fingerprint, StringComparison.Ordinal)
                ? pin with { IsVerified = true }
                : throw new ArgumentException("This is not the pinned key: compare again.", nameof(fingerprint)));
    }

    /// <summary>Takes the new key of somebody for theirs. It counts as not verified until it is compared.</summary>
    /// <param name="login">Whose.</param>
    /// <param name="fingerprint">The new key: <see cref="KeyChange.Fingerprint"/>.</param>
    /// <exception cref="ArgumentException">That is not the key that raised the alarm.</exception>
    public async Task AcceptNewKeyAsync(
        string login, string fingerprint, CancellationToken cancellationToken = default)
    {
        var session = await _session(cancellationToken).ConfigureAwait(false);
        session.Pins.Change(Canonical(login), pin =>
            (pin is null ? null : Pinning.Accept(pin, fingerprint))
            ?? throw new ArgumentException("This is not the key that raised the alarm.", nameof(fingerprint)));
    }

    /// <summary>
    /// The code of a lobby at its newest entry. Two members who see the same code at the same <see
    /// cref="LobbyCode.Seq"/> were shown the same history.
    /// </summary>
    public async Task<LobbyCode> LobbyCodeAsync(LobbyRef lobby, CancellationToken cancellationToken = default)
    {
        var session = await _session(cancellationToken).ConfigureAwait(false);
        var opened = await SealedNames.RequireSealedAsync(session, lobby, cancellationToken).ConfigureAwait(false);
        return await opened.InTurnAsync(async () =>
        {
            await opened.CatchUpAsync(cancellationToken).ConfigureAwait(false);
            var log = opened.Follower.Log;
            return new LobbyCode(
                VerificationCode.LobbyCode(opened.Roster, log.Last), opened.Id, opened.Roster.Name,
                (long)log.Last.Seq, log.IsConfirmed);
        }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What the server was caught at in a lobby; null if at nothing, or the user has decided.</summary>
    public async Task<LobbyAlarm?> AlarmAsync(Guid lobbyId, CancellationToken cancellationToken = default)
    {
        var session = await _session(cancellationToken).ConfigureAwait(false);
        return session.Lobbies.Alarm(lobbyId);
    }

    /// <summary>The user has decided to go on in a lobby after an alarm.</summary>
    public async Task DismissAlarmAsync(Guid lobbyId, CancellationToken cancellationToken = default)
    {
        var session = await _session(cancellationToken).ConfigureAwait(false);
        session.Lobbies.SetAlarm(lobbyId, null);
    }

    /// <summary>
    /// The user has decided to take what the server shows of a lobby now, after a rollback or a fork: everything that
    /// was verified of it is forgotten, and it is entered anew.
    /// </summary>
    public async Task ForgetLobbyAsync(Guid lobbyId, CancellationToken cancellationToken = default)
    {
        var session = await _session(cancellationToken).ConfigureAwait(false);
        session.Lobbies.Forget(lobbyId);
        session.Drop(lobbyId);
    }

    static string Canonical(string login) =>
        Login.Canonical(login) ?? throw new ArgumentException("This is no login.", nameof(login));
}

/// <summary>Somebody whose key is pinned.</summary>
/// <param name="Login">The login that the key is bound to.</param>
/// <param name="PublicToken">The account's public token.</param>
/// <param name="Fingerprint">Names login and key; 43 characters.</param>
/// <param name="SafetyNumber">
/// To be compared with this person, who sees the same number if nobody stands between: 71 characters.
/// </param>
/// <param name="IsVerified">Whether the user has compared it.</param>
/// <param name="Change">Another key that was seen since; null if none was.</param>
public sealed record Contact(
    string Login, Guid PublicToken, string Fingerprint, string SafetyNumber, bool IsVerified, KeyChange? Change)
{
    internal static Contact Of(SealedSession session, Pin pin)
    {
        var me = session.Identity.Fingerprint;
        return new Contact(
            pin.Login, pin.Token, pin.Identity.Fingerprint.ToString(),
            VerificationCode.SafetyNumber(me, pin.Identity.Fingerprint), pin.IsVerified,
            pin.Changed is { } changed
                ? new KeyChange(
                    changed.Fingerprint.ToString(), VerificationCode.SafetyNumber(me, changed.Fingerprint),
                    pin.IsSigned)
                : null);
    }
}

/// <summary>
/// A key that somebody has in place of the pinned one. Nothing is sealed for it until the user accepts it.
/// </summary>
/// <param name="Fingerprint">The new key.</param>
/// <param name="SafetyNumber">To be compared before it is accepted.</param>
/// <param name="IsSigned">
/// The pinned identity has signed that this one follows it. That softens the alarm and does not end it: whoever stole
/// the old key can sign too.
/// </param>
public sealed record KeyChange(string Fingerprint, string SafetyNumber, bool IsSigned);

/// <summary>A lobby's code at one place of its log.</summary>
/// <param name="Code">71 characters.</param>
/// <param name="LobbyId">The lobby.</param>
/// <param name="LobbyName">Its signed name.</param>
/// <param name="Seq">The place: codes are compared at the same one.</param>
/// <param name="IsConfirmed">See <see cref="LobbyRoster"/>.</param>
public sealed record LobbyCode(string Code, Guid LobbyId, string LobbyName, long Seq, bool IsConfirmed);

/// <summary>What a server was caught at.</summary>
/// <param name="Code">As <see cref="AlarmException.Code"/>.</param>
/// <param name="Seq">The place in the log.</param>
public sealed record LobbyAlarm(string Code, long Seq);
