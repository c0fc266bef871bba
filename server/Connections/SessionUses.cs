using Conclave.Server.Actions;
using Conclave.Server.Lobbies;

namespace Conclave.Server.Connections;

/// <summary>Notes now and then that the sessions of live subscriptions are in use.</summary>
sealed class SessionUses(Rooms rooms, Subscriptions subscriptions)
{
    long _notedAt = rooms.Time.GetTimestamp();

    public async Task NoteAsync(CancellationToken aborted)
    {
        if (rooms.Time.GetElapsedTime(_notedAt) < rooms.Sessions.UseNoted)
            return;
        _notedAt = rooms.Time.GetTimestamp();
        foreach (var session in subscriptions.Sessions())
            await rooms.Sessions.NoteUseAsync(session, aborted);
    }
}
