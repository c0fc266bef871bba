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
        var author = turn.Session.Person;
        using var place = await turn.Rooms.LobbyQuota.EnterAsync(author.PublicToken, turn.Cancellation);
        // A name that is there makes no new lobby: that one is taken, or this very request has made it before.
        if (!place.HasRoom && await turn.Rooms.Lobbies.FindAsync(form.Name, turn.Cancellation) is null)
            return Answer.Refuse(ErrorCode.Limit, "you have created as many lobbies as you may");
        var (lobby, wrappedKey) = turn.Rooms.Lobbies.Draw();
        var draft = await turn.Rooms.Writer.WriteAsync(
            new NewEntry
            {
                Lobby = lobby,
                Kind = EntryKind.LobbyCreated,
                Author = author,
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
