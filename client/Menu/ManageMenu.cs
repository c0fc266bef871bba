using System.Globalization;
using Conclave.Client.Texts;
using Conclave.Protocol;
using Conclave.Sdk;

namespace Conclave.Client.Menu;

/// <summary>
/// The items that change a lobby: its members, its name, what is to go. Only what one may do is offered.
/// </summary>
sealed class ManageMenu(Sitting sitting)
{
    // Entries to choose a message from: the newest, and no more than a person looks through.
    const int NewestCount = 50;

    readonly SealedMenu _sealed = new(sitting);

    Screen Screen => sitting.Screen;

    MenuTexts Texts => sitting.Texts;

    public async Task RunAsync()
    {
        await using var client = await sitting.Host.ConnectSignedInAsync(sitting.Cancellation);
        if (await sitting.ChooseLobbyAsync(client) is not { } lobby)
            return;
        Item[] forAdmins =
        [
            new(Texts.ChangeRights, () => ChangeRightsAsync(client, lobby)),
            new(Texts.RemoveMember, () => RemoveAsync(client, lobby)),
            new(Texts.Rename, () => RenameAsync(client, lobby)),
            new(Texts.DeleteLobby, () => DeleteAsync(client, lobby)),
        ];
        Item[] items =
        [
            .. Report.IsSealed(lobby.LobbyId) ? await _sealed.ItemsAsync(client, lobby) : [],
            .. lobby.Rights.HasFlag(Rights.Admin) ? forAdmins : [],
            new(Texts.EraseMessage, () => EraseAsync(client, lobby)),
            new(Texts.Leave, () => LeaveAsync(client, lobby)),
            new(Texts.Back, () => Task.CompletedTask),
        ];
        var chosen = await Screen.ChooseAsync(
            SafeText.OneLine(lobby.LobbyName), items, item => (item.Text.Name, item.Text.Hint), Texts);
        if (chosen is not null)
            await chosen.Work();
    }

    async Task ChangeRightsAsync(ConclaveClient client, OwnLobby lobby)
    {
        var members = await client.MembersAsync(lobby.LobbyId, sitting.Cancellation);
        if (await sitting.ChooseMemberAsync(members) is not { } member
            || await sitting.AskRightsAsync(offered: Rights.All, ticked: member.Rights) is not { } rights)
            return;
        await client.Lobbies.SetRightsAsync(
            lobby.LobbyId, member.PublicToken, rights, cancellationToken: sitting.Cancellation);
        Screen.Done(Report.RightsSet(member.Login, lobby.LobbyName, rights, sitting.Language));
    }

    async Task RemoveAsync(ConclaveClient client, OwnLobby lobby)
    {
        var me = (await client.WhoamiAsync(sitting.Cancellation)).PublicToken;
        var members = await client.MembersAsync(lobby.LobbyId, sitting.Cancellation);
        Member[] others = [.. members.Where(member => member.PublicToken != me)];
        if (others.Length == 0)
            Screen.Hint(Texts.NobodyElse);
        else if (await sitting.ChooseMemberAsync(others) is { } member
            && await sitting.ConfirmAsync(
                Texts.AskRemove(SafeText.OneLine(member.Login), SafeText.OneLine(lobby.LobbyName))))
        {
            await client.Lobbies.RemoveMemberAsync(
                lobby.LobbyId, member.PublicToken, cancellationToken: sitting.Cancellation);
            Screen.Done(Report.Removed(member.Login, lobby.LobbyName, sitting.Language));
        }
    }

    async Task RenameAsync(ConclaveClient client, OwnLobby lobby)
    {
        Screen.Hint(Texts.GoBack);
        await sitting.AskLobbyNameAsync(Texts.AskNewLobbyName, ErrorCode.LobbyNameTaken, async name =>
        {
            await client.Lobbies.RenameAsync(lobby.LobbyId, name, cancellationToken: sitting.Cancellation);
            Screen.Done(Report.Renamed(lobby.LobbyName, name, sitting.Language));
        });
    }

    async Task EraseAsync(ConclaveClient client, OwnLobby lobby)
    {
        var me = (await client.WhoamiAsync(sitting.Cancellation)).PublicToken;
        var page = await client.HistoryAsync(
            lobby.LobbyId, limit: NewestCount, cancellationToken: sitting.Cancellation);
        Entry[] messages =
        [
            .. page.Entries.Reverse().Where(entry => entry is { Event: EventName.Message, IsGone: false }
                && (entry.From.PublicToken == me || lobby.Rights.HasFlag(Rights.Admin))),
        ];
        if (messages.Length == 0)
        {
            Screen.Hint(Texts.NothingToErase);
            return;
        }
        var chosen = await Screen.ChooseAsync(
            Texts.ChooseMessage, messages,
            entry => (string.Create(CultureInfo.InvariantCulture, $"#{entry.Seq}"),
                SafeText.OneLine(EntryReport.Line(entry, sitting.Language))), Texts);
        if (chosen is null)
            return;
        await client.Lobbies.EraseMessageAsync(lobby.LobbyId, chosen.Seq, sitting.Cancellation);
        Screen.Done(Report.Erased(lobby.LobbyName, chosen.Seq, sitting.Language));
    }

    // Typing the name takes longer than one key too many.
    async Task DeleteAsync(ConclaveClient client, OwnLobby lobby)
    {
        Screen.Hint(Texts.GoBack);
        var question = sitting.Language.Say.ConfirmDelete(SafeText.OneLine(lobby.LobbyName));
        if (await Screen.AskAsync(question) is not { } typed)
            return;
        if (typed != lobby.LobbyName)
        {
            Screen.Hint(Screen.Sentence(sitting.Language.Say.NothingDone));
            return;
        }
        await client.Lobbies.DeleteAsync(lobby.LobbyId, sitting.Cancellation);
        Screen.Done(Report.Deleted(lobby.LobbyName, sitting.Language));
    }

    async Task LeaveAsync(ConclaveClient client, OwnLobby lobby)
    {
        if (!await sitting.ConfirmAsync(Texts.AskLeave(SafeText.OneLine(lobby.LobbyName))))
            return;
        await client.Lobbies.LeaveAsync(lobby.LobbyId, cancellationToken: sitting.Cancellation);
        Screen.Done(Screen.Sentence(Report.HasLeft(lobby.LobbyName, sitting.Language)));
    }

    /// <param name="Text">What is shown.</param>
    /// <param name="Work">What is done.</param>
    internal sealed record Item(MenuText Text, Func<Task> Work);
}
