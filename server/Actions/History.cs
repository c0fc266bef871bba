using Conclave.Protocol;
using Conclave.Server.Lobbies;
using Conclave.Server.Storage;

namespace Conclave.Server.Actions;

/// <summary>A member reads stored entries, page by page, forward from a place, backward from one or the end.</summary>
static class History
{
    const int CountMax = 1000;
    const int CountDefault = 100;

    // Of one reply, unless a single entry is larger.
    const int ReplyBytesMax = 1 << 20;

    const long SeqMax = (1L << 53) - 1;

    public readonly record struct Form(LobbyAddress Lobby, long? After, long? Before, int Count, int BodyBytesMax);

    public static Form Read(Request request)
    {
        var form = new Form(
            request.Lobby(),
            request.Integer("after", 0, SeqMax),
            request.Integer("before", 0, SeqMax),
            (int)(request.Integer("limit", 1, CountMax) ?? CountDefault),
            (int)(request.Integer("body_max", 0, int.MaxValue) ?? int.MaxValue));
        if (form is { After: not null, Before: not null })
            request.Reject("before", "after and before exclude each other");
        return form;
    }

    public static async ValueTask<Answer> RunAsync(Form form, Turn turn)
    {
        var (lobby, refused) = await Lookup.FindAsync(form.Lobby, turn);
        if (lobby is null)
            return refused!;
        var isBackward = form.After is null;
        var range = new PageRange(
            form.After ?? form.Before ?? SeqMax, isBackward, form.Count, ReplyBytesMax, form.BodyBytesMax);
        // The page first: one who is removed in between must not see what came after.
        var page = await turn.Rooms.Entries.ReadAsync(lobby, range, turn.Cancellation);
        var (member, stranger) = await Lookup.StandingAsync(lobby, turn);
        if (stranger is not null)
            return stranger;
        if (form.After > member.LastSeq)
            return Answer.Refuse(ErrorCode.BadRequest, "after is beyond the last entry of the lobby", "after");
        var encoder = new EntryEncoder(lobby.LobbyId, member.LobbyName);
        var frames = Cut(page.ConvertAll(entry => encoder.Encode(entry).Now), isBackward);
        // Without any, where the page would begin.
        var before = frames.Count > 0 ? frames[0].Seq - 1 : form.After ?? 0;
        var (hash, @base) = await TranscriptAt.FindAsync(lobby, member.LastSeq, before, turn);
        return Answer.Of(new HistoryPage
        {
            Hash = hash,
            Base = @base,
            Erasures = lobby.IsSealed ? member.Erasures : null,
            Events = frames.ConvertAll(frame => new RawJson(frame.Json)),
            LastSeq = member.LastSeq,
            More = isBackward
                ? frames.Count > 0 && frames[0].Seq > 1
                : (frames.Count > 0 ? frames[^1].Seq : form.After) < member.LastSeq,
        });
    }

    // The database counts bodies; here what stands around them counts too.
    static List<EntryFrame> Cut(List<EntryFrame> frames, bool isBackward)
    {
        long bytes = 0;
        var kept = 0;
        while (kept < frames.Count && bytes < ReplyBytesMax)
            bytes += frames[isBackward ? frames.Count - 1 - kept++ : kept++].Json.Length;
        return isBackward ? frames.GetRange(frames.Count - kept, kept) : frames.GetRange(0, kept);
    }
}
