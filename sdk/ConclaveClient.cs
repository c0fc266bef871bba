using System.Runtime.CompilerServices;
using System.Text;
using Conclave.Protocol;
using Conclave.Sdk.Sealing;

namespace Conclave.Sdk;

/// <summary>
/// A typed client of a Conclave server, over one connection that comes back by itself. Every member can be called from
/// any thread, and as many at a time as wished. It connects with the first request.
/// </summary>
/// <remarks>
/// <para>
/// What any of the methods can throw: <see cref="RefusedException"/> when the server says no,
/// <see cref="DisconnectedException"/> when it cannot be reached, or gave no answer within
/// <see cref="ConclaveOptions.RequestTimeout"/>, <see cref="BrokenServerException"/> when what it says makes no sense,
/// <see cref="OperationCanceledException"/> when the token asks for it, and <see cref="ObjectDisposedException"/>.
/// A request cancelled or timed out may have taken effect.
/// </para>
/// <para>
/// The first attempt to connect fails at once if the server is not there. Once connected, a lost connection is made
/// again with growing waits, and requests and subscriptions go on as if nothing had been.
/// </para>
/// </remarks>
/// <example>
/// <code>
/// await using var client = new ConclaveClient(ConclaveOptions.Default with { Server = new("https://example.org") });
/// await client.SignInAsync("alice", password);
/// await client.PostAsync("first_lobby", "The new password is …");
/// await foreach (var entry in client.ReadAsync("first_lobby", Position.Start))
///     Console.WriteLine($"{entry.From.Login}: {entry.Content?.Text}");
/// </code>
/// </example>
public sealed class ConclaveClient : IAsyncDisposable
{
    readonly Link _link;
    readonly SealedClient? _sealed;
    readonly LobbyRequests _requests;

    // Whose the token is, if anybody but the server has said.
    string? _login;

    /// <summary>A client of the server that <paramref name="options"/> name; no connection is made yet.</summary>
    /// <param name="options">Null for <see cref="ConclaveOptions.Default"/>.</param>
    /// <exception cref="ArgumentException">The server's address is none, or holds a password.</exception>
    public ConclaveClient(ConclaveOptions? options = null)
    {
        var given = options ?? ConclaveOptions.Default;
        _link = new Link(given);
        _sealed = given.StateFolder is null ? null : new SealedClient(_link, given);
        _requests = new LobbyRequests(_link, _sealed);
        Account = new Account(_link, _sealed);
        Lobbies = new Lobbies(_requests, _link, _sealed, MeAsync);
        Trust = new Trust(_link, SealedSessionAsync);
        Secrets = new Secrets(this, _sealed);
        Files = new Files(this, _sealed);
    }

    /// <summary>The signed-in user's sessions and password.</summary>
    public Account Account { get; }

    /// <summary>What changes lobbies that are there: rights, removals, names, deletions.</summary>
    public Lobbies Lobbies { get; }

    /// <summary>Whose keys a sealing client trusts, and what it has caught a server at.</summary>
    public Trust Trust { get; }

    /// <summary>Named secrets in lobbies of either kind.</summary>
    public Secrets Secrets { get; }

    /// <summary>Files in lobbies of either kind.</summary>
    public Files Files { get; }

    /// <summary>Who is signed in; null if nobody is, or a token is used whose owner was not asked for yet.</summary>
    public Person? User { get; private set; }

    /// <summary>Whether there is a connection at this moment.</summary>
    public bool IsConnected => _link.IsConnected;

    /// <summary>Connects now rather than with the first request.</summary>
    public Task ConnectAsync(CancellationToken cancellationToken = default) => PingAsync(cancellationToken);

    /// <summary>
    /// Goes on with the session of an earlier <see cref="SignInAsync(string, string, CancellationToken)"/>.
    /// </summary>
    /// <param name="token">The secret from <see cref="AuthReply.Token"/>. Whoever has it is the user.</param>
    /// <exception cref="ArgumentException"><paramref name="token"/> is empty.</exception>
    /// <param name="login">
    /// Whose it is, so that a sealing client need not believe the server about it; null asks the server.
    /// </param>
    /// <exception cref="StateException">The state of this login cannot be used.</exception>
    public void UseToken(string token, string? login = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(token);
        _sealed?.Use(login);
        (_link.Token, _login) = (token, login);
        User = null;
    }

    /// <summary>
    /// Makes a user (<c>register</c>); by a sealing client one with an identity. Not repeated when the connection is
    /// lost before the answer: then try to sign in, which tells whether it was done.
    /// </summary>
    /// <param name="login">1 to 64 of <c>A–Z a–z 0–9 . _ -</c>; the case is ignored everywhere.</param>
    /// <param name="password">8 to 1,024 bytes of UTF-8. Wipe it when the task has ended.</param>
    /// <param name="registrationCode">What the operator gives out, where registration takes that; else null.</param>
    /// <exception cref="RefusedException">
    /// <see cref="ErrorCode.LoginTaken"/>: somebody else has the login. <see cref="ErrorCode.RegistrationClosed"/>:
    /// the server takes nobody, or, if <see cref="RefusedException.Field"/> says so, only with the right code.
    /// </exception>
    public Task<RegisterReply> RegisterAsync(
        string login, ReadOnlyMemory<byte> password, string? registrationCode,
        CancellationToken cancellationToken = default) =>
        Answered.AboutAsync(login, reply => reply.Login,
            _sealed?.Accounts.RegisterAsync(login, password, registrationCode, cancellationToken)
            ?? _link.AskAsync<RegisterReply>(ActionName.Register, RequestKind.Once, null, json =>
            {
                json.WriteCredentials(login, password);
                if (registrationCode is not null)
                    json.WriteString("registration_code"u8, registrationCode);
            }, cancellationToken));

    /// <summary>The same where no code is asked for.</summary>
    public Task<RegisterReply> RegisterAsync(
        string login, ReadOnlyMemory<byte> password, CancellationToken cancellationToken = default) =>
        RegisterAsync(login, password, registrationCode: null, cancellationToken);

    /// <summary>The same with a password that is a string, which cannot be wiped.</summary>
    public Task<RegisterReply> RegisterAsync(
        string login, string password, CancellationToken cancellationToken = default) =>
        RegisterAsync(login, Encoding.UTF8.GetBytes(password), cancellationToken);

    /// <summary>
    /// Signs in (<c>auth</c>): the requests that follow are this user's, also after reconnections.
    /// </summary>
    /// <param name="login">The user's login; the case is ignored.</param>
    /// <param name="password">8 to 1,024 bytes of UTF-8. Wipe it when the task has ended.</param>
    /// <returns>Among others the token, a secret, for <see cref="UseToken"/> in a later run.</returns>
    /// <exception cref="RefusedException">
    /// <see cref="ErrorCode.BadCredentials"/>: wrong login or wrong password, nobody learns which.
    /// <see cref="ErrorCode.RateLimited"/>: too many failed attempts; see <see cref="RefusedException.RetryAfter"/>.
    /// </exception>
    /// <exception cref="AlarmException">
    /// Of a sealing client, which never sends the password as it was typed: <see cref="AlarmCode.PlainAccount"/>,
    /// <see cref="AlarmCode.WeakKdf"/> (nothing was sent), <see cref="AlarmCode.BadVault"/>,
    /// <see cref="AlarmCode.BadIdentity"/>.
    /// </exception>
    public async Task<AuthReply> SignInAsync(
        string login, ReadOnlyMemory<byte> password, CancellationToken cancellationToken = default) => _sealed is null
        ? await SignInToPlainAccountAsync(login, password, cancellationToken).ConfigureAwait(false)
        : Use(login, await _sealed.SignInAsync(login, password, cancellationToken).ConfigureAwait(false));

    /// <summary>
    /// Signs in to an account that a plain client made, by sending the password as it was typed: the server sees it.
    /// Only for a user who has said that the account is such a one.
    /// </summary>
    /// <inheritdoc cref="SignInAsync(string, ReadOnlyMemory{byte}, CancellationToken)"/>
    public async Task<AuthReply> SignInToPlainAccountAsync(
        string login, ReadOnlyMemory<byte> password, CancellationToken cancellationToken = default)
    {
        var reply = await _link.AskAsync<AuthReply>(
            ActionName.Auth, RequestKind.Ask, null, json => json.WriteCredentials(login, password),
            cancellationToken).ConfigureAwait(false);
        Answered.About(login, reply.Login);
        _sealed?.Use(login);
        return Use(login, reply);
    }

    /// <summary>The same with a password that is a string, which cannot be wiped.</summary>
    public Task<AuthReply> SignInAsync(string login, string password, CancellationToken cancellationToken = default) =>
        SignInAsync(login, Encoding.UTF8.GetBytes(password), cancellationToken);

    /// <summary>
    /// Ends the session (<c>logout</c>); its token is worth nothing any more. Also when it had ended already. A sealing
    /// client wipes the keys that it kept, also when the server cannot be reached, and keeps what it has verified.
    /// </summary>
    public async Task SignOutAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            // First, whatever becomes of the connection: to wipe the keys takes no server.
            await (_sealed?.WipeAsync(cancellationToken) ?? Task.CompletedTask).ConfigureAwait(false);
            await _link.AskSignedAsync<DoneReply>(ActionName.Logout, RequestKind.Ask, _ => { }, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (RefusedException refused) when (refused.Code == ErrorCode.BadToken)
        {
            // It was over before, or a first attempt ended it and only the answer was lost.
        }
        _sealed?.Use((string?)null);
        (_link.Token, _login) = (null, null);
        User = null;
    }

    /// <summary>Who is signed in (<c>whoami</c>).</summary>
    /// <exception cref="RefusedException"><see cref="ErrorCode.BadToken"/>: nobody; the session has ended.</exception>
    public async Task<UserReply> WhoamiAsync(CancellationToken cancellationToken = default)
    {
        var (token, login) = (_link.Token, _login);
        var reply = await _link.AskSignedAsync<UserReply>(
            ActionName.Whoami, RequestKind.Ask, _ => { }, cancellationToken).ConfigureAwait(false);
        Answered.About(login, reply.Login);
        if (ReferenceEquals(token, _link.Token))
            User = new Person(reply.Login, reply.PublicToken);
        return reply;
    }

    /// <summary>
    /// What anybody may know of a user (<c>get_public_token</c>). Needs no session. A sealing client pins the key.
    /// </summary>
    /// <exception cref="RefusedException"><see cref="ErrorCode.NoSuchUser"/>.</exception>
    public Task<UserReply> FindUserAsync(string login, CancellationToken cancellationToken = default) =>
        _requests.FindUserAsync(login, cancellationToken);

    /// <summary>
    /// What anybody may know of a lobby (<c>lobby_id</c>), by the word of the server alone: see <see
    /// cref="Lobbies.IdAsync"/>. Needs no session.
    /// </summary>
    /// <exception cref="RefusedException"><see cref="ErrorCode.NoSuchLobby"/>.</exception>
    /// <exception cref="AlarmException"><see cref="AlarmCode.NameMoved"/>: the name led elsewhere before.</exception>
    public Task<LobbyReply> FindLobbyAsync(LobbyRef lobby, CancellationToken cancellationToken = default) =>
        _requests.FindLobbyAsync(lobby, cancellationToken);

    /// <summary>
    /// Makes a plain lobby whose only member is the signed-in user, with all rights (<c>create_lobby</c>). The server
    /// can read what is in it; <see cref="Lobbies.CreateSealedAsync"/> makes one that it cannot read.
    /// </summary>
    /// <param name="lobbyName">1 to 128 characters, at most 255 bytes of UTF-8; unique without regard to case.</param>
    /// <param name="nonce">To repeat a call whose outcome is unknown; null draws one, and forgets it.</param>
    /// <exception cref="RefusedException"><see cref="ErrorCode.LobbyNameTaken"/>.</exception>
    public Task<CreateLobbyReply> CreateLobbyAsync(
        string lobbyName, Guid? nonce = null, CancellationToken cancellationToken = default) =>
        _requests.CreateLobbyAsync(lobbyName, nonce, cancellationToken);

    /// <summary>Lets another user into a lobby (<c>invite_lobby</c>).</summary>
    /// <param name="lobby">A lobby in which the signed-in user has <see cref="Rights.Invite"/>.</param>
    /// <param name="publicToken">Whom: <see cref="UserReply.PublicToken"/> of <see cref="FindUserAsync"/>.</param>
    /// <param name="rights">At most what the signed-in user has; <see cref="Rights.Read"/> is always granted.</param>
    /// <param name="nonce">To repeat a call whose outcome is unknown; null draws one, and forgets it.</param>
    /// <exception cref="RefusedException">
    /// <see cref="ErrorCode.Forbidden"/>, <see cref="ErrorCode.AlreadyMember"/>, <see cref="ErrorCode.NoSuchUser"/>.
    /// </exception>
    public Task<InviteLobbyReply> InviteAsync(
        LobbyRef lobby, Guid publicToken, Rights rights = Rights.Default, Guid? nonce = null,
        CancellationToken cancellationToken = default) =>
        _requests.InviteAsync(lobby, publicToken, rights, nonce, cancellationToken);

    /// <summary>Puts a text into a lobby, as a JSON string.</summary>
    /// <inheritdoc cref="PostAsync(LobbyRef, Content, Guid?, CancellationToken)"/>
    public Task<MessageReply> PostAsync(
        LobbyRef lobby, string text, Guid? nonce = null, CancellationToken cancellationToken = default) =>
        PostAsync(lobby, Content.OfText(text), nonce, cancellationToken);

    /// <summary>
    /// Puts something into a lobby (<c>message</c>). When the task has ended well, it is stored for good, and once:
    /// until <see cref="ConclaveOptions.RequestTimeout"/> it is repeated under one nonce, over lost connections and
    /// while the server asks to come back later.
    /// </summary>
    /// <remarks>
    /// Posts enter the log in the order of the calls, awaited or not. One that the server put off, while
    /// later ones were on their way already, can come after them; a caller who must not see that awaits each post.
    /// Calls that are not awaited wait in memory.
    /// </remarks>
    /// <param name="lobby">A lobby in which the signed-in user has <see cref="Rights.Write"/>.</param>
    /// <param name="content">What to put there.</param>
    /// <param name="nonce">To repeat a call whose outcome is unknown; null draws one, and forgets it.</param>
    /// <returns>Its place in the log, and whether an earlier call with this nonce had stored it.</returns>
    /// <exception cref="RefusedException">
    /// <see cref="ErrorCode.Forbidden"/>: not a member, or not allowed to write. <see cref="ErrorCode.NoSuchLobby"/>.
    /// <see cref="ErrorCode.TooLarge"/>: the request would have more than 1 MiB.
    /// <see cref="ErrorCode.NonceReused"/>: the nonce belongs to something else. <see cref="ErrorCode.RateLimited"/>
    /// and <see cref="ErrorCode.Busy"/>: the server wants it later than the timeout allows.
    /// </exception>
    /// <exception cref="AlarmException">
    /// Of a sealing client: see <see cref="AlarmCode"/>; nothing was posted.
    /// </exception>
    public Task<MessageReply> PostAsync(
        LobbyRef lobby, Content content, Guid? nonce = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        return _requests.PostAsync(lobby, new(content, null, nonce), cancellationToken);
    }

    /// <summary>The same for content that is erased by itself after a time.</summary>
    /// <param name="lobby">A lobby in which the signed-in user has <see cref="Rights.Write"/>.</param>
    /// <param name="content">What to put there.</param>
    /// <param name="expiresIn">After how long, in whole seconds: 1 second to 3,650 days.</param>
    /// <param name="nonce">To repeat a call whose outcome is unknown; null draws one, and forgets it.</param>
    /// <inheritdoc cref="PostAsync(LobbyRef, Content, Guid?, CancellationToken)"/>
    public Task<MessageReply> PostAsync(
        LobbyRef lobby, Content content, TimeSpan expiresIn, Guid? nonce = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        return _requests.PostAsync(lobby, new(content, (long)expiresIn.TotalSeconds, nonce), cancellationToken);
    }

    /// <summary>The lobbies that the signed-in user is a member of, by name (<c>my_lobbies</c>).</summary>
    public Task<IReadOnlyList<OwnLobby>> MyLobbiesAsync(CancellationToken cancellationToken = default) =>
        _requests.MyLobbiesAsync(cancellationToken);

    /// <summary>The members of a lobby, by login (<c>members</c>).</summary>
    /// <exception cref="RefusedException"><see cref="ErrorCode.Forbidden"/>: not a member oneself.</exception>
    public Task<IReadOnlyList<Member>> MembersAsync(
        LobbyRef lobby, CancellationToken cancellationToken = default) =>
        _requests.MembersAsync(lobby, cancellationToken);

    /// <summary>A page of a lobby's log (<c>history</c>): the newest, unless one of the two ends is given.</summary>
    /// <param name="lobby">A lobby that the signed-in user is a member of.</param>
    /// <param name="after">Only entries with a greater seq, the oldest of them; null for no such end.</param>
    /// <param name="before">Only entries with a smaller seq, the newest of them; null for no such end.</param>
    /// <param name="limit">1 to 1,000 entries at most; the page can be shorter and say that there are more.</param>
    /// <param name="bodyMax">Leave out content of more bytes than this; null leaves out none.</param>
    /// <exception cref="ArgumentException">
    /// Both <paramref name="after"/> and <paramref name="before"/> are given.
    /// </exception>
    /// <exception cref="RefusedException"><see cref="ErrorCode.Forbidden"/>: not a member.</exception>
    public Task<HistoryPage> HistoryAsync(
        LobbyRef lobby, long? after = null, long? before = null, int limit = 100, int? bodyMax = null,
        CancellationToken cancellationToken = default)
    {
        if (after is not null && before is not null)
            throw new ArgumentException("A page has one end: give after or before.", nameof(before));
        return _requests.HistoryAsync(lobby, new(after, before, limit, bodyMax), cancellationToken);
    }

    /// <summary>Follows a lobby (<c>subscribe</c>): its entries after a position, stored and then live.</summary>
    /// <param name="lobby">A lobby that the signed-in user is a member of.</param>
    /// <param name="from">Where to begin; null for only what comes from now on.</param>
    /// <returns>The open subscription. Dispose it to unsubscribe (<c>unsubscribe</c>).</returns>
    /// <exception cref="InvalidOperationException">
    /// This client follows the lobby already. Use that subscription, or another client.
    /// </exception>
    /// <exception cref="LogChangedException">The position belongs to a log from before a restored backup.</exception>
    /// <exception cref="RefusedException">
    /// <see cref="ErrorCode.Forbidden"/>: not a member. <see cref="ErrorCode.BadRequest"/>: the position is beyond
    /// the end of the log.
    /// </exception>
    public async Task<Subscription> SubscribeAsync(
        LobbyRef lobby, Position? from = null, CancellationToken cancellationToken = default)
    {
        var token = _link.RequireToken();
        var me = await MeAsync(cancellationToken).ConfigureAwait(false);
        return await _requests.SubscribeAsync(lobby, from, token, me, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// The entries of a lobby after a position, without end: a subscription that lasts as long as the loop over it.
    /// </summary>
    /// <inheritdoc cref="SubscribeAsync"/>
    public async IAsyncEnumerable<Entry> ReadAsync(
        LobbyRef lobby, Position? from = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var subscription = await SubscribeAsync(lobby, from, cancellationToken).ConfigureAwait(false);
        await using (subscription.ConfigureAwait(false))
        {
            await foreach (var entry in subscription.ReadAllAsync(cancellationToken).ConfigureAwait(false))
                yield return entry;
        }
    }

    /// <summary>
    /// What the server tells the signed-in user outside of any lobby's log (<c>invited</c>, <c>removed</c>,
    /// <c>message_deleted</c>, <c>lobby_deleted</c>, <c>session_ended</c>, <c>server_closing</c>, one of
    /// <see cref="EventName"/>), and the client's own
    /// <see cref="ConnectionHint"/>s, as they come. Without end; for one loop at a time. Hints get lost with the
    /// connection, and the oldest when nobody takes them: never rely on one.
    /// </summary>
    public IAsyncEnumerable<Hint> HintsAsync(CancellationToken cancellationToken = default) =>
        _link.HintsAsync(cancellationToken);

    /// <summary>Asks for a sign of life (<c>ping</c>).</summary>
    /// <returns>The server's time.</returns>
    public Task<PingReply> PingAsync(CancellationToken cancellationToken = default) =>
        _link.AskAsync<PingReply>(ActionName.Ping, RequestKind.Ask, null, _ => { }, cancellationToken);

    /// <summary>Closes the connection. Requests under way fail, loops over entries end calmly.</summary>
    public async ValueTask DisposeAsync()
    {
        await _link.DisposeAsync().ConfigureAwait(false);
        if (_sealed is not null)
            await _sealed.DisposeAsync().ConfigureAwait(false);
    }

    Task<SealedSession> SealedSessionAsync(CancellationToken cancellationToken) =>
        _sealed?.SessionAsync(cancellationToken) ?? throw SealedClient.IsPlain();

    AuthReply Use(string login, AuthReply reply)
    {
        (_link.Token, _login) = (reply.Token, login);
        User = new Person(reply.Login, reply.PublicToken);
        return reply;
    }

    async Task<Guid> MeAsync(CancellationToken cancellationToken) =>
        User?.PublicToken ?? (await WhoamiAsync(cancellationToken).ConfigureAwait(false)).PublicToken;
}
