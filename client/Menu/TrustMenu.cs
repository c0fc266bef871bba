using Conclave.Client.Texts;
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
