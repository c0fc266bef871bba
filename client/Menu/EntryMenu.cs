using Conclave.Sdk;

namespace Conclave.Client.Menu;

/// <summary>The items about what a lobby holds.</summary>
sealed class EntryMenu(Sitting sitting)
{
    const int PageSize = 20;

    Screen Screen => sitting.Screen;

    public async Task SendAsync()
    {
        await using var client = await sitting.Host.ConnectSignedInAsync(sitting.Cancellation);
        if (await sitting.ChooseLobbyAsync(client) is not { } lobby)
            return;
        Screen.Hint(sitting.Texts.GoBack);
        var content = await Screen.AskAsync(() => Screen.AskTextAsync(sitting.Texts.AskText), sitting.Input.Text);
        if (content is null)
            return;
        await sitting.PostAsync(client, lobby, async () =>
        {
            var reply = await client.PostAsync(
                Sitting.Meant(lobby), content, cancellationToken: sitting.Cancellation);
            Screen.Done(Screen.Sentence(Report.Stored(reply, lobby.LobbyName, sitting.Language)));
        });
    }

    public async Task ReadAsync()
    {
        await using var client = await sitting.Host.ConnectSignedInAsync(sitting.Cancellation);
        if (await sitting.ChooseLobbyAsync(client) is not { } lobby)
            return;
        long? before = null;
        HistoryPage page;
        do
        {
            page = await client.HistoryAsync(
                lobby.LobbyId, before: before, limit: PageSize, cancellationToken: sitting.Cancellation);
            // An older page comes below a newer one on the screen, which must not look like one log.
            if (before is not null)
                Screen.Header(sitting.Texts.Earlier.Name);
            Show(page.Entries, lobby.LobbyName);
            before = page.Entries.Count > 0 ? page.Entries[0].Seq : null;
        }
        while (page.More && before is not null && await WantsEarlierAsync());
    }

    public async Task WatchAsync()
    {
        await using var client = await sitting.Host.ConnectSignedInAsync(sitting.Cancellation);
        if (await sitting.ChooseLobbyAsync(client) is not { } lobby)
            return;
        var page = await client.HistoryAsync(lobby.LobbyId, limit: PageSize, cancellationToken: sitting.Cancellation);
        // Before the entries, so that the hint is the first and not the last thing of a long page.
        Screen.Hint(sitting.Texts.WatchKeys(SafeText.OneLine(lobby.LobbyName)));
        Show(page.Entries, lobby.LobbyName);
        await using var subscription = await client.SubscribeAsync(
            lobby.LobbyId, new Position(page.LastSeq), sitting.Cancellation);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(sitting.Cancellation);
        var key = Screen.KeyAsync(ended.Token);
        var follow = Follow.RunAsync(
            client, subscription, entry => Show([entry], lobby.LobbyName), Screen.Hint, sitting.Language.Say,
            ended.Token);
        await Task.WhenAny(key, follow);
        await ended.CancelAsync();
        // The key comes last: what ended the watch by itself matters more than that nobody pressed one.
        await follow;
        await key.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Screen.Hint(sitting.Texts.WatchEnded);
    }

    void Show(IReadOnlyList<Entry> entries, string lobby)
    {
        Screen.Lines(entries.Select(entry => EntryReport.Line(entry, sitting.Language)));
        if (entries.Any(entry => entry.Verdict == Verdict.Unconfirmed))
            Screen.Hint(Screen.Sentence(sitting.Language.Seal.HistoryUnconfirmed));
        if (entries.FirstOrDefault(entry => entry.Verdict == Verdict.Refused) is { } refused)
            Screen.Problem(AlarmWording.OfRefused(refused, lobby, sitting.Language));
    }

    async Task<bool> WantsEarlierAsync() =>
        await sitting.ChooseAsync(sitting.Texts.EarlierExist, sitting.Texts.Earlier, sitting.Texts.Back)
            == sitting.Texts.Earlier;
}
