using System.Net;
using Conclave.Protocol;
using Conclave.Server.Accounts;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Conclave.Server.Connections;

/// <summary>
/// Counts the sockets of each address from the moment they are accepted: those that never come to a request hold memory
/// too. Who has too many connections is told so (<see cref="ConnectionList"/>); what goes far beyond is cut here
/// without a word, before it has cost anything.
/// </summary>
/// <param name="limits">How many there may be.</param>
/// <param name="isProxy">Whose sockets are other people's, and not counted.</param>
sealed class SocketGate(Limits limits, Func<IPAddress, bool> isProxy)
{
    // Sockets for each connection that an address may have: one more each that comes, goes, or waits to be told.
    const int Margin = 2;

    readonly AddressCounts _counts = new((int)Math.Min((long)Margin * limits.ConnectionsPerAddressMax, int.MaxValue));
    int _count;

    /// <summary>Sockets that are open.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Stands before everything else that an endpoint does, TLS included.</summary>
    public void GuardAt(ListenOptions listen) => listen.Use(next => connection => PassAsync(connection, next));

    async Task PassAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var address = (connection.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
        var isCounted = !isProxy(address);
        if (isCounted && !_counts.TryEnter(address))
        {
            connection.Abort();
            return;
        }
        Interlocked.Increment(ref _count);
        try
        {
            await next(connection);
        }
        finally
        {
            Interlocked.Decrement(ref _count);
            if (isCounted)
                _counts.Leave(address);
        }
    }
}
