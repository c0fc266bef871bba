using Conclave.Protocol;
using Conclave.Sdk;

namespace Conclave.Client.Menu;

/// <summary>The items about lobbies and who is in them.</summary>
sealed class LobbyMenu(Sitting sitting)
{
    Screen Screen => sitting.Screen;

    public async Task ListAsync()
    {
        await using var client = await sitting.Host.ConnectSignedInAsync(sitting.Cancellation);
        var lobbies = await client.MyLobbiesAsync(sitting.Cancellation);
        if (lobbies.Count == 0)
            Screen.Hint(sitting.Texts.NoLobbyYet);
        Screen.Lines(Report.Lobbies(lobbies, sitting.Language));
    }

    public async Task CreateAsync()
    {
        Screen.Hint(sitting.Texts.GoBack);
        await using var client = await sitting.Host.ConnectSignedInAsync(sitting.Cancellation);
        while (await AskNameAsync(sitting.Texts.AskNewLobbyName) is { } name)
        {
            try
            {
                var lobby = await client.CreateLobbyAsync(name, cancellationToken: sitting.Cancellation);
                Screen.Done(sitting.Texts.LobbyCreated(SafeText.OneLine(lobby.LobbyName)));
                Screen.Lines(Report.NewLobby(lobby, sitting.Language));
                return;
            }
            catch (RefusedException refused) when (refused.Code == ErrorCode.LobbyNameTaken)
            {
                sitting.Problem(refused);
            }
        }
    }

    public async Task LookUpAsync()
    {
        Screen.Hint(sitting.Texts.GoBack);
        await using var client = await sitting.Host.ConnectAsync(sitting.Cancellation);
        while (await AskNameAsync(sitting.Texts.AskLobbyName) is { } name)
        {
            try
            {
                var lobby = await client.FindLobbyAsync(sitting.Input.Lobby(name), sitting.Cancellation);
                Screen.Lines(Report.Lobby(lobby, sitting.Language));
                return;
            }
            catch (RefusedException refused) when (refused.Code == ErrorCode.NoSuchLobby)
            {
                sitting.Problem(refused);
            }
        }
    }

    public async Task MembersAsync()
    {
        await using var client = await sitting.Host.ConnectSignedInAsync(sitting.Cancellation);
        if (await sitting.ChooseLobbyAsync(client) is not { } lobby)
            return;
        var members = await client.MembersAsync(lobby.LobbyId, sitting.Cancellation);
        Screen.Hint(SafeText.OneLine(lobby.LobbyName));
        Screen.Lines(Report.Members(members, sitting.Language));
    }

    public async Task InviteAsync()
    {
        await using var client = await sitting.Host.ConnectSignedInAsync(sitting.Cancellation);
        if (await sitting.ChooseLobbyAsync(client) is not { } lobby)
            return;
        Screen.Hint(sitting.Texts.GoBack);
        if (await sitting.AskUserAsync(client, sitting.Texts.AskInvited) is not { } user
            || await sitting.AskRightsAsync(offered: lobby.Rights, ticked: Rights.Default) is not { } rights)
            return;
        var reply = await client.InviteAsync(
            lobby.LobbyId, user.PublicToken, rights, cancellationToken: sitting.Cancellation);
        Screen.Done(Report.Invited(reply, lobby.LobbyName, sitting.Language));
    }

    async Task<string?> AskNameAsync(string question)
    {
        var name = await Screen.AskAsync(() => Screen.AskAsync(question), sitting.Input.NewLobbyName);
        sitting.About = new About(Lobby: name);
        return name;
    }
}
