using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;

namespace Conclave.Server.Connections;

/// <summary>A connection that was upgraded to a WebSocket, and what is known of its other end.</summary>
/// <param name="Socket">Reads frames, and closes.</param>
/// <param name="Stream">The bytes below it.</param>
/// <param name="Transport">What the operating system knows it by; null if that is not known.</param>
/// <param name="Address">Where the peer is.</param>
/// <param name="Client">What it calls itself; null if it does not say.</param>
sealed record Peer(
    WebSocket Socket, FrameStream Stream, Socket? Transport, IPAddress Address, string? Client);
