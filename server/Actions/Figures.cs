using System.Diagnostics.Metrics;
using Conclave.Protocol;

namespace Conclave.Server.Actions;

/// <summary>What connections tell of themselves: whom they refuse, and how late entries come.</summary>
sealed class Figures(Meter meter)
{
    static readonly InstrumentAdvice<double> Times = new()
    {
        HistogramBucketBoundaries = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10],
    };

    readonly Counter<long> _refusals = meter.CreateCounter<long>(
        "conclave.refusals", "{refusal}", "Requests that were refused, by the code of the error.");

    readonly Histogram<double> _lag = meter.CreateHistogram(
        "conclave.delivery.lag", "s", "From a commit to the write that brings it to a subscriber; one write of 64.",
        tags: null, Times);

    /// <summary>A reply goes out.</summary>
    public void Note(Reply reply)
    {
        if (reply is ErrorReply { Error.Code: var code })
            _refusals.Add(1, new KeyValuePair<string, object?>("code", code));
    }

    /// <summary>A live entry has been written to a socket, so long after its commit.</summary>
    public void NoteLag(TimeSpan lag) => _lag.Record(lag.TotalSeconds);
}
