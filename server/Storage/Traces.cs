using System.Diagnostics;

namespace Conclave.Server.Storage;

/// <summary>
/// What takes time and is worth a span in a trace: commits, pages, passwords; nothing that happens for every delivery.
/// Nobody listens unless the operator asked for traces, and then starting a span costs a nanosecond and gives null.
/// </summary>
static class Traces
{
    public static ActivitySource Source { get; } = new("Conclave.Server");
}
