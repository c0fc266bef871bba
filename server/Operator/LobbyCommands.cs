using System.CommandLine;
using Conclave.Protocol;
using Conclave.Server.Storage;

namespace Conclave.Server.Operator;

/// <summary><c>lobby list | show | delete</c>. What lies in a lobby is for its members, not for the operator.</summary>
static class LobbyCommands
{
    public static readonly Argument<string> Lobby = new("LOBBY") { Description = "The lobby's name or id." };

    static readonly Option<bool> Yes = new("--yes") { Description = "Do not ask." };

    public static Command Build()
    {
        var lobby = new Command("lobby", "Lists, shows and deletes lobbies; does not show what lies in them.");
        lobby.Add(CommandTree.Command("list", "Lists all lobbies.", [], ListAsync));
        lobby.Add(CommandTree.Command("show", "Shows a lobby and its members.", [Lobby], ShowAsync));
        lobby.Add(CommandTree.Command(
            "delete",
            "Deletes a lobby for good: its key is destroyed at once, a server cleans up what is left. Nobody else can"
            + " take its names.",
            [Lobby, Yes], DeleteAsync));
        return lobby;
    }

    /// <exception cref="OperatorException">There is no such lobby.</exception>
    public static async Task<LobbyLine> FindAsync(LobbyLedger lobbies, Errand errand)
    {
        var text = errand.Get(Lobby);
        return await lobbies.FindAsync(
                LobbyName.Canonical(text), Guid.TryParseExact(text, "D", out var id) ? id : null, errand.Cancellation)
            ?? throw new OperatorException(
                "there is no lobby with this name or id: conclave-server lobby list shows all");
    }

    static async Task<int> ListAsync(Errand errand)
    {
        await using var desk = await Desk.OpenAsync(errand);
        Errand.Row("lobby_id", "name", "created_by", "created_at", "members", "entries", "last_sent_at", "kind");
        await foreach (var lobby in new LobbyLedger(desk.Database).ListAsync(errand.Cancellation))
        {
            Errand.Row(
                lobby.LobbyId.ToString(), lobby.Name, lobby.CreatedBy.Login, Errand.Text(lobby.CreatedAt),
                Errand.Text(lobby.MemberCount), Errand.Text(lobby.LastSeq), Errand.Text(lobby.LastSentAt), Kind(lobby));
        }
        return ExitCode.Done;
    }

    static async Task<int> ShowAsync(Errand errand)
    {
        await using var desk = await Desk.OpenAsync(errand);
        var lobbies = new LobbyLedger(desk.Database);
        var lobby = await FindAsync(lobbies, errand);
        var bytes = await lobbies.BytesAsync(lobby.LobbyId, errand.Cancellation);
        Errand.Row("lobby_id", lobby.LobbyId.ToString());
        Errand.Row("name", lobby.Name);
        Errand.Row("kind", Kind(lobby));
        Errand.Row("created_by", lobby.CreatedBy.Login);
        Errand.Row("created_at", Errand.Text(lobby.CreatedAt));
        Errand.Row("entries", Errand.Text(lobby.LastSeq));
        Errand.Row("last_sent_at", Errand.Text(lobby.LastSentAt));
        Errand.Row("bytes", Errand.Text(bytes.GetValueOrDefault(lobby.LobbyId)));
        Errand.Row("bytes_max", QuotaCommands.Text(lobby.BytesMax));
        await foreach (var member in lobbies.MembersAsync(lobby.LobbyId, errand.Cancellation))
        {
            Errand.Row(
                "member", member.Login, string.Join(',', RightName.NamesOf(member.Rights)), Errand.Text(member.Since));
        }
        return ExitCode.Done;
    }

    static async Task<int> DeleteAsync(Errand errand)
    {
        await using var desk = await Desk.OpenAsync(errand);
        var lobby = await FindAsync(new LobbyLedger(desk.Database), errand);
        if (lobby.IsDeleted)
            throw new OperatorException($"{lobby.Name} was deleted already");
        await errand.ConfirmAsync(
            Yes, $"The lobby {lobby.Name} with its {Errand.Text(lobby.LastSeq)} entries will be gone for good.");
        var (outcome, _) = await new ErasureStore(desk.Database).DeleteAsync(lobby.LobbyId, author: null);
        if (outcome is not (Outcome.Stored or Outcome.NoSuchLobby))
            throw new OperatorException($"{lobby.Name} could not be deleted ({outcome}): run the command again");
        Errand.Note($"{lobby.Name} is deleted");
        return ExitCode.Done;
    }

    static string Kind(LobbyLine lobby) => lobby switch
    {
        { IsDeleted: true } => "deleted",
        { IsSealed: true } => "sealed",
        _ => "plain",
    };
}
