using System.Collections.Concurrent;
using System.Net;
using Conclave.Protocol;
using Conclave.Server.Storage;

namespace Conclave.Server.Accounts;

/// <summary>
/// Who a token stands for. What was found is trusted for a second, so that a busy connection asks the database once a
/// second and a session that ended elsewhere is over within one.
/// </summary>
sealed class Sessions(SessionStore store, Presence presence, Limits limits, TimeProvider time)
{
    static readonly TimeSpan Trust = TimeSpan.FromSeconds(1);

    // What has ended is kept for so long, for other servers to see why.
    static readonly TimeSpan EndedKept = TimeSpan.FromMinutes(5);

    const int KnownMax = 100_000;

    readonly ConcurrentDictionary<TokenHash, (Session Session, long CheckedAt)> _known = new();
    long _endings;

    /// <summary>How often a use of a token is noted at most: one write an hour instead of one a request.</summary>
    public TimeSpan UseNoted { get; } =
        limits.SessionLifetime / 2 < TimeSpan.FromHours(1) ? limits.SessionLifetime / 2 : TimeSpan.FromHours(1);

    /// <summary>Opens a session for a user who has shown the password. The token is shown this once.</summary>
    /// <param name="person">Whose it is.</param>
    /// <param name="passwordHash">The hash that the password was checked against.</param>
    /// <param name="client">What the program at the other end calls itself; null if it does not say.</param>
    /// <param name="address">Where it is; null if that is not known.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<(SignIn Outcome, Session Session, Guid Token)> OpenAsync(
        Person person, string passwordHash, string? client, IPAddress? address, CancellationToken cancellation)
    {
        var token = SessionToken.New();
        var now = time.GetUtcNow();
        var session = new Session(Guid.CreateVersion7(now), person, now + limits.SessionLifetime, now);
        var known = address is { IsIPv4MappedToIPv6: true } ? address.MapToIPv4() : address;
        // A use is noted with some delay: what has not been noted for twice as long is in use no more.
        var (outcome, evicted) = await store.AddAsync(
            new NewSession(session, SessionToken.Hash(token), client, known), passwordHash,
            new SessionQuota(limits.SessionsPerUserMax, now - 2 * UseNoted), cancellation);
        Announce(person.PublicToken, evicted, SessionEnd.Revoked);
        return (outcome, session, token);
    }

    /// <summary>The session of a token; null if it is unknown or expired.</summary>
    public ValueTask<Session?> FindAsync(Guid token, CancellationToken cancellation) =>
        FindAsync(TokenHash.Of(token), cancellation);

    /// <summary>The session of the token with this hash; null if it is unknown or expired.</summary>
    public async ValueTask<Session?> FindAsync(TokenHash key, CancellationToken cancellation)
    {
        if (_known.TryGetValue(key, out var known) && time.GetElapsedTime(known.CheckedAt) < Trust)
            return known.Session;
        var checkedAt = time.GetTimestamp();
        var endings = Interlocked.Read(ref _endings);
        var session = await store.FindAsync(key.ToArray(), time.GetUtcNow(), cancellation);
        if (session is null)
        {
            _known.TryRemove(key, out _);
            return null;
        }
        session = await NoteUseAsync(session, cancellation);
        if (_known.Count >= KnownMax)
            _known.Clear();
        _known[key] = (session, checkedAt);
        // One that ended since it was looked up may have been swept out before it was put in.
        if (endings != Interlocked.Read(ref _endings))
            _known.TryRemove(key, out _);
        return session;
    }

    /// <summary>Whether a session that was found goes on: asks the database, and trusts nothing older.</summary>
    public async Task<bool> IsOpenAsync(Session session, CancellationToken cancellation) =>
        (await store.FindEndedAsync([session.SessionId], time.GetUtcNow(), cancellation)).Count == 0;

    /// <summary>Prolongs a session in use, unless that was noted within the hour. Returns it as it is then.</summary>
    public async ValueTask<Session> NoteUseAsync(Session session, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        if (now - session.LastUsedAt < UseNoted)
            return session;
        var used = session with { LastUsedAt = now, ExpiresAt = now + limits.SessionLifetime };
        await store.TouchAsync(used.SessionId, used.LastUsedAt, used.ExpiresAt, cancellation);
        return used;
    }

    /// <summary>The sessions of the user who asks, the asking one first.</summary>
    public Task<List<OwnSession>> ListAsync(Session current, CancellationToken cancellation) =>
        store.ListAsync(current, time.GetUtcNow(), cancellation);

    /// <summary>
    /// Ends a session of the user: its token is worth nothing, and its subscriptions end. Whether there was one.
    /// </summary>
    public async Task<bool> EndAsync(
        Guid publicToken, Guid sessionId, string reason, CancellationToken cancellation)
    {
        var ended = new EndedSession(sessionId, reason);
        if (!await store.EndAsync(publicToken, ended, time.GetUtcNow(), cancellation))
            return false;
        Announce(publicToken, [sessionId], reason);
        return true;
    }

    /// <summary>Ends every session of the user but the one that asks; returns how many.</summary>
    public async Task<int> EndOthersAsync(Session current, CancellationToken cancellation)
    {
        var ended = await store.EndOthersAsync(current, time.GetUtcNow(), cancellation);
        Announce(current.Person.PublicToken, ended, SessionEnd.Revoked);
        return ended.Count;
    }

    /// <summary>Sessions have ended in the database: they end here too, and their connections hear it once.</summary>
    public void Announce(Guid publicToken, IReadOnlyCollection<Guid> sessionIds, string reason)
    {
        if (sessionIds.Count == 0)
            return;
        Distrust(sessionIds);
        foreach (var sessionId in sessionIds.Where(presence.Forget))
            Tell(publicToken, sessionId, reason);
    }

    /// <summary>
    /// Finds out which sessions that connections have shown here are over: expired, or ended by another server, the
    /// operator or anybody who may write to the database. Called again and again.
    /// </summary>
    public async Task SweepAsync(CancellationToken cancellation)
    {
        var shown = presence.Sessions();
        if (shown.Length == 0)
            return;
        var checkedAt = time.GetTimestamp();
        foreach (var ended in await store.FindEndedAsync(shown, time.GetUtcNow(), cancellation))
        {
            // Not one that was announced meanwhile.
            if (presence.Sweep(ended.SessionId) is not { } publicToken)
                continue;
            Distrust([ended.SessionId]);
            Tell(publicToken, ended.SessionId, ended.Reason);
        }
        Renew([.. shown], checkedAt);
    }

    // What was found before they ended is found no more.
    void Distrust(IReadOnlyCollection<Guid> sessionIds)
    {
        Interlocked.Increment(ref _endings);
        foreach (var (key, known) in _known)
        {
            if (sessionIds.Contains(known.Session.SessionId))
                _known.TryRemove(key, out _);
        }
    }

    void Tell(Guid publicToken, Guid sessionId, string reason) => presence.Tell(
        publicToken, new Notice(new Hint(EventName.SessionEnded, SessionId: sessionId, Reason: reason), sessionId));

    // What was just looked at for all need not be looked up for each, unless its use is to be noted.
    void Renew(HashSet<Guid> shown, long checkedAt)
    {
        var notedAfter = time.GetUtcNow() - UseNoted;
        foreach (var (key, known) in _known)
        {
            if (known.Session.LastUsedAt > notedAfter && shown.Contains(known.Session.SessionId))
                _known.TryUpdate(key, (known.Session, checkedAt), known);
        }
    }

    /// <summary>Deletes what is left of sessions that ended some minutes ago, whoever had them.</summary>
    public Task TrimAsync(CancellationToken cancellation)
    {
        presence.Trim();
        return store.TrimAsync(time.GetUtcNow() - EndedKept, cancellation);
    }
}
