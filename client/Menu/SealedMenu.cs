using Conclave.Protocol;
using Conclave.Sdk;

namespace Conclave.Client.Menu;

/// <summary>The items that only sealed lobbies have: their code, their key, and alarms.</summary>
sealed class SealedMenu(Sitting sitting)
{
    Screen Screen => sitting.Screen;

    /// <summary>What can be done with a lobby; an alarm, if there is one, comes first.</summary>
    public async Task<IReadOnlyList<ManageMenu.Item>> ItemsAsync(ConclaveClient client, OwnLobby lobby)
    {
        var texts = sitting.SealTexts;
        List<ManageMenu.Item> items = [];
        if (await client.Trust.AlarmAsync(lobby.LobbyId, sitting.Cancellation) is { } alarm)
            items.Add(new(texts.Alarm, () => DecideAsync(client, lobby, alarm)));
        items.Add(new(texts.Code, () => CompareAsync(client, lobby)));
        if (lobby.Rights.HasFlag(Rights.Admin))
        {
            items.Add(new(texts.Rotate, () => RotateAsync(client, lobby)));
            items.Add(new(texts.Readmit, () => ReadmitAsync(client, lobby)));
        }
        return items;
    }

    async Task CompareAsync(ConclaveClient client, OwnLobby lobby)
    {
        var code = await client.Trust.LobbyCodeAsync(lobby.LobbyId, sitting.Cancellation);
        Screen.Lines(SealReport.Code(code, sitting.Language));
        Screen.Hint(Screen.Sentence(sitting.Language.Seal.CompareCode));
        if (!code.IsConfirmed)
            Screen.Hint(Screen.Sentence(sitting.Language.Seal.HistoryUnconfirmed));
    }

    async Task RotateAsync(ConclaveClient client, OwnLobby lobby)
    {
        await client.Lobbies.RotateKeyAsync(lobby.LobbyId, sitting.Cancellation);
        Screen.Done(Screen.Sentence(sitting.Language.Seal.Rotated(SafeText.OneLine(lobby.LobbyName))));
    }

    async Task ReadmitAsync(ConclaveClient client, OwnLobby lobby)
    {
        var members = await client.MembersAsync(lobby.LobbyId, sitting.Cancellation);
        if (await sitting.ChooseMemberAsync(members) is not { } member)
            return;
        var reply = await client.Lobbies.ReadmitAsync(lobby.LobbyId, member.Login, sitting.Cancellation);
        Screen.Done(Screen.Sentence(Report.Invited(reply, lobby.LobbyName, sitting.Language)));
    }

    async Task DecideAsync(ConclaveClient client, OwnLobby lobby, LobbyAlarm alarm)
    {
        var (texts, seal) = (sitting.SealTexts, sitting.Language.Seal);
        Screen.Problem(AlarmWording.Of(alarm, lobby.LobbyId, lobby.LobbyName, sitting.Language));
        var name = SafeText.OneLine(lobby.LobbyName);
        var chosen = await sitting.ChooseAsync(
            texts.WhatToDo(name), sitting.Texts.Back, texts.Dismiss, texts.Forget);
        if (chosen == texts.Dismiss)
        {
            await client.Trust.DismissAlarmAsync(lobby.LobbyId, sitting.Cancellation);
            Screen.Done(Screen.Sentence(seal.AlarmDismissed(name)));
        }
        else if (chosen == texts.Forget)
        {
            await client.Trust.ForgetLobbyAsync(lobby.LobbyId, sitting.Cancellation);
            Screen.Done(Screen.Sentence(seal.LobbyForgotten(name)));
        }
    }
}
