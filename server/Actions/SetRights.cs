using Conclave.Protocol;
using Conclave.Server.Storage;

namespace Conclave.Server.Actions;

/// <summary>An admin gives a member other rights, in place of those they have.</summary>
static class SetRights
{
    public readonly record struct Form(LobbyAddress Lobby, Guid PublicToken, Rights Rights, Guid? Nonce);

    public static Form Read(Request request)
    {
        var (lobby, publicToken) = (request.Lobby(), request.PublicToken());
        // What an invitation grants without them would here be a guess.
        if (!request.Has("rights"))
            request.Reject("rights", "rights is required");
        return new(lobby, publicToken, request.Rights(), request.Nonce());
    }

    public static async ValueTask<Answer> RunAsync(Form form, Turn turn)
    {
        var (lobby, refused) = await Lookup.FindAsync(form.Lobby, turn);
        if (lobby is null)
            return refused!;
        return Changed.Of(await turn.Rooms.Writer.WriteAsync(
            new NewEntry
            {
                Lobby = lobby,
                Kind = EntryKind.RightsChanged,
                Author = turn.Session.Person,
                Nonce = form.Nonce ?? Guid.CreateVersion7(),
                Member = form.PublicToken,
                Rights = form.Rights,
            },
            turn.Cancellation));
    }
}
