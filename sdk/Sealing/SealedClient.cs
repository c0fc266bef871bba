using System.Threading.Channels;
using Conclave.Protocol;
using Conclave.Sdk.Storage;

namespace Conclave.Sdk.Sealing;

/// <summary>
/// The part of a client that is a sealing client: who is signed in with which keys, and which way a request goes, the
/// plain one or the sealed one.
/// </summary>
sealed class SealedClient : IAsyncDisposable
{
    readonly Link _link;
    readonly ConclaveOptions _options;
    readonly SemaphoreSlim _opening = new(1, 1);
    readonly Task _answering;

    // A hint that is lost is asked for again.
    readonly Channel<Hint> _hints = Channel.CreateBounded<Hint>(
        new BoundedChannelOptions(64) { FullMode = BoundedChannelFullMode.DropOldest });

    SealedSession? _session;

    public SealedClient(Link link, ConclaveOptions options)
    {
        (_link, _options) = (link, options);
        Accounts = new SealedAccounts(link, options);
        link.LobbyHinted = hint => _hints.Writer.TryWrite(hint);
        _answering = Task.Run(AnswerAsync);
    }

    public SealedAccounts Accounts { get; }

    public async Task<AuthReply> SignInAsync(
        string login, ReadOnlyMemory<byte> password, CancellationToken cancellationToken)
    {
        var (reply, session) = await Accounts.SignInAsync(login, password, cancellationToken).ConfigureAwait(false);
        Use(session);
        return reply;
    }

    /// <summary>Goes on as somebody whose token is used; null: nobody, until a token is.</summary>
    public void Use(string? login) => Use(login is null ? null : SealedSession.Open(_link, _options, login));

    /// <summary>The account's state; asks the server who the token's owner is if nobody has said.</summary>
    public async Task<SealedSession> SessionAsync(CancellationToken cancellationToken)
    {
        if (_session is { } known)
            return known;
        await _opening.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_session is null)
            {
                var who = await _link.AskSignedAsync<UserReply>(
                    ActionName.Whoami, RequestKind.Ask, _ => { }, cancellationToken).ConfigureAwait(false);
                _session = SealedSession.Open(_link, _options, who.Login);
            }
            return _session;
        }
        finally
        {
            _opening.Release();
        }
    }

    /// <summary>The sealed lobby that is meant; null if the lobby is plain.</summary>
    public async Task<(SealedSession Session, SealedLobby? Lobby)> FindAsync(
        LobbyRef lobby, CancellationToken cancellationToken)
    {
        var session = await SessionAsync(cancellationToken).ConfigureAwait(false);
        return (session, await SealedNames.SealedAsync(session, lobby, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>
    /// The same before something is posted: a lobby that is not sealed must have been declared plain by a person.
    /// </summary>
    /// <exception cref="AlarmException"><see cref="AlarmCode.NotDeclaredPlain"/>.</exception>
    public async Task<(SealedSession Session, SealedLobby? Lobby, Guid Id)> FindToPostAsync(
        LobbyRef lobby, CancellationToken cancellationToken)
    {
        var session = await SessionAsync(cancellationToken).ConfigureAwait(false);
        var id = await SealedNames.FindAsync(session, lobby, cancellationToken).ConfigureAwait(false);
        if (SealedNames.IsSealed(id))
        {
            var opened = await SealedNames.OpenAsync(session, id, cancellationToken).ConfigureAwait(false);
            return (session, opened, id);
        }
        // The server may lead any name to a lobby that was declared plain under another one.
        var isNamed = lobby.Name is not { } name || SealedNames.Pinned(session, name) == id;
        if (isNamed && session.Pins.IsDeclaredPlain(id))
            return (session, null, id);
        throw new AlarmException(
            AlarmCode.NotDeclaredPlain,
            $"{lobby} is not sealed: the server can read what is posted there. If that is meant, declare the lobby "
            + $"plain by its id, {id}.")
        { LobbyId = id };
    }

    /// <summary>Who has this public token, as it was pinned when the user was looked up.</summary>
    public static Pin Pinned(SealedSession session, Guid publicToken) =>
        session.Pins.WithToken(publicToken) switch
        {
            [var pin] => pin,
            [] => throw RefusedException.From(new Refusal(
                ErrorCode.NoSuchUser, "Nobody's key is known for this public token. Look the user up by login first")),
            [var pin, ..] => throw new AlarmException(
                AlarmCode.BadIdentity, "The server gives two users the same public token.")
            { Login = pin.Login },
        };

    /// <summary>Gives the lobbies that were followed the names that their rosters bear.</summary>
    public async Task<IReadOnlyList<OwnLobby>> NameAsync(
        IReadOnlyList<OwnLobby> served, CancellationToken cancellationToken)
    {
        var session = await SessionAsync(cancellationToken).ConfigureAwait(false);
        // Of a lobby that the server does not show any more nothing can be read here: its content only takes up room.
        foreach (var gone in session.Lobbies.All().Except(served.Select(lobby => lobby.LobbyId)))
            session.Lobbies.Shed(gone);
        return
        [
            .. served.Select(lobby => SealedNames.IsSealed(lobby.LobbyId)
                ? lobby with { Sealed = true, LobbyName = session.Lobbies.NameOf(lobby.LobbyId) ?? lobby.LobbyName }
                : lobby with { Sealed = false }),
        ];
    }

    public static InvalidOperationException IsPlain() =>
        new("This is a plain client: it has no keys. Give it a StateFolder in its options.");

    /// <summary>Wipes the secrets of whoever signs out.</summary>
    public async Task WipeAsync(CancellationToken cancellationToken) =>
        (await SessionAsync(cancellationToken).ConfigureAwait(false)).Forget();

    /// <summary>The same for anybody who has signed in on this device.</summary>
    /// <returns>Whether there was anything to wipe.</returns>
    public bool Wipe(string login)
    {
        if (!SealedSession.IsKept(_options, login))
            return false;
        using var session = SealedSession.Open(_link, _options, login);
        var hadKeys = session.HasIdentity;
        session.Forget();
        // The same file is open for whoever is signed in here, with the seed in memory.
        if (_session is { } own && own.Login == session.Login)
            own.Forget();
        return hadKeys;
    }

    public async ValueTask DisposeAsync()
    {
        _hints.Writer.TryComplete();
        await _answering.ConfigureAwait(false);
        _session?.Dispose();
        _opening.Dispose();
    }

    void Use(SealedSession? session)
    {
        var old = Interlocked.Exchange(ref _session, session);
        old?.Dispose();
    }

    async Task AnswerAsync()
    {
        await foreach (var hint in _hints.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            try
            {
                if (_session is { HasIdentity: true } session)
                    await session.AnswerAsync(hint).ConfigureAwait(false);
            }
            catch (Exception exception)
                when (exception is ConclaveException or InvalidOperationException or ArgumentException)
            {
                // Whoever asked asks again; what is wrong with the lobby shows when it is used. The session may have
                // been closed meanwhile.
            }
        }
    }
}
