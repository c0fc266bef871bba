using Conclave.Protocol;
using Conclave.Roster;

namespace Conclave.Server.Actions;

/// <summary>
/// Reads entries of rosters and the keys that come with them; their truth is for the writer to judge.
/// </summary>
static class RosterForm
{
    public const string EntryField = "roster_entry";
    public const string WrapsField = "key_wraps";

    const string WrapField = "key_wrap";

    /// <summary>The entry that stands in the request; null if there is none, or none of its form.</summary>
    public static RosterEntry? Entry(Request request) =>
        Entry(request, EntryField, request.OptionalText(EntryField));

    /// <summary>The entry in a text that stands inside of a field.</summary>
    public static RosterEntry? Entry(Request request, string field, string? text)
    {
        if (request.Bytes(field, text) is not { } bytes)
            return null;
        request.Hold(field, RosterEntry.Parse(bytes, out var entry));
        return entry;
    }

    /// <summary>The keys for members, of the request itself.</summary>
    public static List<KeyWrap> Wraps(Request request) => Wraps(request, WrapsField, request.KeyWraps() ?? []);

    /// <summary>The one key of an invitation, or none.</summary>
    public static List<KeyWrap> Wrap(Request request) =>
        Wraps(request, WrapField, request.KeyWrap() is { } wrap ? [wrap] : []);

    /// <summary>Keys for members that stand inside of a field.</summary>
    public static List<KeyWrap> Wraps(Request request, string field, IReadOnlyList<KeyWrapPart?> parts)
    {
        List<KeyWrap> wraps = new(parts.Count);
        foreach (var part in parts)
        {
            var to = request.Bytes(field, part?.To);
            var wrap = request.Bytes(field, part?.Wrap);
            if (to is { Length: Digest.SizeBytes } && wrap is not null)
                wraps.Add(new KeyWrap(new Digest(to), wrap));
            else
                request.Hold(field, Verdict.BadWraps);
        }
        return wraps;
    }

    /// <summary>The keys that a member hands to its new identity.</summary>
    public static List<(ulong Generation, ReadOnlyMemory<byte> Wrap)> OwnWraps(Request request)
    {
        IReadOnlyList<GenerationWrap?> parts = request.GenerationWraps() ?? [];
        List<(ulong, ReadOnlyMemory<byte>)> wraps = new(parts.Count);
        foreach (var part in parts)
        {
            if (part is { Generation: > 0 } && request.Bytes(WrapsField, part.Wrap) is { } wrap)
                wraps.Add(((ulong)part.Generation, wrap));
            else
                request.Hold(WrapsField, Verdict.BadWraps);
        }
        return wraps;
    }

    /// <summary>The answer to a request that lacks the entry that a sealed lobby needs.</summary>
    public static Answer Missing() => Answer.Refuse(
        ErrorCode.BadRequest, "this lobby is sealed: what changes its roster is signed by a member", EntryField);

    /// <summary>The answer to an entry where no roster is.</summary>
    public static Answer OutOfPlace() =>
        Answer.Refuse(ErrorCode.BadRequest, "this lobby is not sealed and has no roster", EntryField);

    /// <summary>The answer to an entry that is not about what the request asks for.</summary>
    public static Answer Disagrees(string field) => Answer.Refuse(
        ErrorCode.BadRequest, field + " says something else than the roster entry", field);
}
