using Conclave.Protocol;
using Conclave.Server.Storage;

namespace Conclave.Server.Accounts;

/// <summary>
/// How many lobbies a user may create. Those of one user are created here one after the other, so that a count holds
/// until the lobby is there.
/// </summary>
sealed class LobbyQuota(LobbyStore lobbies, Limits limits)
{
    // Users who share one wait for each other; it is a commit at most.
    readonly SemaphoreSlim[] _turns = [.. Enumerable.Range(0, 64).Select(_ => new SemaphoreSlim(1))];

    /// <summary>Waits for the user's turn, which lasts until the place is given back.</summary>
    public async ValueTask<Place> EnterAsync(Guid publicToken, CancellationToken cancellation)
    {
        var turn = _turns[(publicToken.GetHashCode() & int.MaxValue) % _turns.Length];
        await turn.WaitAsync(cancellation);
        try
        {
            var countMax = limits.LobbiesPerUserMax;
            return new Place(turn, await lobbies.CountCreatedAsync(publicToken, countMax, cancellation) < countMax);
        }
        catch
        {
            turn.Release();
            throw;
        }
    }

    /// <summary>A turn, and whether there is room for one more lobby.</summary>
    public sealed class Place(SemaphoreSlim turn, bool hasRoom) : IDisposable
    {
        public bool HasRoom => hasRoom;

        public void Dispose() => turn.Release();
    }
}
