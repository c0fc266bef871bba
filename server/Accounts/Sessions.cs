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

    const int KnownMax = 100_000;

    readonly ConcurrentDictionary<TokenHash, (Session Session, long CheckedAt)> _known = new();
    long _endings;

    /// <summary>How often a use of a token is noted at most: one write an hour instead of one a request.</summary>
    public TimeSpan UseNoted { get; } =
        limits.SessionLifetime / 2 < TimeSpan.FromHours(1) ? limits.SessionLifetime / 2 : TimeSpan.FromHours(1);

    /// <summary>Opens a session for a user who has shown the password. The token is shown this once.</summary>
    public async Task<(Session Session, Guid Token)> OpenAsync(
        Person person, string? client, IPAddress? address, CancellationToken cancellation)
    {
        var token = SessionToken.New();
        var now = time.GetUtcNow();
        var session = new Session(Guid.CreateVersion7(now), person, now + limits.SessionLifetime, now);
        await store.TrimAsync(person.PublicToken, now, cancellation);
        await store.AddAsync(SessionToken.Hash(token), session, client, address, cancellation);
        return (session, token);
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
    public Task<bool> IsOpenAsync(Session session, CancellationToken cancellation) =>
        store.ExistsAsync(session.SessionId, cancellation);

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

    /// <summary>Ends a session: its token is worth nothing, and its subscriptions end.</summary>
    public async Task EndAsync(Session session, CancellationToken cancellation)
    {
        await store.RemoveAsync(session.SessionId, cancellation);
        Interlocked.Increment(ref _endings);
        foreach (var (key, known) in _known)
        {
            if (known.Session.SessionId == session.SessionId)
                _known.TryRemove(key, out _);
        }
        presence.Tell(session.Person.PublicToken, new Notice(Hint: null, session.SessionId));
    }
}
