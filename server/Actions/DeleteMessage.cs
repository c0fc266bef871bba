using Conclave.Protocol;
using Conclave.Server.Storage;

namespace Conclave.Server.Actions;

/// <summary>
/// A member erases what they have posted, an admin what anybody has. The entry keeps its place; to erase what is gone
/// is done already.
/// </summary>
static class DeleteMessage
{
    public readonly record struct Form(LobbyAddress Lobby, long Seq);

    public static Form Read(Request request)
    {
        var lobby = request.Lobby();
        if (!request.Has("seq"))
            request.Reject("seq", "seq is required");
        return new(lobby, request.Integer("seq", 1, (1L << 53) - 1) ?? 0);
    }

    public static async ValueTask<Answer> RunAsync(Form form, Turn turn)
    {
        var (lobby, refused) = await Lookup.FindAsync(form.Lobby, turn);
        if (lobby is null)
            return refused!;
        var outcome = await turn.Rooms.Erasures.EraseAsync(lobby, turn.Session.Person, form.Seq);
        return outcome == Outcome.Stored
            ? Answer.Of(new DoneReply())
            : Answer.Refuse(Refused.Of(outcome, trace: null));
    }
}
