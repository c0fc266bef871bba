namespace Conclave.Bench.Load;

enum FrameKind
{
    /// <summary>Not one of those below: nothing the workloads ask for.</summary>
    Other,

    /// <summary>The connection is open; for WebSockets, the answer to the upgrade.</summary>
    Upgraded,

    /// <summary>The answer to a post: <see cref="Frame.Id"/>, <see cref="Frame.Seq"/>.</summary>
    Ack,

    /// <summary>An entry of a lobby: <see cref="Frame.Seq"/>, <see cref="Frame.Body"/>, empty if it has none.</summary>
    Entry,

    /// <summary>Any other good answer: <see cref="Frame.Seq"/> is the last of the lobby if there is one.</summary>
    Answer,

    /// <summary>A refusal, or the end: <see cref="Frame.Body"/> is its text.</summary>
    Refused,

    /// <summary>To be answered with what <see cref="Dialect.Pong"/> makes of <see cref="Frame.Body"/>.</summary>
    Ping,
}

/// <summary>A frame from the server, where it lies in the buffer.</summary>
ref struct Frame
{
    public FrameKind Kind;

    public long Id;

    public long Seq;

    public ReadOnlySpan<byte> Body;
}
