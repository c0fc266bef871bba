using Conclave.Protocol;
using Conclave.Server.Storage;
using Conclave.Server.Writing;

namespace Conclave.Server.Actions;

/// <summary>The answer to an action that is one entry of a lobby's log and nothing more.</summary>
static class Changed
{
    public static Answer Of(Draft draft) =>
        draft.Result is { Outcome: Outcome.Stored or Outcome.Duplicate } result
            ? Answer.Of(new ChangeReply
            {
                Seq = result.Seq,
                Hash = draft.Entry.Sealed?.Hash.ToString(),
                Duplicate = result.Outcome == Outcome.Duplicate ? true : null,
            })
            : Answer.Refuse(Refused.Of(draft));
}
