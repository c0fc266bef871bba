using Conclave.Sdk;

namespace Conclave.Client.Menu;

/// <summary>The item about other people's keys.</summary>
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
        var chosen = await sitting.ChooseAsync(
            texts.WhatToDo(login), texts.Different, contact.Change is null ? texts.Same : texts.AcceptKey);
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

    // Whoever is known comes first: most often that is whom one has just invited.
    async Task<Contact?> ChooseAsync(ConclaveClient client)
    {
        var me = sitting.Host.Session?.Login;
        var contacts = await client.Trust.ContactsAsync(sitting.Cancellation);
        var chosen = await sitting.ChooseOrElseAsync(
            sitting.SealTexts.ChoosePerson, [.. contacts.Where(contact => contact.Login != me), null],
            contact => (SafeText.OneLine(contact.Login), SealReport.State(contact, sitting.Language.Seal)),
            sitting.SealTexts.OtherPerson);
        if (chosen is null)
            return null;
        if (chosen.Item is null)
            Screen.Hint(sitting.Texts.GoBack);
        var login = chosen.Item?.Login ?? (await sitting.AskUserAsync(client, sitting.Texts.AskLogin))?.Login;
        return login is null ? null : await client.Trust.FindAsync(login, sitting.Cancellation);
    }
}
