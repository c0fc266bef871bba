using System.Net.Sockets;
using Conclave.Protocol;

namespace Conclave.Server.Connections;

/// <summary>What the signs of life of a peer call for.</summary>
enum Pulse
{
    Alive,

    /// <summary>Quiet for a while: ask with a ping.</summary>
    Quiet,

    /// <summary>No answer to any ping for two intervals.</summary>
    Gone,

    /// <summary>A write has moved no byte for the longest time allowed.</summary>
    Stalled,
}

/// <summary>
/// Judges whether anybody is at the other end. Signs of life: bytes that come, room that the peer's program makes by
/// reading, and, while we write, bytes that it takes.
/// </summary>
sealed class Vitals(FrameReader reader, FrameWriter writer, Socket? socket, Limits limits, TimeProvider time)
{
    // A peer that reads no more than our pings must answer them. In bytes.
    const int RoomMin = 512;

    SocketProgress _progress = SocketProgress.Of(socket);
    ulong _room = SocketProgress.Of(socket).Room;
    long _readAt = time.GetTimestamp();
    long _movedAt = time.GetTimestamp();

    /// <summary>Looks again. Called by one loop, every few seconds.</summary>
    public Pulse Feel()
    {
        var now = time.GetTimestamp();
        var progress = SocketProgress.Of(socket);
        if (progress.Room > _room + RoomMin)
        {
            _room = progress.Room;
            _readAt = _movedAt = now;
        }
        if (writer.WritingSince == 0 || progress.Acknowledged != _progress.Acknowledged)
            _movedAt = Math.Max(now, writer.WritingSince);
        _progress = progress;

        // While we do not read, for what came before is not answered yet, silence is our own doing.
        var silence = reader.ReadingSince is > 0 and var since
            ? time.GetElapsedTime(Math.Max(_readAt, since), now)
            : TimeSpan.Zero;
        if (time.GetElapsedTime(_movedAt, now) >= limits.WriteStallMax)
            return Pulse.Stalled;
        // Behind a write that waits, no ping gets out and no answer can come: then only the write tells.
        if (writer.WritingSince != 0 || silence < limits.PingInterval)
            return Pulse.Alive;
        return silence < 2 * limits.PingInterval ? Pulse.Quiet : Pulse.Gone;
    }
}
