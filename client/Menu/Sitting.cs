using Conclave.Client.Texts;
using Conclave.Protocol;
using Conclave.Sdk;

namespace Conclave.Client.Menu;

/// <summary>One sitting at the menu: the screen, and the language and the server, which both can change.</summary>
sealed class Sitting
{
    readonly string _sessionFolder;

    public Sitting(Screen screen, Language language, string sessionFolder, Uri server)
    {
        _sessionFolder = sessionFolder;
        Screen = screen;
        Language = language;
        Host = HostOf(server);
    }

    public Screen Screen { get; }

    public Language Language { get; private set; }

    public Host Host { get; private set; }

    /// <summary>What the action under way is about, for saying what went wrong.</summary>
    public About About { get; set; } = new();

    public MenuTexts Texts => Language.Menu;

    public SealMenuTexts SealTexts => Language.SealMenu;

    public Input Input => new(Language);

    public CancellationToken Cancellation => Screen.Cancellation;

    public void Speak(Language language)
    {
        Language = language;
        language.Use();
        Host = HostOf(Host.Server);
    }

    public void MoveTo(Uri server) => Host = HostOf(server);

    /// <summary>Says in words what the SDK reports.</summary>
    public void Problem(ConclaveException exception) =>
        Screen.Problem(Wording.InWords(exception, Language, About));

    /// <summary>Asks whether something is meant so; the first answer, which Enter gives, is no.</summary>
    public async Task<bool> ConfirmAsync(string question) =>
        await ChooseAsync(question, Texts.Back, SealTexts.MeantSo) == SealTexts.MeantSo;

    /// <summary>Lets the person choose what to do.</summary>
    /// <returns>Null if the person went back.</returns>
    public Task<MenuText?> ChooseAsync(string question, params IReadOnlyList<MenuText> items) =>
        Screen.ChooseAsync(question, items, item => (item.Name, item.Hint), Texts);

    /// <summary>Lets the person choose what there is or, in the place of null, something else.</summary>
    /// <param name="question">The question; it is not asked where there is only something else.</param>
    /// <param name="items">What there is, and null.</param>
    /// <param name="show">How an item looks.</param>
    /// <param name="other">How something else looks.</param>
    /// <returns>Null if the person went back.</returns>
    public async Task<Screen.Choice<T>?> ChooseOrElseAsync<T>(
        string question, IReadOnlyList<T?> items, Func<T, (string Name, string Hint)> show, MenuText other)
        where T : class
    {
        Screen.Choice<T>[] choices = [.. items.Select(item => new Screen.Choice<T>(item))];
        return choices.Length == 1
            ? choices[0]
            : await Screen.ChooseAsync(
                question, choices, choice => choice.Item is { } item ? show(item) : (other.Name, other.Hint), Texts);
    }

    /// <summary>
    /// Asks whether an account is plain, as the server says: only a person can know, or it is after the password.
    /// </summary>
    public Task<bool> ConfirmPlainAccountAsync(string login)
    {
        Ask(AlarmWording.OfPlainAccount(login, Language));
        return ConfirmAsync(SealTexts.PasswordWillBeSeen);
    }

    // What a command would have to be called for, the question after it asks.
    void Ask(ClientException told) =>
        Screen.Problem(new ClientException(told.ExitCode, told.Message, hint: null, told.Meaning));

    /// <summary>
    /// Does something that posts; where a lobby turns out to be plain and nobody has said that it is meant so, asks.
    /// </summary>
    /// <returns>Whether it was done.</returns>
    public async Task<bool> PostAsync(ConclaveClient client, OwnLobby lobby, Func<Task> post)
    {
        try
        {
            await post();
        }
        catch (AlarmException alarm) when (alarm is { Code: AlarmCode.NotDeclaredPlain, LobbyId: { } id })
        {
            Ask(Wording.InWords(alarm, Language, About));
            if (!await ConfirmAsync(SealTexts.IsItMeant(SafeText.OneLine(lobby.LobbyName))))
                return false;
            await client.Lobbies.DeclarePlainAsync(id, Cancellation);
            await post();
        }
        return true;
    }

    /// <summary>Lets the person choose one of their lobbies.</summary>
    /// <returns>Null if there is none, or the person went back.</returns>
    public async Task<OwnLobby?> ChooseLobbyAsync(ConclaveClient client)
    {
        var lobbies = await client.MyLobbiesAsync(Cancellation);
        if (lobbies.Count == 0)
        {
            Screen.Hint(Texts.NoLobbyYet);
            return null;
        }
        var chosen = await Screen.ChooseAsync(
            Texts.ChooseLobby, lobbies,
            lobby => (
                SafeText.OneLine(lobby.LobbyName),
                $"{KindOf(lobby).Name}; {Report.RightsText(lobby.Rights)}"),
            Texts);
        if (chosen is null)
            return null;
        About = About with { Lobby = chosen.LobbyName };
        try
        {
            // The list says what the server likes: whoever chose by a name must not come to speak in another room.
            await client.Lobbies.IdAsync(new LobbyRef(chosen.LobbyId, chosen.LobbyName), Cancellation);
        }
        catch (AlarmException alarm) when (alarm.Code != AlarmCode.NameMoved)
        {
            // Told where the lobby is used; and it must be possible to choose it in order to decide.
        }
        return chosen;
    }

    MenuText KindOf(OwnLobby lobby) =>
        Report.IsSealed(lobby.LobbyId) ? SealTexts.SealedLobby : SealTexts.PlainLobby;

    /// <summary>
    /// The lobby that was chosen by its name: where something is posted by it, it must be the one that bears the name.
    /// </summary>
    public static LobbyRef Meant(OwnLobby lobby) =>
        lobby.LobbyName.Length > 0 ? new(lobby.LobbyId, lobby.LobbyName) : new(lobby.LobbyId);

    /// <summary>Lets the person choose one of a lobby's members.</summary>
    /// <returns>Null if the person went back.</returns>
    public async Task<Member?> ChooseMemberAsync(IReadOnlyList<Member> members)
    {
        var chosen = await Screen.ChooseAsync(
            Texts.ChooseMember, members,
            member => (SafeText.OneLine(member.Login), Report.RightsText(member.Rights)), Texts);
        if (chosen is not null)
            About = About with { Login = chosen.Login };
        return chosen;
    }

    /// <summary>Asks for the name of a lobby and does something by it, until the name is not refused.</summary>
    /// <param name="question">The question.</param>
    /// <param name="refusal">The <see cref="ErrorCode"/> after which another name may do.</param>
    /// <param name="work">What is done by the name.</param>
    public async Task AskLobbyNameAsync(string question, string refusal, Func<string, Task> work)
    {
        while (await Screen.AskAsync(question, Input.NewLobbyName) is { } name)
        {
            About = new About(Lobby: name);
            try
            {
                await work(name);
                return;
            }
            catch (RefusedException refused) when (refused.Code == refusal)
            {
                Problem(refused);
            }
        }
    }

    /// <summary>Asks for the login of somebody who is registered, until there is one.</summary>
    /// <returns>Null if the person went back.</returns>
    public async Task<UserReply?> AskUserAsync(ConclaveClient client, string question)
    {
        while (await Screen.AskAsync(question, Input.Login) is { } login)
        {
            About = About with { Login = login };
            try
            {
                return await client.FindUserAsync(login, Cancellation);
            }
            catch (RefusedException refused) when (refused.Code == ErrorCode.NoSuchUser)
            {
                Problem(refused);
            }
        }
        return null;
    }

    /// <summary>Lets the person tick what somebody may do.</summary>
    /// <param name="offered">What can be given.</param>
    /// <param name="ticked">What is ticked to begin with.</param>
    /// <returns>Null if the person went back.</returns>
    public async Task<Rights?> AskRightsAsync(Rights offered, Rights ticked)
    {
        (Rights Item, string Text)[] all =
        [
            (Rights.Write, "write: " + Texts.RightWrite),
            (Rights.Invite, "invite: " + Texts.RightInvite),
            (Rights.Admin, "admin: " + Texts.RightAdmin),
        ];
        // Nobody can give what they do not have, so only that is offered.
        var grantable = all.Where(right => offered.HasFlag(right.Item)).ToArray();
        if (grantable.Length == 0)
            return Rights.Read;
        var chosen = await Screen.TickAsync(
            Texts.ChooseRights, Texts.ChooseRightsKeys, grantable, right => ticked.HasFlag(right));
        return chosen?.Aggregate(Rights.Read, (some, right) => some | right);
    }

    /// <summary>Asks for a password to be, unseen and twice.</summary>
    /// <returns>Null if the person went back.</returns>
    public async Task<string?> AskNewPasswordAsync()
    {
        while (true)
        {
            var password = await Screen.AskAsync(
                () => Screen.AskSecretAsync(Texts.AskNewPassword), Input.NewPassword);
            if (password is null || await Screen.AskSecretAsync(Texts.AskPasswordAgain) is not { } again)
                return null;
            if (string.Equals(password, again, StringComparison.Ordinal))
                return password;
            Screen.Problem(new ClientException(ExitCode.Usage, Language.Say.PasswordsDiffer));
        }
    }

    Host HostOf(Uri server) => new(
        server, new SessionStore(_sessionFolder, Language), Language, text => Screen.Hint(Screen.Sentence(text)));
}
