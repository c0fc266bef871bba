using System.Collections.Concurrent;
using System.Security.Cryptography;
using Conclave.Protocol;
using Conclave.Roster;
using Conclave.Sdk.Storage;
using Conclave.Sealing;
using RowVerdict = Conclave.Roster.Verdict;

namespace Conclave.Sdk.Sealing;

/// <summary>
/// One user of a sealing client: who that is, what is kept of it on the disk, and the sealed lobbies it is in.
/// </summary>
sealed class SealedSession : IDisposable
{
    readonly ConcurrentDictionary<Guid, SealedLobby> _lobbies = [];
    readonly StateFile _file;
    Identity? _identity;
    bool _isAllShed;

    SealedSession(Link link, ConclaveOptions options, StateFile file, string login)
    {
        (Link, Options, _file, Login) = (link, options, file, login);
        Accounts = new AccountStore(file);
        Pins = new PinStore(file);
        Identities = new IdentityStore(file);
        Lobbies = new LobbyStore(file);
        Keys = new KeyStore(file);
        Drafts = new DraftStore(file);
    }

    public Link Link { get; }

    public ConclaveOptions Options { get; }

    /// <summary>In its canonical form.</summary>
    public string Login { get; }

    public AccountStore Accounts { get; }

    public PinStore Pins { get; }

    public IdentityStore Identities { get; }

    public LobbyStore Lobbies { get; }

    public KeyStore Keys { get; }

    public DraftStore Drafts { get; }

    /// <summary>Own public token.</summary>
    public Guid Me => Accounts.PublicToken() ?? throw NotHere();

    /// <summary>The identity with its secrets.</summary>
    /// <exception cref="RefusedException">Nobody has signed in with the password on this device.</exception>
    public Identity Identity => _identity ??= Kept();

    /// <summary>
    /// The same as it is kept at this moment, for the caller to dispose: another program of this user may have given
    /// the account a new one.
    /// </summary>
    public Identity Kept()
    {
        var seed = Accounts.Seed() ?? throw NotHere();
        try
        {
            return Identity.FromSeed(Login, seed);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(seed);
        }
    }

    public bool HasIdentity => _identity is not null || Accounts.HasSeed();

    /// <summary>Whether anything is kept of an account.</summary>
    public static bool IsKept(ConclaveOptions options, string login) => Protocol.Login.Canonical(login) is { } canonical
        && StateFile.Exists(options.StateFolder!, Link.AddressOf(options.Server), canonical);

    /// <summary>Opens what is kept of an account.</summary>
    public static SealedSession Open(Link link, ConclaveOptions options, string login)
    {
        var canonical = Protocol.Login.Canonical(login)
            ?? throw RefusedException.From(new Refusal(ErrorCode.BadRequest, "This is no login", "login"));
        var file = StateFile.Open(options.StateFolder!, Link.AddressOf(options.Server), canonical);
        return new SealedSession(link, options, file, canonical);
    }

    /// <summary>
    /// Keeps who has signed in, and pins the own identity: it is verified, since the vault has opened.
    /// </summary>
    public void Enter(Identity identity, Guid publicToken, KdfParameters kdf)
    {
        Span<byte> seed = stackalloc byte[Identity.SeedBytes];
        identity.ExportSeed(seed);
        Accounts.Keep(publicToken, seed, kdf);
        CryptographicOperations.ZeroMemory(seed);
        Pins.Keep(new Pin(identity.Record, publicToken, IsVerified: true, Changed: null, IsSigned: false));
        _identity?.Dispose();
        _identity = identity;
    }

    /// <summary>
    /// An identity that the account had before, for the caller to dispose; null if its keys are not here.
    /// </summary>
    public Identity? Former(Digest fingerprint)
    {
        Identity? found = null;
        foreach (var seed in Accounts.FormerSeeds())
        {
            var former = Identity.FromSeed(Login, seed);
            CryptographicOperations.ZeroMemory(seed);
            if (found is null && former.Fingerprint == fingerprint)
                found = former;
            else
                former.Dispose();
        }
        return found;
    }

    public SealedLobby Lobby(Guid lobbyId) =>
        _lobbies.GetOrAdd(lobbyId, static (id, session) => new SealedLobby(session, id), this);

    /// <summary>Reads or writes several things of the file with nothing in between.</summary>
    public T InOneChange<T>(Func<T> work) => _file.Change(work);

    /// <summary>Drops what is known of a lobby in memory, since the file says something else now.</summary>
    public void Drop(Guid lobbyId)
    {
        if (_lobbies.TryRemove(lobbyId, out var lobby))
            lobby.Dispose();
    }

    /// <summary>
    /// The user is no member any more: content and keys are of no use here, and of use to a thief. What was verified
    /// stays, for the day that somebody invites the user again.
    /// </summary>
    public void Leave(Guid lobbyId) => InOneChange(() =>
    {
        Lobbies.Shed(lobbyId);
        Keys.Drop(lobbyId);
        return true;
    });

    /// <summary>Lets go of the oldest content when too much is kept; it is fetched again when it is wanted.</summary>
    public void Prune()
    {
        if (!_isAllShed && _file.UsedBytes() > Options.StateBytesMax)
            _isAllShed = Lobbies.ShedOlderHalf() == 0;
    }

    /// <summary>Answers a hint about keys; one that fails is answered when the next comes.</summary>
    public Task AnswerAsync(Hint hint) =>
        hint.LobbyId is { } id && _lobbies.TryGetValue(id, out var lobby)
            ? lobby.AnswerAsync(hint)
            : Task.CompletedTask;

    /// <summary>Sees an identity under a login: pins it, or raises the alarm (docs/sealing.md, section 9).</summary>
    public Pin See(IdentityRecord seen, Guid token, bool isSigned = false)
    {
        // The usual case reads one fingerprint and writes nothing.
        return Pins.FingerprintOf(seen.Login) == seen.Fingerprint && Pins.Find(seen.Login) is { } pin
            ? pin
            : Pins.Change(seen.Login, known => Pinning.See(known, seen, token, isSigned));
    }

    /// <summary>Whether the user has compared safety numbers with whoever has this identity.</summary>
    public bool IsVerified(IdentityRecord identity) =>
        Pins.Find(identity.Login) is { IsVerified: true } pin && pin.Identity.Fingerprint == identity.Fingerprint;

    /// <summary>An account's identity as the server gives it, pinned; null for a plain account.</summary>
    /// <exception cref="AlarmException">The record is not valid for the login.</exception>
    public Pin? See(string login, Guid token, IdentityPart? part)
    {
        if (part is null)
            return null;
        var identity = Accept(login, part.Record);
        var pinned = Pins.Find(login);
        var isSigned = pinned is not null && part.Previous is { } previous && Pinning.IsSuccession(
            pinned.Identity, identity, previous.Select(older => (Decode(older.Record), Decode(older.Succession))));
        return See(identity, token, isSigned);
    }

    /// <exception cref="AlarmException">The record is not valid for the login.</exception>
    public static IdentityRecord Accept(string? login, string? record) =>
        // Two logins that look alike are two people to a program, and one to its user.
        login is null || !string.Equals(Protocol.Login.Canonical(login), login, StringComparison.Ordinal)
            ? throw new AlarmException(
                AlarmCode.BadIdentity, "The server gave an identity for a login that is none.")
            : IdentityRecord.Accept(login, Decode(record), out var identity) == RowVerdict.Accepted
            ? identity!
            : throw new AlarmException(
                AlarmCode.BadIdentity, $"The server gave an identity for {login} that is not valid.")
            { Login = login };

    /// <summary>Strict base64url; what is none becomes no bytes, which no check accepts.</summary>
    public static byte[] Decode(string? text) => Base64Text.TryDecode(text, out var bytes) ? bytes : [];

    /// <summary>Wipes the secrets, here and on the disk.</summary>
    public void Forget()
    {
        Accounts.Forget();
        _identity?.Dispose();
        _identity = null;
    }

    public void Dispose()
    {
        foreach (var lobby in _lobbies.Values)
            lobby.Dispose();
        _identity?.Dispose();
        _file.Dispose();
    }

    /// <summary>The account's keys are not on this device, if it has any.</summary>
    public RefusedException NotHere() => RefusedException.From(new Refusal(
        "no_identity", $"{Login} has a plain account, or its keys are not on this device"));
}
