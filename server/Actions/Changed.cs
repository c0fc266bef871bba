using Conclave.Protocol;
using Conclave.Server.Storage;
using Conclave.Server.Writing;

namespace Conclave.Server.Actions;

/// <summary>The answer to an action that is one entry of a lobby's log and nothing more.</summary>
static class Changed
{
    public static Answer Of(Draft draft) =>
        draft.Result is { Verdict: Verdict.Stored or Verdict.Duplicate } result
            ? Answer.Of(new ChangeReply
            {
                Seq = result.Seq,
                Hash = draft.Entry.Sealed?.Hash.ToString(),
                Duplicate = result.Verdict == Verdict.Duplicate ? true : null,
            })
            : Answer.Refuse(Refused.Of(draft));
}
