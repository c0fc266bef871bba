using Conclave.Protocol;
using Conclave.Server.Actions;

namespace Conclave.Server.Connections;

/// <summary>What becomes of a fault in one request: an answer, and a line in the log.</summary>
static partial class Faults
{
    /// <summary>Whether there is anybody to answer: a request whose caller is gone is only cancelled.</summary>
    public static bool IsAnswered(Exception fault, CancellationToken aborted) =>
        fault is not OperationCanceledException || Refused.IsBusy(fault) && !aborted.IsCancellationRequested;

    public static Answer AnswerTo(Exception fault, ILogger logger)
    {
        if (Refused.IsBusy(fault))
        {
            LogAway(logger, fault.GetType().Name);
            return Refused.Busy();
        }
        var trace = System.Diagnostics.ActivityTraceId.CreateRandom().ToHexString();
        LogFault(logger, trace, fault.GetType().FullName ?? "", fault.StackTrace ?? "");
        return Answer.Refuse(new Refusal(ErrorCode.Internal, "the server failed; its log knows why", Trace: trace));
    }

    [LoggerMessage(312, LogLevel.Warning, "The database is away ({Fault}); a request is refused")]
    static partial void LogAway(ILogger logger, string fault);

    // The type and the place, not the message: that of a fault in other people's code may quote what it choked on.
    [LoggerMessage(313, LogLevel.Error, "A request failed: {Fault}; trace {Trace}\n{Place}")]
    static partial void LogFault(ILogger logger, string trace, string fault, string place);
}
