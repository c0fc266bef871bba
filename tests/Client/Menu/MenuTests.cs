using System.Text.Json;
using Conclave.Sdk;
using Conclave.Tests.Support;
using Conclave.Tests.Tidy;

namespace Conclave.Tests.Client.Menu;

/// <summary>The menu in a real terminal, as somebody finds it who has read nothing.</summary>
public sealed class MenuTests(PostgresCluster postgres)
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("en", "README.md", "  Quit ")]
    [InlineData("ru", "README.ru.md", "  Закрыть программу ")]
    public async Task Menu_is_the_one_that_the_first_page_shows(string language, string page, string last)
    {
        await using var server = await TestServer.StartAsync(postgres);
        using var transcript = new Transcript(server.Url);
        await transcript.EnterAsync("alice");
        var lines = await File.ReadAllLinesAsync(Path.Combine(SourceFile.Root(), page), Cancellation);
        var end = Array.FindIndex(lines, line => line.StartsWith(last, StringComparison.Ordinal));
        var begin = Array.FindLastIndex(lines, end, line => line.StartsWith("> ", StringComparison.Ordinal));

        await using var menu = await Tmux.StartAsync(EnvironmentOf(transcript, "C.UTF-8"), "--lang " + language);

        var screen = (await menu.SeeAsync(last)).Split('\n').Select(line => line.TrimEnd());
        Assert.Equal(lines[begin..(end + 1)], screen.SkipWhile(line => line != lines[begin]).Take(end - begin + 1));
    }

    [Fact]
    public async Task Newcomer_finds_the_way_from_registration_to_reading_live()
    {
        await using var server = await TestServer.StartAsync(postgres);
        using var transcript = new Transcript(server.Url);
        await using var bob = await transcript.EnterElsewhereAsync("bob");
        await using var menu = await Tmux.StartAsync(EnvironmentOf(transcript, "C.UTF-8"));

        await menu.SeeAsync("nobody is signed in at " + server.Url.AbsoluteUri.TrimEnd('/'));
        await menu.ChooseAsync("Register");
        await menu.SeeAsync("Choose a login");
        await menu.TypeAsync("bob");
        await menu.SeeAsync("This login is taken: bob");
        await menu.TypeAsync("alice");
        await menu.SeeAsync("Choose a password");
        await menu.TypeAsync("hunter22!");
        await menu.SeeAsync("The same password again");
        await menu.TypeAsync("hunter22!");
        var welcome = await menu.SeeAsync("Welcome, alice");
        Assert.DoesNotContain("hunter22", welcome, StringComparison.Ordinal);

        await menu.ChooseAsync("Create a lobby");
        await menu.ChooseAsync("Sealed");
        await menu.SeeAsync("Name of the new lobby");
        await menu.TypeAsync("first_lobby");
        await menu.SeeAsync("The sealed lobby first_lobby is ready");

        await menu.ChooseAsync("Invite somebody");
        await menu.ChooseAsync("first_lobby");
        await menu.SeeAsync("Login of the user to invite");
        await menu.TypeAsync("bob");
        await menu.SeeAsync("besides reading?");
        await menu.PressAsync("Enter");
        await menu.SeeAsync("bob is now in first_lobby and may: read, write");

        await menu.ChooseAsync("Add data to a lobby");
        await menu.ChooseAsync("first_lobby");
        await menu.SeeAsync("Text:");
        await menu.TypeAsync("Новый пароль для учетки админа 'test123'");
        await menu.SeeAsync("Stored in first_lobby as #3");

        await menu.ChooseAsync("Watch a lobby live");
        await menu.ChooseAsync("first_lobby");
        await menu.SeeAsync("alice  Новый пароль для учетки админа 'test123'");
        await bob.PostAsync("first_lobby", "said while she watches", null, Cancellation);
        await menu.SeeAsync("bob (unverified)  said while she watches");
        await menu.PressAsync("x");
        await menu.SeeAsync("No longer watching");

        await menu.ChooseAsync("Members of a lobby");
        await menu.ChooseAsync("first_lobby");
        await menu.SeeAsync("read, write, invite, admin");
        await menu.ChooseAsync("Sign out");
        await menu.SeeAsync("alice is signed out");
        await menu.ChooseAsync("Quit");
        await menu.SeeAsync("ended with 0");
    }

    [Fact]
    public async Task Mistakes_and_trouble_are_told_in_the_language_of_the_user_and_lead_back()
    {
        await using var server = await TestServer.StartAsync(postgres);
        using var transcript = new Transcript(server.Url);
        await using var bob = await transcript.EnterElsewhereAsync("bob");
        await using var menu = await Tmux.StartAsync(
            EnvironmentOf(transcript, "ru_RU.UTF-8"), "--server http://127.0.0.1:1");

        await menu.ChooseAsync("Вход");
        await menu.SeeAsync("Логин:");
        await menu.TypeAsync("bob");
        await menu.SeeAsync("Пароль:");
        await menu.TypeAsync("password of bob");
        await menu.SeeAsync("Сервер http://127.0.0.1:1 недоступен");

        await menu.ChooseAsync("Другой сервер");
        await menu.SeeAsync("Адрес сервера:");
        await menu.TypeAsync("localhost");
        await menu.SeeAsync("не похоже на адрес сервера");
        await menu.TypeAsync(server.Url.AbsoluteUri);
        await menu.SeeAsync($"на {server.Url.AbsoluteUri.TrimEnd('/')} никто не вошёл");

        await menu.ChooseAsync("О пользователе");
        await menu.SeeAsync("пустой ответ или Esc возвращает назад");
        await menu.TypeAsync("b o b");
        await menu.SeeAsync("«b o b» не может быть логином");
        await menu.TypeAsync("nobody");
        await menu.SeeAsync("Такого пользователя нет: nobody");
        await menu.TypeAsync("bob");
        await menu.SeeAsync("публичный токен");

        await menu.ChooseAsync("О лобби");
        await menu.SeeAsync("Имя или id лобби:");
        await menu.PressAsync("C-c");
        await menu.ChooseAsync("Язык");
        await menu.ChooseAsync("English");
        await menu.SeeAsync("What would you like to do?");
        await menu.PressAsync("Escape");
        await menu.SeeAsync("> Quit");
        await menu.PressAsync("Escape");
        await menu.SeeAsync("ended with 0");
    }

    [Fact]
    public async Task Admin_manages_a_lobby_and_others_may_leave_it()
    {
        await using var server = await TestServer.StartAsync(postgres);
        using var transcript = new Transcript(server.Url);
        await using var alice = await transcript.EnterElsewhereAsync("alice");
        await using var bob = await transcript.EnterElsewhereAsync("bob");
        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancellation);
        await alice.Lobbies.InviteAsync("den", "bob", cancellationToken: Cancellation);
        foreach (var login in (string[])["alice", "bob"])
            await transcript.DoAsync(login, 0, "login", login);
        await using var menu = await Tmux.StartAsync(transcript.EnvironmentOf("alice"));

        await ManageAsync("den", "Change rights");
        await menu.ChooseAsync("bob");
        await menu.SeeAsync("besides reading?");
        await menu.PressAsync("Space");
        await menu.PressAsync("Enter");
        await menu.SeeAsync("bob may now do this in den: read");
        await ManageAsync("den", "Rename it");
        await menu.TypeAsync("lair");
        await menu.SeeAsync("den is now called lair");
        await ManageAsync("lair", "Leave it");
        await menu.ChooseAsync("Yes, it is meant so");
        await menu.SeeAsync("A lobby must keep an admin");

        await alice.PostAsync("lair", "a mistake", null, Cancellation);
        await ManageAsync("lair", "Erase a message");
        await menu.SeeAsync("a mistake");
        await menu.PressAsync("Enter");
        await menu.SeeAsync("in lair is erased");
        await ManageAsync("lair", "Erase a message");
        await menu.SeeAsync("no message that you could erase");

        await using var his = await Tmux.StartAsync(transcript.EnvironmentOf("bob"));
        await his.ChooseAsync("Manage a lobby");
        await his.ChooseAsync("lair");
        Assert.DoesNotContain("Rename it", await his.SeeAsync("Leave it"), StringComparison.Ordinal);
        await his.ChooseAsync("Leave it");
        await his.ChooseAsync("Yes, it is meant so");
        await his.SeeAsync("You have left lair");
        await ManageAsync("lair", "Delete it");
        await menu.TypeAsync("liar");
        await menu.SeeAsync("Nothing was done");
        await ManageAsync("lair", "Delete it");
        await menu.TypeAsync("lair");
        await menu.SeeAsync("lair is deleted");

        async Task ManageAsync(string lobby, string item)
        {
            await menu.ChooseAsync("Manage a lobby");
            await menu.ChooseAsync(lobby);
            await menu.ChooseAsync(item);
        }
    }

    [Fact]
    public async Task Member_is_removed_only_after_a_question_that_names_them()
    {
        await using var server = await TestServer.StartAsync(postgres);
        using var transcript = new Transcript(server.Url);
        await using var bob = await transcript.EnterElsewhereAsync("bob");
        await transcript.EnterAsync("alice");
        await transcript.DoAsync("alice", 0, "lobby", "create", "lair");
        await transcript.DoAsync("alice", 0, "invite", "lair", "bob");
        await using var menu = await Tmux.StartAsync(transcript.EnvironmentOf("alice"));

        await ChooseBobAsync();
        await menu.SeeAsync("Remove bob from lair?");
        await menu.ChooseAsync("Back");
        Assert.Equal(2, (await bob.MembersAsync("lair", Cancellation)).Count);
        await ChooseBobAsync();
        await menu.ChooseAsync("Yes, it is meant so");
        await menu.SeeAsync("bob is no longer in lair");
        await ChooseRemovalAsync();
        await menu.SeeAsync("Nobody else is in this lobby");

        async Task ChooseBobAsync()
        {
            await ChooseRemovalAsync();
            await menu.ChooseAsync("bob");
        }

        async Task ChooseRemovalAsync()
        {
            await menu.ChooseAsync("Manage a lobby");
            await menu.ChooseAsync("lair");
            await menu.ChooseAsync("Remove a member");
        }
    }

    [Fact]
    public async Task Session_that_ended_elsewhere_is_told_and_forgotten()
    {
        await using var server = await TestServer.StartAsync(postgres);
        using var transcript = new Transcript(server.Url);
        await using var bob = await transcript.EnterElsewhereAsync("bob");
        await transcript.DoAsync("bob", 0, "login", "bob");
        var environment = transcript.EnvironmentOf("bob");
        var file = Assert.Single(Directory.GetFiles(environment["CONCLAVE_CONFIG"]));
        await using var menu = await Tmux.StartAsync(environment);

        await menu.ChooseAsync("My lobbies");
        await menu.SeeAsync("You are in no lobby yet");
        using (var session = JsonDocument.Parse(await File.ReadAllBytesAsync(file, Cancellation)))
            bob.UseToken(session.RootElement.GetProperty("token").GetString()!);
        await bob.SignOutAsync(Cancellation);
        await menu.ChooseAsync("My lobbies");
        await menu.SeeAsync("Your session has ended");
        await menu.SeeAsync("nobody is signed in");
        Assert.False(File.Exists(file));
        await menu.PressAsync("C-c");
        await menu.SeeAsync("> Quit");
        await menu.PressAsync("C-c");
        await menu.SeeAsync("ended with 0");
    }

    [Fact]
    public async Task Sessions_are_ended_and_the_password_changed_from_the_menu()
    {
        await using var server = await TestServer.StartAsync(postgres);
        using var transcript = new Transcript(server.Url);
        await using var bob = await transcript.EnterElsewhereAsync("bob");
        await transcript.DoAsync("bob", 0, "login", "bob");
        await using var menu = await Tmux.StartAsync(transcript.EnvironmentOf("bob"));

        await menu.ChooseAsync("My sessions");
        await menu.SeeAsync("this one");
        await menu.ChooseAsync("All others");
        await menu.SeeAsync("Sessions that have ended: 1");
        await Assert.ThrowsAsync<RefusedException>(() => bob.WhoamiAsync(Cancellation));

        await menu.ChooseAsync("Change the password");
        await menu.SeeAsync("Your password so far");
        await menu.TypeAsync("password of bob");
        await menu.SeeAsync("Choose a password");
        await menu.TypeAsync("quite another one");
        await menu.SeeAsync("The same password again");
        await menu.TypeAsync("quite another one");
        var screen = await menu.SeeAsync("The password of bob is changed");
        Assert.DoesNotContain("quite another one", screen, StringComparison.Ordinal);
        await bob.SignInAsync("bob", "quite another one", Cancellation);
    }

    [Fact]
    public async Task Pasted_lines_are_one_text_and_never_choose_in_the_menu()
    {
        await using var server = await TestServer.StartAsync(postgres);
        using var transcript = new Transcript(server.Url);
        await using var bob = await transcript.EnterElsewhereAsync("bob");
        await bob.Lobbies.CreateSealedAsync("first_lobby", cancellationToken: Cancellation);
        await transcript.DoAsync("bob", 0, "login", "bob");
        await using var menu = await Tmux.StartAsync(transcript.EnvironmentOf("bob"));

        await menu.ChooseAsync("Add data to a lobby");
        await menu.ChooseAsync("first_lobby");
        await menu.SeeAsync("Text:");
        await menu.PressAsync("one", "Enter", "Tab", "two", "Enter", "three");
        await menu.SeeAsync("one⏎⇥two⏎three");
        await menu.PressAsync("Enter");
        await menu.SeeAsync("Stored in first_lobby as #2");
        var page = await bob.HistoryAsync("first_lobby", cancellationToken: Cancellation);
        Assert.Equal("one\n\ttwo\nthree", page.Entries[^1].Content!.Text);
    }

    [Fact]
    public async Task Password_is_asked_for_unseen_and_only_in_a_terminal()
    {
        await using var server = await TestServer.StartAsync(postgres);
        using var transcript = new Transcript(server.Url);
        await using var bob = await transcript.EnterElsewhereAsync("bob");
        var environment = EnvironmentOf(transcript, "C.UTF-8");

        await using (var terminal = await Tmux.StartAsync(environment, "login bob"))
        {
            await terminal.SeeAsync("Password of bob:");
            await terminal.TypeAsync("password of bob");
            var screen = await terminal.SeeAsync("ended with 0");
            Assert.DoesNotContain("password of", screen, StringComparison.Ordinal);
        }
        await using (var terminal = await Tmux.StartAsync(environment, "login bob"))
        {
            await terminal.SeeAsync("Password of bob:");
            await terminal.PressAsync("C-c");
            await terminal.SeeAsync("ended with 130");
        }
        await using (var terminal = await Tmux.StartAsync(environment, "login bob < /dev/null"))
        {
            var screen = await terminal.SeeAsync("ended with 2");
            Assert.Contains("--password-file", screen, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Menu_that_cannot_be_drawn_says_so_and_one_that_can_is_drawn_anywhere()
    {
        using var transcript = new Transcript(new Uri("http://127.0.0.1:1"));
        var environment = transcript.EnvironmentOf("alice");
        await using (var dumb = await Tmux.StartAsync(environment, "", "TERM=dumb "))
        {
            await dumb.SeeAsync("conclave: the menu needs a terminal");
            await dumb.SeeAsync("ended with 2");
        }
        await using var built = await Tmux.StartAsync(environment, "", "CI=true NO_COLOR=1 ");
        await built.SeeAsync("What would you like to do?");
    }

    // Alice, without the password that other tests find in the environment.
    internal static Dictionary<string, string> EnvironmentOf(Transcript transcript, string locale)
    {
        var environment = transcript.EnvironmentOf("alice");
        environment["CONCLAVE_PASSWORD"] = "";
        environment["LC_ALL"] = locale;
        return environment;
    }
}
