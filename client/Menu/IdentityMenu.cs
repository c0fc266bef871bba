using System.Text;
using Conclave.Client.Texts;
using Conclave.Sdk;

namespace Conclave.Client.Menu;

/// <summary>The item about one's own identity. Only what the account can do is offered.</summary>
sealed class IdentityMenu(Sitting sitting)
{
    Screen Screen => sitting.Screen;

    SealMenuTexts Texts => sitting.SealTexts;

    public async Task RunAsync()
    {
        await using var client = await sitting.Host.ConnectSignedInAsync(sitting.Cancellation);
        var user = await client.WhoamiAsync(sitting.Cancellation);
        var login = SafeText.OneLine(user.Login);
        ManageMenu.Item[] ofPlain =
        [
            new(Texts.SealAccount, () => SealAccountAsync(client, login)),
            new(Texts.Recover, () => RecoverAsync(client, login)),
        ];
        ManageMenu.Item[] ofSealed =
        [
            new(Texts.Recovery, () => ShowRecoveryCodeAsync(client)),
            new(Texts.Reset, () => ResetAsync(client, login)),
        ];
        ManageMenu.Item[] items =
        [
            .. user.Identity is null ? ofPlain : ofSealed, new(sitting.Texts.Back, () => Task.CompletedTask),
        ];
        var chosen = await Screen.ChooseAsync(
            Texts.WhatToDo(login), items, item => (item.Text.Name, item.Text.Hint), sitting.Texts);
        if (chosen is not null)
            await chosen.Work();
    }

    async Task ShowRecoveryCodeAsync(ConclaveClient client)
    {
        Screen.Hint(Screen.Sentence(sitting.Language.Seal.RecoveryMeans));
        if (await sitting.ConfirmAsync(Texts.Recovery.Name + "?"))
            Screen.Line(await client.Account.RecoveryCodeAsync(sitting.Cancellation));
    }

    async Task SealAccountAsync(ConclaveClient client, string login)
    {
        if (!await sitting.ConfirmPlainAccountAsync(login) || await AskPasswordsAsync() is not (var old, var @new))
            return;
        await client.Account.SealPlainAccountAsync(old, @new, sitting.Cancellation);
        Screen.Done(Screen.Sentence(sitting.Language.Seal.AccountSealed(login)));
    }

    async Task RecoverAsync(ConclaveClient client, string login)
    {
        var seal = sitting.Language.Seal;
        if (!await sitting.ConfirmPlainAccountAsync(login))
            return;
        var code = await Recovering.HeldCodeAsync(client, sitting.Cancellation)
            ?? await Screen.AskSecretAsync(seal.AskRecoveryCode);
        if (code is null || await AskPasswordsAsync() is not (var old, var @new))
            return;
        await client.Account.RecoverPlainAccountAsync(code, old, @new, sitting.Cancellation);
        Screen.Done(Screen.Sentence(seal.AccountRecovered(login)));
    }

    async Task ResetAsync(ConclaveClient client, string login)
    {
        var seal = sitting.Language.Seal;
        Screen.Hint(Screen.Sentence(seal.ResetMeans));
        if (!await sitting.ConfirmAsync(Texts.Reset.Name + "?")
            || await Screen.AskSecretAsync(sitting.Texts.AskPassword) is not { } password)
            return;
        var reset = await client.Account.ResetIdentityAsync(Encoding.UTF8.GetBytes(password), sitting.Cancellation);
        Screen.Done(Screen.Sentence(seal.IdentityReset(login)));
        Screen.Lines(SealReport.Successions(reset.Lobbies, sitting.Language));
        Screen.Hint(Screen.Sentence(seal.AfterReset));
    }

    // Null if the person went back.
    async Task<(byte[] Old, byte[] New)?> AskPasswordsAsync() =>
        await Screen.AskSecretAsync(sitting.Texts.AskOldPassword) is { } old
        && await sitting.AskNewPasswordAsync() is { } @new
            ? (Encoding.UTF8.GetBytes(old), Encoding.UTF8.GetBytes(@new))
            : null;
}
