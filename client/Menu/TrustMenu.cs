using System.Text;
using Conclave.Client.Texts;
using Conclave.Sdk;

namespace Conclave.Client.Menu;

/// <summary>The items about keys: other people's, and one's own.</summary>
sealed class TrustMenu(Sitting sitting)
{
    Screen Screen => sitting.Screen;

    public async Task RunAsync()
    {
        await using var client = await sitting.Host.ConnectSignedInAsync(sitting.Cancellation);
        if (await ChooseAsync(client) is not { } contact)
            return;
        Screen.Lines(SealReport.Contact(contact, sitting.Language));
        var login = SafeText.OneLine(contact.Login);
        if (contact.Change is not null)
            Screen.Problem(AlarmWording.Of(contact, sitting.Language));
        else if (contact.IsVerified)
            return;
        Screen.Hint(Screen.Sentence(sitting.Language.Seal.Compare(login)));
        var texts = sitting.SealTexts;
        MenuText[] items = [texts.Different, contact.Change is null ? texts.Same : texts.AcceptKey];
        var chosen = await Screen.ChooseAsync(
            texts.WhatToDo(login), items, item => (item.Name, item.Hint), sitting.Texts);
        if (chosen == texts.Same)
        {
            await client.Trust.MarkVerifiedAsync(contact.Login, contact.Fingerprint, sitting.Cancellation);
            Screen.Done(Screen.Sentence(sitting.Language.Seal.MarkedVerified(login)));
        }
        else if (chosen == texts.AcceptKey)
        {
            await client.Trust.AcceptNewKeyAsync(contact.Login, contact.Change!.Fingerprint, sitting.Cancellation);
            Screen.Done(Screen.Sentence(sitting.Language.Seal.AcceptedKey(login)));
        }
        else
            Screen.Hint(Screen.Sentence(sitting.Language.Seal.NotMarked(login)));
    }

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
        var user = await client.WhoamiAsync(sitting.Cancellation);
        if (user.Identity is not null)
        {
            Screen.Hint(Screen.Sentence(sitting.Language.Seal.AccountSealedAlready(SafeText.OneLine(user.Login))));
            return;
        }
        if (await Screen.AskSecretAsync(sitting.Texts.AskOldPassword) is not { } old
            || await sitting.AskNewPasswordAsync() is not { } @new)
            return;
        await client.Account.SealAsync(
            Encoding.UTF8.GetBytes(old), Encoding.UTF8.GetBytes(@new), sitting.Cancellation);
        Screen.Done(Screen.Sentence(sitting.Language.Seal.AccountSealed(SafeText.OneLine(user.Login))));
    }

    // Whoever is known comes first: most often that is whom one has just invited.
    async Task<Contact?> ChooseAsync(ConclaveClient client)
    {
        var me = sitting.Host.Session?.Login;
        var contacts = await client.Trust.ContactsAsync(sitting.Cancellation);
        Choice[] choices =
        [
            .. contacts.Where(contact => contact.Login != me).Select(contact => new Choice(contact)), new(null),
        ];
        var chosen = choices.Length == 1 ? choices[0] : await Screen.ChooseAsync(
            sitting.SealTexts.ChoosePerson, choices, Row, sitting.Texts);
        if (chosen is null)
            return null;
        if (chosen.Contact is null)
            Screen.Hint(sitting.Texts.GoBack);
        var login = chosen.Contact?.Login
            ?? (await sitting.AskUserAsync(client, sitting.Texts.AskLogin) is { } user ? user.Login : null);
        return login is null ? null : await client.Trust.FindAsync(login, sitting.Cancellation);
    }

    (string Name, string Hint) Row(Choice choice) => choice.Contact is { } contact
        ? (SafeText.OneLine(contact.Login), SealReport.State(contact, sitting.Language.Seal))
        : (sitting.SealTexts.OtherPerson.Name, sitting.SealTexts.OtherPerson.Hint);

    /// <param name="Contact">Null for somebody else.</param>
    sealed record Choice(Contact? Contact);
}
