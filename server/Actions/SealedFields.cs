using Conclave.Protocol;
using Conclave.Roster;

namespace Conclave.Server.Actions;

/// <summary>What requests carry of sealed things: bytes as text, whose form somebody judges.</summary>
static class SealedFields
{
    /// <summary>The bytes of a text in base64url without padding; null if there is none, or another text.</summary>
    public static byte[]? Bytes(this Request request, string field) =>
        request.Bytes(field, request.OptionalText(field));

    /// <summary>The bytes of a text that stands inside of a field.</summary>
    public static byte[]? Bytes(this Request request, string field, string? text)
    {
        if (text is null || request.Refusal is not null)
            return null;
        if (!Base64Text.TryDecode(text, out var bytes))
            request.Hold(field, Verdict.BadEncoding);
        return bytes;
    }

    /// <summary>Notes that a field of the request is at fault, unless it is accepted or an earlier one is.</summary>
    public static void Hold(this Request request, string field, Verdict verdict)
    {
        if (verdict == Verdict.Accepted)
            return;
        var refusal = SealingRefusal.Of(verdict, field);
        request.Reject(field, refusal.Message, refusal.Code);
    }
}
