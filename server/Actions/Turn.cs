using System.Runtime.InteropServices;
using Conclave.Server.Lobbies;
using Conclave.Server.Storage;

namespace Conclave.Server.Actions;

/// <summary>One request's turn: everything its action may need beside its form.</summary>
/// <param name="Rooms">What to work with.</param>
/// <param name="Caller">Who is at the other end.</param>
/// <param name="DraftDone">To be told when a draft that the action leaves behind is done.</param>
/// <param name="TakeMemory">Hands over the request's share of a budget, to whatever holds its bytes for longer.</param>
/// <param name="Cancellation">The connection ends.</param>
[StructLayout(LayoutKind.Auto)]
readonly record struct Turn(
    Rooms Rooms, Caller Caller, Action DraftDone, Func<ByteBudget.Lease?> TakeMemory, CancellationToken Cancellation)
{
    readonly Session? _session;

    /// <summary>The session that signs the request. Only behind a gate that asks for one.</summary>
    public Session Session
    {
        get => _session ?? throw new InvalidOperationException("this action is open to all");
        init => _session = value;
    }
}
