using System.Text;
using Conclave.Sdk;

namespace Conclave.Client.Menu;

/// <summary>The items about one's own identity.</summary>
sealed class IdentityMenu(Sitting sitting)
{
    Screen Screen => sitting.Screen;

    public async Task ShowRecoveryCodeAsync()
    {
        await using var client = await sitting.Host.ConnectSignedInAsync(sitting.Cancellation);
        Screen.Hint(Screen.Sentence(sitting.Language.Seal.RecoveryMeans));
        if (await sitting.ConfirmAsync(sitting.SealTexts.Recovery.Name + "?"))
            Screen.Line(await client.Account.RecoveryCodeAsync(sitting.Cancellation));
    }

    public async Task SealAccountAsync()
    {
        Screen.Hint(sitting.Texts.GoBack);
        await using var client = await sitting.Host.ConnectSignedInAsync(sitting.Cancellation);
        if (await PlainLoginAsync(client) is not { } login)
            return;
        if (await Screen.AskSecretAsync(sitting.Texts.AskOldPassword) is not { } old
            || await sitting.AskNewPasswordAsync() is not { } @new)
            return;
        await client.Account.SealAsync(
            Encoding.UTF8.GetBytes(old), Encoding.UTF8.GetBytes(@new), sitting.Cancellation);
        Screen.Done(Screen.Sentence(sitting.Language.Seal.AccountSealed(login)));
    }

    public async Task RecoverAsync()
    {
        Screen.Hint(sitting.Texts.GoBack);
        await using var client = await sitting.Host.ConnectSignedInAsync(sitting.Cancellation);
        var seal = sitting.Language.Seal;
        if (await PlainLoginAsync(client) is not { } login)
            return;
        var code = await Recovering.HeldCodeAsync(client, sitting.Cancellation)
            ?? await Screen.AskSecretAsync(seal.AskRecoveryCode);
        if (code is null
            || await Screen.AskSecretAsync(sitting.Texts.AskOldPassword) is not { } old
            || await sitting.AskNewPasswordAsync() is not { } @new)
            return;
        await client.Account.RecoverAsync(
            code, Encoding.UTF8.GetBytes(old), Encoding.UTF8.GetBytes(@new), sitting.Cancellation);
        Screen.Done(Screen.Sentence(seal.AccountRecovered(login)));
    }

    public async Task ResetAsync()
    {
        Screen.Hint(sitting.Texts.GoBack);
        await using var client = await sitting.Host.ConnectSignedInAsync(sitting.Cancellation);
        var seal = sitting.Language.Seal;
        Screen.Hint(Screen.Sentence(seal.ResetMeans));
        if (!await sitting.ConfirmAsync(sitting.SealTexts.Reset.Name + "?")
            || await Screen.AskSecretAsync(sitting.Texts.AskPassword) is not { } password)
            return;
        var reset = await client.Account.ResetIdentityAsync(Encoding.UTF8.GetBytes(password), sitting.Cancellation);
        var login = (await client.WhoamiAsync(sitting.Cancellation)).Login;
        Screen.Done(Screen.Sentence(seal.IdentityReset(SafeText.OneLine(login))));
        Screen.Lines(SealReport.Successions(reset.Lobbies, sitting.Language));
        Screen.Hint(Screen.Sentence(seal.AfterReset));
    }

    // Null: the account has an identity, and it was said.
    async Task<string?> PlainLoginAsync(ConclaveClient client)
    {
        var user = await client.WhoamiAsync(sitting.Cancellation);
        var login = SafeText.OneLine(user.Login);
        if (user.Identity is null)
            return login;
        Screen.Hint(Screen.Sentence(sitting.Language.Seal.AccountSealedAlready(login)));
        return null;
    }
}
