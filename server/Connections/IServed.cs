using Conclave.Protocol;

namespace Conclave.Server.Connections;

/// <summary>Whom the list of connections looks after: a WebSocket, or a request by plain HTTP.</summary>
interface IServed
{
    /// <summary>Sends a hint, before closing or at any other time.</summary>
    void Send(Hint hint);

    /// <summary>Lets what is in flight be answered, then closes.</summary>
    void Close(int closeCode);

    /// <summary>Called every few seconds, to find out whether anybody is there.</summary>
    Task BeatAsync();

    /// <summary>Called now and then: a live subscription is a use of its token.</summary>
    Task NoteUsesAsync();

    /// <summary>Ends it at once.</summary>
    Task AbortAsync();
}
