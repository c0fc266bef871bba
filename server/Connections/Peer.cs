using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;

namespace Conclave.Server.Connections;

/// <summary>A connection that was upgraded to a WebSocket, and what is known of its other end.</summary>
/// <param name="Transport">The bytes that come and go, with TLS taken off.</param>
/// <param name="Socket">What the operating system knows it by; null if that is not known.</param>
/// <param name="Address">Where the peer is.</param>
/// <param name="Client">What it calls itself; null if it does not say.</param>
/// <param name="Abort">Ends the connection at once.</param>
sealed record Peer(IDuplexPipe Transport, Socket? Socket, IPAddress Address, string? Client, Action Abort);
