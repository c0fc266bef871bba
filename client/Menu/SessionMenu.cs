using System.Text;
using Conclave.Client.Texts;
using Conclave.Protocol;
using Conclave.Sdk;

namespace Conclave.Client.Menu;

/// <summary>The items about where one is signed in, and with which password.</summary>
sealed class SessionMenu(Sitting sitting)
{
    Screen Screen => sitting.Screen;

    MenuTexts Texts => sitting.Texts;

    public async Task RunAsync()
    {
        await using var client = await sitting.Host.ConnectSignedInAsync(sitting.Cancellation);
        var sessions = await client.Account.SessionsAsync(sitting.Cancellation);
        Screen.Lines(Report.Sessions(sessions, sitting.Language));
        Ending[] endings =
        [
            new(null, (Texts.Back.Name, Texts.Back.Hint)),
            new(null, (Texts.AllOthers.Name, Texts.AllOthers.Hint)),
            .. sessions.Where(session => !session.Current).Select(
                session => new Ending(session, (session.SessionId.ToString(), Report.SessionFrom(session)))),
        ];
        if (sessions.Count < 2
            || await Screen.ChooseAsync(Texts.ChooseSession, endings, ending => ending.Row, Texts) is not { } chosen
            || chosen == endings[0])
            return;
        var count = chosen.Session is { } session
            ? await client.Account.RevokeSessionAsync(session.SessionId, sitting.Cancellation) ? 1 : 0
            : await client.Account.RevokeOtherSessionsAsync(sitting.Cancellation);
        Screen.Done(Screen.Sentence(sitting.Language.Say.Revoked(count)));
    }

    public async Task ChangePasswordAsync()
    {
        Screen.Hint(Texts.GoBack);
        await using var client = await sitting.Host.ConnectSignedInAsync(sitting.Cancellation);
        var login = (await client.WhoamiAsync(sitting.Cancellation)).Login;
        if (await Screen.AskSecretAsync(Texts.AskOldPassword) is not { } old
            || await sitting.AskNewPasswordAsync() is not { } @new)
            return;
        try
        {
            await client.Account.ChangePasswordAsync(old, @new, sitting.Cancellation);
        }
        catch (AlarmException alarm) when (alarm.Code == AlarmCode.PlainAccount)
        {
            if (!await sitting.ConfirmPlainAccountAsync(login))
                return;
            await client.Account.ChangePasswordOfPlainAccountAsync(
                Encoding.UTF8.GetBytes(old), Encoding.UTF8.GetBytes(@new), sitting.Cancellation);
        }
        Screen.Done(Screen.Sentence(sitting.Language.Say.PasswordChanged(login)));
    }

    /// <param name="Session">Which one ends; null for none or all others.</param>
    /// <param name="Row">What is shown.</param>
    sealed record Ending(OwnSession? Session, (string Name, string Hint) Row);
}
