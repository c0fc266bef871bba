using Conclave.Protocol;
using Conclave.Server.Lobbies;
using Conclave.Server.Writing;

namespace Conclave.Server.Actions;

/// <summary>
/// The answer to one request: a reply that is there, or one that is made of a draft when the writer is done with it.
/// </summary>
sealed class Answer
{
    readonly Func<Draft, Reply>? _makeReply;

    Answer(Reply? reply, Draft? draft, Func<Draft, Reply>? makeReply, Cursor? starts)
    {
        Reply = reply;
        Draft = draft;
        _makeReply = makeReply;
        Starts = starts;
    }

    /// <summary>The reply, where it does not depend on a draft.</summary>
    public Reply? Reply { get; }

    /// <summary>What the answer waits for; null if for nothing.</summary>
    public Draft? Draft { get; }

    /// <summary>A cursor whose events follow this reply.</summary>
    public Cursor? Starts { get; }

    /// <summary>The share of a budget that the reply takes until it is sent; null for a small one.</summary>
    public ByteBudget.Lease? Memory { get; set; }

    public bool IsReady => Draft?.IsDone ?? true;

    public static Answer Of(Reply reply, Cursor? starts = null) => new(reply, null, null, starts);

    /// <summary>An answer that <paramref name="makeReply"/> gives once the draft is done.</summary>
    public static Answer When(Draft draft, Func<Draft, Reply> makeReply) => new(null, draft, makeReply, null);

    public static Answer Refuse(Refusal refusal) => Of(refusal.ToReply());

    public static Answer Refuse(string code, string message, string? field = null, long? retryAfterMs = null) =>
        Refuse(new Refusal(code, message, field, retryAfterMs));

    /// <summary>The reply, echoing the request.</summary>
    public Reply Complete(RawJson id, string? action)
    {
        var reply = Reply ?? _makeReply!(Draft!);
        reply.Id = id;
        reply.Action = action;
        return reply;
    }
}
