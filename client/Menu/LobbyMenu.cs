using Conclave.Protocol;

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
        if (await IsToBePlainAsync() is not { } isPlain)
            return;
        await sitting.AskLobbyNameAsync(sitting.Texts.AskNewLobbyName, ErrorCode.LobbyNameTaken, async name =>
        {
            var lobby = isPlain
                ? await client.CreateLobbyAsync(name, cancellationToken: sitting.Cancellation)
                : await client.Lobbies.CreateSealedAsync(name, cancellationToken: sitting.Cancellation);
            var shown = SafeText.OneLine(lobby.LobbyName);
            Screen.Done(isPlain ? sitting.Texts.LobbyCreated(shown) : sitting.SealTexts.SealedLobbyCreated(shown));
            Screen.Lines(Report.NewLobby(lobby, sitting.Language));
        });
    }

    public async Task LookUpAsync()
    {
        Screen.Hint(sitting.Texts.GoBack);
        await using var client = await sitting.Host.ConnectAsync(sitting.Cancellation);
        await sitting.AskLobbyNameAsync(sitting.Texts.AskLobbyName, ErrorCode.NoSuchLobby, async name =>
        {
            var lobby = await client.FindLobbyAsync(sitting.Input.Lobby(name), sitting.Cancellation);
            Screen.Lines(Report.Lobby(lobby, sitting.Language));
        });
    }

    public async Task MembersAsync()
    {
        await using var client = await sitting.Host.ConnectSignedInAsync(sitting.Cancellation);
        if (await sitting.ChooseLobbyAsync(client) is not { } lobby)
            return;
        Screen.Hint(SafeText.OneLine(lobby.LobbyName));
        if (!Report.IsSealed(lobby.LobbyId))
        {
            var members = await client.MembersAsync(lobby.LobbyId, sitting.Cancellation);
            Screen.Lines(Report.Members(members, sitting.Language));
            return;
        }
        var roster = await client.Lobbies.RosterAsync(lobby.LobbyId, sitting.Cancellation);
        Screen.Lines(SealReport.Roster(roster, sitting.Language));
        if (!roster.IsConfirmed)
            Screen.Hint(Screen.Sentence(sitting.Language.Seal.HistoryUnconfirmed));
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
        var reply = await client.Lobbies.InviteAsync(lobby.LobbyId, user.Login, rights, sitting.Cancellation);
        Screen.Done(Report.Invited(reply, lobby.LobbyName, sitting.Language));
        if (Report.IsSealed(lobby.LobbyId)
            && (await client.Trust.FindAsync(user.Login, sitting.Cancellation)) is { IsVerified: false })
            Screen.Hint(sitting.SealTexts.NotVerifiedYet(SafeText.OneLine(user.Login)));
    }

    // Sealed comes first; a plain one takes a second yes, after what it means.
    async Task<bool?> IsToBePlainAsync()
    {
        var texts = sitting.SealTexts;
        var chosen = await sitting.ChooseAsync(texts.ChooseKind, texts.SealedLobby, texts.PlainLobby);
        if (chosen != texts.PlainLobby)
            return chosen is null ? null : false;
        Screen.Hint(Screen.Sentence(sitting.Language.Seal.PlainMeans));
        return await sitting.ConfirmAsync(texts.PlainLobby.Name + "?") ? true : null;
    }
}
