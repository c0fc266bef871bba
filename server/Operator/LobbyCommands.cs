using System.CommandLine;
using Conclave.Protocol;
using Conclave.Server.Storage;

namespace Conclave.Server.Operator;

/// <summary><c>lobby list | show</c>. What lies in a lobby is for its members, not for the operator.</summary>
static class LobbyCommands
{
    public static readonly Argument<string> Lobby = new("LOBBY") { Description = "The lobby's name or id." };

    public static Command Build()
    {
        var lobby = new Command("lobby", "Lists and shows lobbies; not what lies in them.");
        lobby.Add(CommandTree.Command("list", "Lists all lobbies.", [], ListAsync));
        lobby.Add(CommandTree.Command("show", "Shows a lobby and its members.", [Lobby], ShowAsync));
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

    static string Kind(LobbyLine lobby) => lobby.IsSealed ? "sealed" : "plain";
}
