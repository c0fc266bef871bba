using Conclave.Protocol;
using Conclave.Sdk;

namespace Conclave.Client.Menu;

/// <summary>The items about users and oneself.</summary>
sealed class AccountMenu(Sitting sitting)
{
    Screen Screen => sitting.Screen;

    public async Task RegisterAsync()
    {
        Screen.Hint(sitting.Texts.GoBack);
        string login, password;
        await using (var client = await sitting.Host.ConnectAsync(sitting.Cancellation))
        {
            if (await FreeLoginAsync(client) is not { } chosen || await sitting.AskNewPasswordAsync() is not { } typed)
                return;
            (login, password) = (chosen, typed);
            var user = await Registering.RunAsync(
                client, login, password, code: null, () => Screen.AskSecretAsync(sitting.Texts.AskCode),
                sitting.Cancellation);
            Screen.Done(sitting.Texts.Registered(user.Login));
            Screen.Lines(Report.User(user, sitting.Language));
        }
        // Whoever has just chosen a password need not type it a third time.
        await EnterAsync(login, password);
    }

    public async Task SignInAsync()
    {
        Screen.Hint(sitting.Texts.GoBack);
        var login = await Screen.AskAsync(sitting.Texts.AskLogin, sitting.Input.Login);
        if (login is not null && await Screen.AskSecretAsync(sitting.Texts.AskPassword) is { } password)
            await EnterAsync(login, password);
    }

    public async Task SignOutAsync()
    {
        if (await sitting.Host.SignOutAsync(sitting.Cancellation) is { } login)
            Screen.Done(sitting.Language.Say.SignedOut(login));
    }

    public async Task LookUpAsync()
    {
        Screen.Hint(sitting.Texts.GoBack);
        await using var client = await sitting.Host.ConnectAsync(sitting.Cancellation);
        if (await sitting.AskUserAsync(client, sitting.Texts.AskLogin) is { } user)
            Screen.Lines(Report.User(user, sitting.Language));
    }

    async Task EnterAsync(string login, string password)
    {
        AuthReply session;
        try
        {
            session = await sitting.Host.SignInAsync(login, password, plainAccount: false, sitting.Cancellation);
        }
        catch (AlarmException alarm) when (alarm.Code == AlarmCode.PlainAccount)
        {
            if (!await sitting.ConfirmPlainAccountAsync(login))
                return;
            session = await sitting.Host.SignInAsync(login, password, plainAccount: true, sitting.Cancellation);
        }
        Screen.Done(sitting.Texts.SignedIn(session.Login));
    }

    // Asked before the password: whoever has typed that twice does not want to hear that the login is taken.
    async Task<string?> FreeLoginAsync(ConclaveClient client)
    {
        var question = sitting.Texts.AskNewLogin;
        while (await Screen.AskAsync(question, sitting.Input.Login) is { } login)
        {
            sitting.About = new About(Login: login);
            try
            {
                await client.FindUserAsync(login, sitting.Cancellation);
                Screen.Problem(Wording.OfCode(ErrorCode.LoginTaken, sitting.Language, sitting.About));
            }
            catch (RefusedException refused) when (refused.Code == ErrorCode.NoSuchUser)
            {
                return login;
            }
        }
        return null;
    }
}
