using Conclave.Protocol;
using Conclave.Server.Storage;

namespace Conclave.Server.Actions;

/// <summary>What requests say of single keys of a sealed lobby.</summary>
static class KeyFields
{
    const string GenerationField = "generation";

    public static long Generation(Request request)
    {
        if (!request.Has(GenerationField))
            request.Reject(GenerationField, "generation is required");
        return request.Integer(GenerationField, 1, (1L << 53) - 1) ?? 0;
    }

    /// <summary>The answer about a key that a member cannot have; null if they may.</summary>
    public static Answer? Refuse(KeyEntitlement entitlement, long generation) =>
        generation > entitlement.Generation
            ? Answer.Refuse(ErrorCode.BadRequest, "there is no such generation of keys yet", GenerationField)
            : generation < entitlement.FirstGeneration
                ? Answer.Refuse(ErrorCode.Forbidden, "this key is older than the membership")
                : null;
}
