using Conclave.Protocol;
using Conclave.Server.Storage;

namespace Conclave.Server.Actions;

/// <summary>A member may see who the members are, page by page.</summary>
static class Members
{
    public readonly record struct Form(LobbyAddress Lobby, string? After);

    public static Form Read(Request request) => new(request.Lobby(), request.AfterLogin());

    public static async ValueTask<Answer> RunAsync(Form form, Turn turn)
    {
        var (lobby, refused) = await Lookup.FindAsync(form.Lobby, turn);
        if (lobby is null)
            return refused!;
        // The list first: one who is removed in between must not see what came after.
        var members = await turn.Rooms.Lobbies.MembersAsync(
            lobby.LobbyId, form.After, turn.Cancellation);
        var (member, stranger) = await Lookup.StandingAsync(lobby, turn);
        if (stranger is not null)
            return stranger;
        return Answer.Of(new MembersReply
        {
            Members = [.. members.Take(LobbyStore.MembersMax)],
            LastSeq = member.LastSeq,
            More = members.Count > LobbyStore.MembersMax,
        });
    }
}
