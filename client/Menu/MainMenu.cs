using Conclave.Client.Texts;
using Conclave.Protocol;
using Conclave.Sdk;

namespace Conclave.Client.Menu;

/// <summary>
/// What the program shows without a command: everything it can do, each item with a hint. Trouble of any kind is told
/// in words and leads back here; only the person ends it.
/// </summary>
sealed class MainMenu(Sitting sitting)
{
    readonly AccountMenu _account = new(sitting);
    readonly SessionMenu _session = new(sitting);
    readonly LobbyMenu _lobby = new(sitting);
    readonly ManageMenu _manage = new(sitting);
    readonly EntryMenu _entry = new(sitting);
    readonly SecretMenu _secret = new(sitting);
    readonly FileMenu _file = new(sitting);
    readonly TrustMenu _trust = new(sitting);
    readonly IdentityMenu _identity = new(sitting);

    Screen Screen => sitting.Screen;

    MenuTexts Texts => sitting.Texts;

    Item Quit => new(Texts.Quit, null);

    public async Task RunAsync()
    {
        Item? last = null;
        while (true)
        {
            Screen.Line();
            var login = SignedIn();
            // Where one was last is where one most often goes on.
            var chosen = await Screen.ChooseAsync(
                Status(login) + "\n" + Texts.Choose, login is null ? Outside() : Inside(),
                item => (item.Text.Name, item.Text.Hint), Texts, last);
            // One Esc too many must not throw anybody out; two in a row, or Ctrl-C twice, mean it.
            if (chosen is null && last != Quit)
            {
                last = Quit;
                continue;
            }
            if (chosen?.Work is not { } work)
                break;
            last = chosen;
            Screen.Header(chosen.Text.Name);
            await DoAsync(work);
        }
        Screen.Line(Texts.Goodbye(sitting.Host.Address));
    }

    async Task DoAsync(Func<Task> work)
    {
        sitting.About = new About();
        try
        {
            await work();
        }
        catch (ClientException problem)
        {
            Screen.Problem(problem);
        }
        catch (ConclaveException exception)
        {
            sitting.Problem(exception);
            // The server no longer knows the session, so that keeping it would only repeat the complaint.
            if (exception is RefusedException { Code: ErrorCode.BadToken })
                sitting.Host.Forget();
        }
    }

    string? SignedIn()
    {
        try
        {
            return sitting.Host.Session?.Login;
        }
        catch (ClientException problem)
        {
            Screen.Problem(problem);
            return null;
        }
    }

    string Status(string? login) => login is null
        ? Texts.SignedOutAt(sitting.Host.Address)
        : Texts.SignedInAs(SafeText.OneLine(login), sitting.Host.Address);

    IReadOnlyList<Item> Outside() =>
    [
        new(Texts.SignIn, _account.SignInAsync),
        new(Texts.Register, _account.RegisterAsync),
        new(Texts.User, _account.LookUpAsync),
        new(Texts.Lobby, _lobby.LookUpAsync),
        new(Texts.Server, MoveAsync),
        new(Texts.OtherLanguage, SpeakAsync),
        Quit,
    ];

    IReadOnlyList<Item> Inside() =>
    [
        new(Texts.MyLobbies, _lobby.ListAsync),
        new(Texts.CreateLobby, _lobby.CreateAsync),
        new(Texts.Send, _entry.SendAsync),
        new(Texts.Watch, _entry.WatchAsync),
        new(Texts.History, _entry.ReadAsync),
        new(sitting.SealTexts.Secrets, _secret.RunAsync),
        new(sitting.SealTexts.Files, _file.RunAsync),
        new(Texts.Invite, _lobby.InviteAsync),
        new(sitting.SealTexts.Verify, _trust.RunAsync),
        new(Texts.Members, _lobby.MembersAsync),
        new(Texts.Manage, _manage.RunAsync),
        new(Texts.User, _account.LookUpAsync),
        new(Texts.Lobby, _lobby.LookUpAsync),
        new(Texts.Sessions, _session.RunAsync),
        new(Texts.Password, _session.ChangePasswordAsync),
        new(sitting.SealTexts.Identity, _identity.RunAsync),
        new(Texts.SignOut, _account.SignOutAsync),
        new(Texts.Server, MoveAsync),
        new(Texts.OtherLanguage, SpeakAsync),
        Quit,
    ];

    async Task MoveAsync()
    {
        Screen.Hint(Texts.GoBack);
        if (await Screen.AskAsync(Texts.AskServer, sitting.Input.Server) is { } server)
            sitting.MoveTo(server);
    }

    async Task SpeakAsync()
    {
        var chosen = await Screen.ChooseAsync(
            Texts.OtherLanguage.Name, Language.All, language => (language.Endonym, ""), Texts);
        if (chosen is not null)
            sitting.Speak(chosen);
    }

    /// <param name="Text">What is shown.</param>
    /// <param name="Work">What is done; null quits.</param>
    sealed record Item(MenuText Text, Func<Task>? Work);
}
