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
sealed class Vitals(FrameStream stream, Socket? socket, Limits limits, TimeProvider time)
{
    SocketProgress _progress = SocketProgress.Of(socket);
    long _readAt = time.GetTimestamp();
    long _movedAt = time.GetTimestamp();

    /// <summary>Looks again. Called by one loop, every few seconds.</summary>
    /// <param name="isReading">Whether we read what the peer sends; if not, its silence is our own doing.</param>
    public Pulse Feel(bool isReading)
    {
        var now = time.GetTimestamp();
        var progress = SocketProgress.Of(socket);
        if (!isReading || progress.Window > _progress.Window)
            _readAt = now;
        if (stream.WritingSince == 0 || progress.Acknowledged != _progress.Acknowledged
            || progress.Window > _progress.Window)
            _movedAt = Math.Max(now, stream.WritingSince);
        _progress = progress;

        var silence = time.GetElapsedTime(Math.Max(_readAt, stream.LastReadAt), now);
        if (time.GetElapsedTime(_movedAt, now) >= limits.WriteStallMax)
            return Pulse.Stalled;
        // Behind a write that waits, no ping gets out and no answer can come: then only the write tells.
        if (stream.WritingSince != 0 || silence < limits.PingInterval)
            return Pulse.Alive;
        return silence < 2 * limits.PingInterval ? Pulse.Quiet : Pulse.Gone;
    }
}
