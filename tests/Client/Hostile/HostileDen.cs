using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using Conclave.Client;
using Conclave.Client.Texts;
using Conclave.Sdk;
using Conclave.Sealing;
using Conclave.Tests.Sdk.Sealing;

namespace Conclave.Tests.Client.Hostile;

/// <summary>How a command ended, and what it said.</summary>
sealed record Said(int ExitCode, string Output, string Error);

/// <summary>
/// A lobby at a server that is about to lie. Alice made it and says what is true; bob is told the lie, by the real
/// program. In the beginning both have seen #1 (alice made it), #2 (she invited bob) and #3 (<see cref="Truth"/>).
/// </summary>
sealed class HostileDen : IAsyncDisposable
{
    public const string Truth = "the wifi password is test123";

    /// <summary>What no output may hold, since nobody whom bob trusts has said it at this place.</summary>
    public const string Forged = "the wifi password is now hunter2";

    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // What changes anything at a server. Questions, and asking for a key, tell nobody anything.
    static readonly string[] _changes =
    [
        "message", "create_lobby", "invite_lobby", "remove_member", "set_rights", "rename_lobby", "rotate_key",
        "succeed_member", "rewrap_key", "delete_message", "delete_lobby", "register", "change_password",
        "reset_identity",
    ];

    readonly Transcript _people;
    readonly List<ConclaveClient> _clients = [];

    HostileDen(PaperServer server) => (Server, _people) = (server, new Transcript(server.Address));

    public PaperServer Server { get; }

    public ConclaveClient Alice { get; private set; } = null!;

    public PaperLobby Lobby => Server.LobbyNamed("den");

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <param name="hasRead">Whether bob has read the lobby once, before anybody lies to him.</param>
    /// <param name="history">Whose eyes its history is for.</param>
    public static async Task<HostileDen> StartAsync(bool hasRead = true, LobbyHistory history = LobbyHistory.All)
    {
        var den = new HostileDen(await PaperServer.StartAsync());
        den.Alice = den.Honest("alice");
        den.Enter("bob");
        await den.Alice.Lobbies.CreateSealedAsync("den", history, Cancel);
        await den.Alice.Lobbies.InviteAsync("den", "bob", cancellationToken: Cancel);
        await den.SayAsync(Truth);
        if (hasRead)
            await den.ReadAsBobAsync();
        return den;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
            await client.DisposeAsync();
        await Server.DisposeAsync();
        _people.Dispose();
    }

    /// <summary>Somebody who speaks through the library, and whom nobody lies to unless a test has it so.</summary>
    public ConclaveClient Honest(string login)
    {
        Server.Enrol(login, _people.StateOf(login));
        var client = Server.Client(login, _people.StateOf(login));
        _clients.Add(client);
        return client;
    }

    /// <summary>Somebody with an account, and signed in with the program.</summary>
    public void Enter(string login)
    {
        Server.Enrol(login, _people.StateOf(login));
        SignIn(login);
    }

    /// <summary>Has the program speak for somebody who is enrolled.</summary>
    public void SignIn(string login)
    {
        var sessions = new SessionStore(_people.EnvironmentOf(login)["CONCLAVE_CONFIG"], English.Language);
        sessions.Keep(new Session
        {
            Server = Server.Address.AbsoluteUri,
            Login = login,
            Token = "token of " + login,
        });
    }

    /// <summary>The identity that somebody was enrolled with: what an accomplice of the server signs with.</summary>
    public Identity IdentityOf(string login) => Identity.FromSeed(login, Server.SeedOf(login));

    public async Task SayAsync(string text) => await Alice.PostAsync("den", text, cancellationToken: Cancel);

    /// <summary>Bob reads the lobby, by the library and folder that the program uses: that is quicker.</summary>
    public async Task ReadAsBobAsync()
    {
        await using var bob = Server.Client("bob", _people.StateOf("bob"));
        Assert.Equal(Truth, (await bob.HistoryAsync("den", cancellationToken: Cancel)).Entries[2].Content?.Text);
    }

    /// <summary>What bob is told, if that is not what everybody is told.</summary>
    public PaperLobby Told => Server.Apart["bob"];

    /// <summary>From now on bob is told another log than everybody else.</summary>
    public PaperLobby TellBob(Func<IEnumerable<PaperRow>, IEnumerable<PaperRow>> tell) =>
        Server.Apart["bob"] = Lobby.Retold(tell);

    /// <summary>Another device of somebody, which knows nothing yet.</summary>
    public ConclaveClient OtherDevice(string login)
    {
        var folder = _people.StateOf(login) + " elsewhere";
        Server.Enrol(login, folder, IdentityOf(login));
        return Server.Client(login, folder);
    }

    /// <summary>Somebody sits at a new device, with the same identity and nothing else.</summary>
    public void Forget(string login)
    {
        Directory.Delete(StateOf(login), recursive: true);
        Server.Enrol(login, StateOf(login), IdentityOf(login));
    }

    public Dictionary<string, string> EnvironmentOf(string login) => _people.EnvironmentOf(login);

    /// <summary>The folder that the program keeps somebody's keys in.</summary>
    public string StateOf(string login) => _people.StateOf(login);

    /// <summary>Ends when the server hears of an action after this.</summary>
    public Task HearsAsync(string action)
    {
        var heard = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Server.Lie = (request, _) =>
        {
            if ((string?)request["action"] == action)
                heard.TrySetResult();
            return null;
        };
        return heard.Task.WaitAsync(Patience, Cancel);
    }

    /// <summary>Changes what is answered to bob's questions of one kind.</summary>
    public void LieAbout(string action, Action<JsonObject> lie) => Server.Lie = (request, reply) =>
    {
        if ((string?)request["action"] == action && (string?)request["token"] is null or "token of bob")
            lie(reply);
        return null;
    };

    /// <summary>Bob has compared keys with somebody.</summary>
    public Task VerifyAsync(string login) => _people.VerifyAsync("bob", login);

    /// <summary>Runs the program for bob.</summary>
    public Task<Said> RunAsync(params string[] words) => RunAsAsync("bob", words);

    public async Task<Said> RunAsAsync(string login, params string[] words)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        timeout.CancelAfter(Patience);
        using var process = _people.Start(login, Transcript.Program, words);
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync(timeout.Token);
        var output = await process.StandardOutput.ReadToEndAsync(timeout.Token);
        await process.WaitForExitAsync(timeout.Token);
        return new Said(process.ExitCode, output, await error);
    }

    /// <summary>Does what must go well.</summary>
    public async Task<Said> DoAsync(params string[] words)
    {
        var said = await RunAsync(words);
        Assert.True(said.ExitCode == ExitCode.Ok, $"conclave {string.Join(' ', words)}: {said}");
        return said;
    }

    /// <summary>
    /// The command ends as an alarm that says what happened, what it may mean and what to do, shows nothing false, and
    /// changes nothing at the server.
    /// </summary>
    public Task<Said> RefusesAsync(string code, params string[] words) => RefusesAsAsync("bob", code, words);

    public async Task<Said> RefusesAsAsync(string login, string code, params string[] words)
    {
        var before = ChangesBy(login);
        var said = await RunAsAsync(login, words);
        var alarm = English.Language.Alarms.Of(code);
        Assert.True(
            said.ExitCode == ExitCode.Alarm
            && said.Error.Contains($"conclave: ALARM: {alarm.What}", StringComparison.Ordinal),
            $"conclave {string.Join(' ', words)}, and not {code}: {said}");
        Assert.Contains($"\nconclave: {alarm.Meaning}\n", said.Error, StringComparison.Ordinal);
        Assert.Contains($"\nconclave: hint: {alarm.Hint}\n", said.Error, StringComparison.Ordinal);
        ShowsNothingForged(said);
        Assert.Equal(before, ChangesBy(login));
        return said;
    }

    /// <summary>
    /// After the lie nothing is posted by the next run either: the alarm stands.
    /// </summary>
    public async Task StandsAsync(string code)
    {
        await RefusesAsync(code, "send", "den", "nothing of this is sent");
    }

    /// <summary>The same where alarm and refusal is all that there is to it: reading, and then writing.</summary>
    public async Task<Said> IsCaughtAsync(string code)
    {
        var said = await RefusesAsync(code, "history", "den");
        await StandsAsync(code);
        return said;
    }

    /// <summary>Also the truth is not enough then: a person must decide.</summary>
    public async Task StandsAlsoWhenTheServerTellsTheTruthAsync(string code)
    {
        Server.Apart.Clear();
        Server.Lie = null;
        await RefusesAsync(code, "send", "den", "nothing of this is sent");
    }

    /// <summary>Watches from the first entry until a line of output holds a text, and is then asked to end.</summary>
    /// <param name="until">The text.</param>
    /// <param name="meanwhile">What is done before it ends.</param>
    public async Task<Said> WatchAsync(string until, Func<Task>? meanwhile = null)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        timeout.CancelAfter(Patience);
        using var process = _people.Start("bob", Transcript.Program, ["watch", "den", "--from", "1"]);
        var error = process.StandardError.ReadToEndAsync(timeout.Token);
        var output = new StringBuilder();
        while (await process.StandardOutput.ReadLineAsync(timeout.Token) is { } line)
        {
            output.Append(line).Append('\n');
            if (!line.Contains(until, StringComparison.Ordinal))
                continue;
            await (meanwhile?.Invoke() ?? Task.CompletedTask);
            // Not SIGINT, which is ignored by what was started in the background of a shell.
            using var kill = Process.Start("sh", ["-c", string.Create(null, $"kill -TERM {process.Id}")]);
            await kill.WaitForExitAsync(timeout.Token);
            break;
        }
        output.Append(await process.StandardOutput.ReadToEndAsync(timeout.Token));
        await process.WaitForExitAsync(timeout.Token);
        return new Said(process.ExitCode, output.ToString(), await error);
    }

    /// <summary>What somebody has changed at the server, or tried to.</summary>
    public int ChangesBy(string login) => Server.Requests.Count(request =>
        _changes.Contains((string?)request["action"])
        && ((string?)request["token"] is not { } token || token == "token of " + login));

    public static void ShowsNothingForged(Said said)
    {
        Assert.DoesNotContain("hunter2", said.Output + said.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("mallory", said.Output + said.Error, StringComparison.Ordinal);
    }
}
