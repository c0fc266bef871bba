using Conclave.Protocol;
using Conclave.Server.Storage;

namespace Conclave.Server.Actions;

/// <summary>Any user may create a lobby, and has all rights in it.</summary>
static class CreateLobby
{
    public readonly record struct Form(string Name, Guid? Nonce);

    public static Form Read(Request request)
    {
        var form = new Form(request.LobbyName(), request.Nonce());
        // To ignore this would make a readable lobby where a sealed one was asked for.
        NotYet.Refuse(request, "sealed");
        return form;
    }

    public static async ValueTask<Answer> RunAsync(Form form, Turn turn)
    {
        var (lobby, wrappedKey) = turn.Rooms.Lobbies.Draw();
        var draft = await turn.Rooms.Writer.WriteAsync(
            new NewEntry
            {
                Lobby = lobby,
                Kind = EntryKind.LobbyCreated,
                Author = turn.Session.Person,
                Nonce = form.Nonce ?? Guid.CreateVersion7(),
                Name = form.Name,
                WrappedKey = wrappedKey,
            },
            turn.Cancellation);
        var result = draft.Result;
        if (result.Verdict is not (Verdict.Stored or Verdict.Duplicate))
            return Answer.Refuse(Refused.Of(result.Verdict, draft.Trace));
        return Answer.Of(new CreateLobbyReply
        {
            LobbyId = result.LobbyId,
            LobbyName = form.Name,
            Seq = result.Seq,
            Duplicate = result.Verdict == Verdict.Duplicate ? true : null,
        });
    }
}
