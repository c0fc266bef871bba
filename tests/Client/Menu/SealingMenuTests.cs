using Conclave.Tests.Support;

namespace Conclave.Tests.Client.Menu;

/// <summary>Keys, secrets and plain lobbies, as somebody meets them in the menu and in a terminal.</summary>
public sealed class SealingMenuTests(PostgresCluster postgres)
{
    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Keys_are_compared_and_secrets_kept_from_the_menu()
    {
        await using var server = await TestServer.StartAsync(postgres);
        using var transcript = new Transcript(server.Url);
        await using var alice = await transcript.EnterElsewhereAsync("alice");
        await using var bob = await transcript.EnterElsewhereAsync("bob");
        await alice.Lobbies.CreateSealedAsync("den", cancellationToken: Cancellation);
        await alice.Lobbies.InviteAsync("den", "bob", cancellationToken: Cancellation);
        await transcript.DoAsync("bob", 0, "login", "bob");
        await using var menu = await Tmux.StartAsync(transcript.EnvironmentOf("bob"));

        await menu.ChooseAsync("Verify somebody");
        await menu.SeeAsync("Login:");
        await menu.TypeAsync("alice");
        var number = (await alice.Trust.FindAsync("bob", Cancellation)).SafetyNumber[..35];
        await menu.SeeAsync(number);
        await menu.ChooseAsync("It is the same");
        await menu.SeeAsync("The key of alice is verified");

        await menu.ChooseAsync("Secrets of a lobby");
        await menu.ChooseAsync("den");
        await menu.SeeAsync("Name of the secret");
        await menu.TypeAsync("wifi");
        await menu.SeeAsync("Its value");
        await menu.TypeAsync("test123");
        var screen = await menu.SeeAsync("Stored in den as #3");
        Assert.DoesNotContain("test123", screen, StringComparison.Ordinal);
        Assert.Equal("test123", (await alice.Secrets.GetAsync("den", "wifi", Cancellation))!.Value);
        await menu.ChooseAsync("Secrets of a lobby");
        await menu.ChooseAsync("den");
        await menu.ChooseAsync("wifi");
        await menu.ChooseAsync("Show it");
        await menu.SeeAsync("test123");

        await menu.ChooseAsync("Read a lobby");
        await menu.ChooseAsync("den");
        await menu.SeeAsync("alice  created the lobby");
        await menu.SeeAsync("bob  set the secret wifi");
        await menu.ChooseAsync("Manage a lobby");
        await menu.ChooseAsync("den");
        await menu.ChooseAsync("Compare its code");
        await menu.SeeAsync((await alice.Trust.LobbyCodeAsync("den", Cancellation)).Code[..35]);
    }

    [Fact]
    public async Task New_identity_is_made_from_the_menu_and_its_old_one_hands_over()
    {
        await using var server = await TestServer.StartAsync(postgres);
        using var transcript = new Transcript(server.Url);
        await using var alice = await transcript.EnterElsewhereAsync("alice");
        await transcript.DoAsync("alice", 0, "login", "alice");
        await transcript.DoAsync("alice", 0, "lobby", "create", "den");
        await using var menu = await Tmux.StartAsync(transcript.EnvironmentOf("alice"));

        await menu.ChooseAsync("Your identity");
        await menu.ChooseAsync("Make a new identity");
        await menu.SeeAsync("Who knows your key sees an alarm");
        await menu.ChooseAsync("Yes, it is meant so");
        await menu.SeeAsync("Password:");
        await menu.TypeAsync("password of alice");
        await menu.SeeAsync("Alice has a new identity");
        await menu.SeeAsync("den goes on with your new identity");
    }

    [Fact]
    public async Task Plain_lobby_takes_a_second_yes_from_its_maker_and_from_whoever_posts_there()
    {
        await using var server = await TestServer.StartAsync(postgres);
        using var transcript = new Transcript(server.Url);
        await using var bob = await transcript.EnterElsewhereAsync("bob");
        await transcript.EnterAsync("alice");
        await using var menu = await Tmux.StartAsync(transcript.EnvironmentOf("alice"));

        await menu.ChooseAsync("Create a lobby");
        await menu.ChooseAsync("Plain");
        await menu.SeeAsync("whoever runs the server can read everything");
        await menu.ChooseAsync("Yes, it is meant so");
        await menu.SeeAsync("Name of the new lobby");
        await menu.TypeAsync("board");
        await menu.SeeAsync("The lobby board is ready");

        await bob.CreateLobbyAsync("market", null, Cancellation);
        await bob.Lobbies.InviteAsync("market", "alice", cancellationToken: Cancellation);
        await OfferAsync();
        await menu.SeeAsync("ALARM: this lobby is not sealed");
        await menu.ChooseAsync("Back");
        Assert.Equal(2, (await bob.HistoryAsync("market", cancellationToken: Cancellation)).LastSeq);
        await OfferAsync();
        await menu.ChooseAsync("Yes, it is meant so");
        await menu.SeeAsync("Stored in market as #3");

        async Task OfferAsync()
        {
            await menu.ChooseAsync("Add data to a lobby");
            await menu.ChooseAsync("market");
            await menu.SeeAsync("Text:");
            await menu.TypeAsync("for sale");
        }
    }

    [Fact]
    public async Task Safety_number_is_compared_in_a_terminal()
    {
        await using var server = await TestServer.StartAsync(postgres);
        using var transcript = new Transcript(server.Url);
        await using var bob = await transcript.EnterElsewhereAsync("bob");
        await transcript.EnterAsync("alice");
        var environment = MenuTests.EnvironmentOf(transcript, "ru_RU.UTF-8");
        await using (var terminal = await Tmux.StartAsync(environment, "verify bob"))
        {
            await terminal.SeeAsync((await bob.Trust.FindAsync("alice", Cancellation)).SafetyNumber[..35]);
            await terminal.SeeAsync("bob видит то же число? Введите да:");
            await terminal.TypeAsync("нет");
            await terminal.SeeAsync("ключ bob по-прежнему не сверен");
        }
        await using (var terminal = await Tmux.StartAsync(environment, "verify bob"))
        {
            await terminal.SeeAsync("Введите да:");
            await terminal.TypeAsync("да");
            await terminal.SeeAsync("ключ bob сверен");
        }
        await using (var terminal = await Tmux.StartAsync(environment, "account recovery-code"))
        {
            await terminal.SeeAsync("Введите да:");
            await terminal.PressAsync("C-c");
            await terminal.SeeAsync("ended with 130");
        }
    }
}
