using System.Net;
using System.Net.WebSockets;

namespace Conclave.Server.Connections;

/// <summary>A socket that was upgraded to a WebSocket, and what is known of its other end.</summary>
sealed record Peer(
    WebSocket Socket, FrameStream Stream, SocketProgress Progress, IPAddress Address, string? Client);
