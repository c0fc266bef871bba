using Conclave.Protocol;
using Conclave.Roster;
using Conclave.Server.Storage;
using Conclave.Server.Writing;

namespace Conclave.Server.Actions;

/// <summary>
/// Any user may create a lobby, and has all rights in it. A sealed one comes with the entry that makes it.
/// </summary>
static class CreateLobby
{
    const string SealedField = "sealed";

    /// <param name="Name">The name.</param>
    /// <param name="Nonce">Makes the creation of a plain lobby happen once.</param>
    /// <param name="Entry">The entry that begins the roster of a sealed one; null for a plain one.</param>
    /// <param name="Wraps">The first key, for the creator.</param>
    public sealed record Form(string Name, Guid? Nonce, RosterEntry? Entry, IReadOnlyList<KeyWrap> Wraps);

    public static Form Read(Request request)
    {
        var (name, nonce) = (request.LobbyName(), request.Nonce());
        if (request.Sealed() is not { } creation)
            return new(name, nonce, null, []);
        var form = new Form(
            name,
            nonce,
            RosterForm.Entry(request, SealedField, creation.RosterEntry),
            RosterForm.Wraps(request, SealedField, creation.KeyWraps));
        if (form.Entry is { Change: not RosterChange.Create })
            request.Hold(SealedField, Verdict.BadEntry);
        if (form.Entry?.Change is RosterChange.Create create && create.Name != name)
            request.Reject("lobby_name", "lobby_name is not the name in the roster entry");
        return form;
    }

    public static async ValueTask<Answer> RunAsync(Form form, Turn turn)
    {
        var author = turn.Session.Person;
        using var place = await turn.Rooms.LobbyQuota.EnterAsync(author.PublicToken, turn.Cancellation);
        // A name that is there makes no new lobby: that one is taken, or this very request has made it before.
        if (!place.HasRoom && await turn.Rooms.Lobbies.FindAsync(form.Name, turn.Cancellation) is null)
            return Answer.Refuse(ErrorCode.Limit, "you have created as many lobbies as you may");
        // A deleted one makes room for another, and yet leaves its names for ever.
        var isCharged = turn.Rooms.Paces.TryCreateLobby(author.PublicToken, out var retryAfter);
        if (!isCharged && await turn.Rooms.Lobbies.FindAsync(form.Name, turn.Cancellation) is null)
            return Refused.RateLimited("you create more lobbies than the server takes from one user", retryAfter);
        var draft = await (form.Entry is { } entry
            ? CreateSealedAsync(form, entry, turn)
            : CreatePlainAsync(form, turn));
        var result = draft.Result;
        if (isCharged && result.Outcome != Outcome.Stored)
            turn.Rooms.Paces.LobbyNotCreated(author.PublicToken);
        if (result.Outcome is not (Outcome.Stored or Outcome.Duplicate))
            return Answer.Refuse(Refused.Of(draft));
        return Answer.Of(new CreateLobbyReply
        {
            LobbyId = result.LobbyId,
            LobbyName = form.Name,
            Seq = result.Seq,
            Hash = draft.Entry.Sealed?.Hash.ToString(),
            Duplicate = result.Outcome == Outcome.Duplicate ? true : null,
        });
    }

    static Task<Draft> CreatePlainAsync(Form form, Turn turn)
    {
        var (lobby, wrappedKey) = turn.Rooms.Lobbies.Draw();
        return turn.Rooms.Writer.WriteAsync(
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
    }

    static async Task<Draft> CreateSealedAsync(Form form, RosterEntry entry, Turn turn)
    {
        var author = turn.Session.Person;
        var lobbyId = SealedLobbyId.Of(entry.Hash);
        var (lobby, wrappedKey) = turn.Rooms.Lobbies.DrawSealed(lobbyId);
        var identity = await turn.Rooms.Sealed.IdentityAsync(author.PublicToken, turn.Cancellation);
        var part = new SealedPart(SealedChange.RowOf(entry))
        {
            Identities = SealedPart.Of(identity),
            Wraps = form.Wraps,
        };
        return await turn.Rooms.SealedWriter.WriteAsync(
            NewEntry.OfRoster(
                lobby, EntryKind.LobbyCreated, author, part, name: form.Name, wrappedKey: wrappedKey),
            turn.Cancellation);
    }
}
