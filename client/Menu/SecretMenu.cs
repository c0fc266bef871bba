using Conclave.Client.Texts;
using Conclave.Protocol;
using Conclave.Sdk;

namespace Conclave.Client.Menu;

/// <summary>The secrets of a lobby: names first, a value only when it is asked for.</summary>
sealed class SecretMenu(Sitting sitting)
{
    Screen Screen => sitting.Screen;

    SealMenuTexts Texts => sitting.SealTexts;

    public async Task RunAsync()
    {
        await using var client = await sitting.Host.ConnectSignedInAsync(sitting.Cancellation);
        if (await sitting.ChooseLobbyAsync(client) is not { } lobby)
            return;
        var secrets = await client.Secrets.ListAsync(lobby.LobbyId, sitting.Cancellation);
        if (secrets.Count == 0)
            Screen.Hint(Texts.NoSecretYet);
        var chosen = await sitting.ChooseOrElseAsync(
            Texts.ChooseSecret, [null, .. secrets],
            secret => (SafeText.OneLine(secret.Name), $"#{secret.Seq} {SafeText.OneLine(secret.From.Login)}"),
            Texts.NewSecret);
        if (chosen is { Item: { } secret })
            await DoAsync(client, lobby, secret);
        else if (chosen is not null)
            await AddAsync(client, lobby);
    }

    async Task AddAsync(ConclaveClient client, OwnLobby lobby)
    {
        Screen.Hint(sitting.Texts.GoBack);
        if (await Screen.AskAsync(Texts.AskSecretName, sitting.Input.ItemName) is { } name)
            await SetAsync(client, lobby, name, previous: null);
    }

    async Task DoAsync(ConclaveClient client, OwnLobby lobby, Secret secret)
    {
        var name = SafeText.OneLine(secret.Name);
        var chosen = await sitting.ChooseAsync(
            Texts.WhatToDo(name), Texts.ShowSecret, Texts.ChangeSecret, Texts.RetireSecret, sitting.Texts.Back);
        if (chosen == Texts.ShowSecret)
            Show(secret);
        else if (chosen == Texts.ChangeSecret)
            await SetAsync(client, lobby, secret.Name, secret.Seq);
        else if (chosen == Texts.RetireSecret)
        {
            await sitting.PostAsync(client, lobby, async () =>
            {
                await client.Secrets.RetireAsync(Sitting.Meant(lobby), secret.Name, sitting.Cancellation);
                Screen.Done(Screen.Sentence(
                    sitting.Language.Seal.Retired(name, SafeText.OneLine(lobby.LobbyName))));
            });
        }
    }

    async Task SetAsync(ConclaveClient client, OwnLobby lobby, string name, long? previous)
    {
        if (await Screen.AskSecretAsync(Texts.AskSecretValue) is not { } value)
            return;
        await sitting.PostAsync(client, lobby, async () =>
        {
            var seq = await client.Secrets.SetAsync(
                Sitting.Meant(lobby), name, value, previous, sitting.Cancellation);
            Screen.Done(Screen.Sentence(sitting.Language.Say.Stored(SafeText.OneLine(lobby.LobbyName), seq)));
        });
    }

    void Show(Secret secret)
    {
        if (secret.Value is { } value)
            Screen.Line(SafeText.Body(value));
        foreach (var (name, part) in secret.Fields ?? new Dictionary<string, string>(StringComparer.Ordinal))
            Screen.Line($"{SafeText.OneLine(name)}: {SafeText.Body(part)}");
        if (secret.Verdict == Verdict.Unconfirmed)
            Screen.Hint(Screen.Sentence(sitting.Language.Seal.HistoryUnconfirmed));
    }
}
