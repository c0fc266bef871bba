using System.CommandLine;
using Conclave.Sdk;

namespace Conclave.Client.Commands;

/// <summary>Lobbies: <c>lobby create|show|list|members</c> and more, <c>rename</c>, <c>delete</c>.</summary>
static class LobbyCommands
{
    public static IEnumerable<Command> All(Frame frame)
    {
        var lobby = new Command("lobby", frame.Help.LobbyGroup);
        lobby.Add(Create(frame));
        lobby.Add(Show(frame));
        lobby.Add(List(frame));
        lobby.Add(Members(frame));
        foreach (var command in SealedLobbyCommands.All(frame))
            lobby.Add(command);
        return [lobby, Rename(frame), Delete(frame)];
    }

    public static Argument<string> LobbyArgument(string description) =>
        new(Frame.LobbyArgument) { Description = description };

    static Command Create(Frame frame)
    {
        var lobby = LobbyArgument(frame.Help.NewLobby);
        var plain = new Option<bool>("--plain") { Description = frame.SealHelp.Plain };
        var fromJoin = new Option<bool>("--from-join") { Description = frame.SealHelp.FromJoin };
        return frame.Command("create", frame.Help.LobbyCreate, [lobby, plain, fromJoin], async visit =>
        {
            var name = visit.Input.NewLobbyName(visit.Get(lobby)!);
            var history = visit.Get(fromJoin) ? LobbyHistory.FromJoin : LobbyHistory.All;
            await using var client = await visit.ConnectSignedInAsync();
            if (visit.Get(plain))
                visit.Note(visit.Language.Seal.PlainMeans);
            var made = visit.Get(plain)
                ? await client.CreateLobbyAsync(name, cancellationToken: visit.Cancellation)
                : await client.Lobbies.CreateSealedAsync(name, history, visit.Cancellation);
            visit.Show(() => JsonLine.Of(made), () => Report.NewLobby(made, visit.Language));
        });
    }

    static Command Show(Frame frame)
    {
        var lobby = LobbyArgument(frame.Help.Lobby);
        return frame.Command("show", frame.Help.LobbyShow, [lobby], async visit =>
        {
            var meant = visit.Input.Lobby(visit.Get(lobby)!);
            // Whoever is signed in has seen where names led before.
            await using var client = visit.Host.Session is null
                ? await visit.ConnectAsync()
                : await visit.ConnectSignedInAsync();
            var shown = await client.FindLobbyAsync(meant, visit.Cancellation);
            visit.Show(() => JsonLine.Of(shown), () => Report.Lobby(shown, visit.Language));
        });
    }

    static Command List(Frame frame) => frame.Command("list", frame.Help.LobbyList, [], async visit =>
    {
        await using var client = await visit.ConnectSignedInAsync();
        var lobbies = await client.MyLobbiesAsync(visit.Cancellation);
        visit.ShowAll(
            lobbies, JsonLine.Of, all => Report.Lobbies(all, visit.Language), visit.Language.Say.NoLobbies);
    });

    static Command Rename(Frame frame)
    {
        var lobby = LobbyArgument(frame.Help.Lobby);
        var name = new Argument<string>(Frame.NewNameArgument) { Description = frame.Help.NewLobby };
        return frame.Command("rename", frame.Help.Rename, [lobby, name], async visit =>
        {
            var meant = visit.Input.Lobby(visit.Get(lobby)!);
            var newName = visit.Input.NewLobbyName(visit.Get(name)!);
            await using var client = await visit.ConnectSignedInAsync();
            var lobbyId = await client.Lobbies.IdAsync(meant, visit.Cancellation);
            var reply = await client.Lobbies.RenameAsync(lobbyId, newName, cancellationToken: visit.Cancellation);
            visit.Show(
                () => JsonLine.Of(reply), () => [Report.Renamed(visit.Get(lobby)!, newName, visit.Language)]);
        });
    }

    static Command Delete(Frame frame)
    {
        var lobby = LobbyArgument(frame.Help.Lobby);
        var yes = new Option<bool>("--yes") { Description = frame.Help.Yes };
        return frame.Command("delete", frame.Help.Delete, [lobby, yes], async visit =>
        {
            var name = visit.Get(lobby)!;
            var meant = visit.Input.Lobby(name);
            await using var client = await visit.ConnectSignedInAsync();
            if (!visit.Get(yes))
                await ConfirmAsync(visit, name);
            await client.Lobbies.DeleteAsync(meant, visit.Cancellation);
            visit.Show(() => JsonLine.Done, () => [Report.Deleted(name, visit.Language)]);
        });
    }

    static async Task ConfirmAsync(Visit visit, string name)
    {
        var say = visit.Language.Say;
        if (!Terminal.CanAsk)
            throw new ClientException(ExitCode.Usage, say.DeleteNeedsYes);
        var typed = await Terminal.AskAsync(say.ConfirmDelete(SafeText.OneLine(name)), visit.Cancellation);
        if (typed != name)
            throw new ClientException(ExitCode.Error, say.NothingDone);
    }

    static Command Members(Frame frame)
    {
        var lobby = LobbyArgument(frame.Help.Lobby);
        return frame.Command("members", frame.Help.LobbyMembers, [lobby], async visit =>
        {
            var meant = visit.Input.Lobby(visit.Get(lobby)!);
            await using var client = await visit.ConnectSignedInAsync();
            if (Report.IsSealed(await client.Lobbies.IdAsync(meant, visit.Cancellation)))
            {
                await SealedLobbyCommands.ShowRosterAsync(visit, client, meant, visit.Get(lobby)!);
                return;
            }
            var members = await client.MembersAsync(meant, visit.Cancellation);
            visit.ShowAll(members, JsonLine.Of, all => Report.Members(all, visit.Language));
        });
    }
}
