using System.CommandLine;
using System.Globalization;
using Conclave.Server.Storage;

namespace Conclave.Server.Operator;

/// <summary><c>quota lobbies | users | set</c>: who takes how much, and how much a lobby may take.</summary>
static class QuotaCommands
{
    const string Default = "default";
    const string None = "none";

    static readonly Argument<string> Size = new("SIZE")
    {
        Description = $"Bytes, or with K, M or G (of 1024), or \"{None}\", or \"{Default}\": as for all lobbies.",
    };

    public static Command Build()
    {
        var quota = new Command("quota", "Shows what lobbies and users take, and sets what a lobby may take.");
        quota.Add(CommandTree.Command(
            "lobbies", "Lists what the messages of each lobby take, the largest first.", [], LobbiesAsync));
        quota.Add(CommandTree.Command(
            "users", "Lists what the messages of each user take, the largest first.", [], UsersAsync));
        quota.Add(CommandTree.Command(
            "set", "Sets how many bytes the messages of a lobby may take.", [LobbyCommands.Lobby, Size], SetAsync));
        return quota;
    }

    /// <summary>A quota as it is shown.</summary>
    public static string Text(long? bytesMax) => bytesMax switch
    {
        null => Default,
        LobbyLedger.NoBytesMax => None,
        var bytes => Errand.Text(bytes.Value),
    };

    static async Task<int> LobbiesAsync(Errand errand)
    {
        await using var desk = await Desk.OpenAsync(errand);
        var lobbies = new LobbyLedger(desk.Database);
        var bytes = await lobbies.BytesAsync(lobbyId: null, errand.Cancellation);
        Errand.Row("lobby_id", "name", "bytes", "bytes_max", "entries", "members");
        await foreach (var lobby in lobbies.ListAsync(errand.Cancellation)
            .OrderByDescending(lobby => bytes.GetValueOrDefault(lobby.LobbyId)))
        {
            Errand.Row(
                lobby.LobbyId.ToString(), lobby.Name, Errand.Text(bytes.GetValueOrDefault(lobby.LobbyId)),
                Text(lobby.BytesMax), Errand.Text(lobby.LastSeq), Errand.Text(lobby.MemberCount));
        }
        return ExitCode.Done;
    }

    static async Task<int> UsersAsync(Errand errand)
    {
        await using var desk = await Desk.OpenAsync(errand);
        Errand.Row("login", "bytes", "messages", "lobbies_created");
        await foreach (var user in new LobbyLedger(desk.Database).UsageAsync(errand.Cancellation))
        {
            Errand.Row(
                user.Login, Errand.Text(user.Bytes), Errand.Text(user.Messages), Errand.Text(user.LobbiesCreated));
        }
        return ExitCode.Done;
    }

    static async Task<int> SetAsync(Errand errand)
    {
        var bytesMax = Read(errand.Get(Size));
        await using var desk = await Desk.OpenAsync(errand);
        var lobbies = new LobbyLedger(desk.Database);
        var lobby = await LobbyCommands.FindAsync(lobbies, errand);
        await lobbies.SetBytesMaxAsync(lobby.LobbyId, bytesMax, errand.Cancellation);
        Errand.Note($"the quota of '{lobby.Name}' is {Text(bytesMax)} now");
        return ExitCode.Done;
    }

    static long? Read(string text)
    {
        if (text == Default)
            return null;
        if (text == None)
            return LobbyLedger.NoBytesMax;
        var shift = char.ToUpperInvariant(text.LastOrDefault()) switch
        {
            'K' => 10,
            'M' => 20,
            'G' => 30,
            _ => 0,
        };
        var digits = shift == 0 ? text : text[..^1];
        return long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number is > 0 && number <= long.MaxValue >> shift
                ? number << shift
                : throw new OperatorException(
                    $"{text} is no size: write a number of bytes, 10M or 2G, {None} or {Default}");
    }
}
