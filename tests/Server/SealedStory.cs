using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Conclave.Client;
using Conclave.Client.Texts;
using Conclave.Roster;
using Conclave.Sdk;
using Conclave.Sdk.Storage;
using Conclave.Sealing;
using Conclave.Tests.Support;
using Transcript = Conclave.Tests.Client.Transcript;
using Verdict = Conclave.Roster.Verdict;

namespace Conclave.Tests.Server;

/// <summary>
/// All that people do in a sealed lobby, by the real client, and all that only they may know of it. Whatever they
/// write begins with a mark that stands nowhere else, in letters that each encoding writes in a way of its own.
/// </summary>
sealed class SealedStory(Uri server) : IDisposable
{
    public const string LobbyName = "the.lobby.that.everybody.sees";
    public const string Alice = "alice.in.the.story";

    const string Bob = "bob.in.the.story";
    const int BusyExitCode = 8;

    readonly Lock _gate = new();
    readonly Transcript _people = new(server);
    readonly Dictionary<string, string> _marks = new(StringComparer.Ordinal);
    readonly StringBuilder _shown = new();

    /// <summary>What was written and typed, keys, and what they are made of: only their owners have them.</summary>
    public List<(string Name, byte[] Bytes)> Secrets { get; } = [];

    /// <summary>What secrets and files are called: the server must not know it.</summary>
    public List<(string Name, byte[] Bytes)> Names { get; } = [];

    /// <summary>What the server is shown and keeps only hashes of.</summary>
    public List<(string Name, byte[] Bytes)> Proofs { get; } = [];

    /// <summary>The command lines of all clients, which everybody on their machine can see.</summary>
    public string CommandLines => _shown.ToString();

    /// <summary>What the clients keep, and what they have fetched for their users.</summary>
    public IEnumerable<string> Kept => Directory.GetFiles(_people.Home, "*", SearchOption.AllDirectories)
        .Where(path => Path.GetDirectoryName(path) != _people.Home || Path.GetFileName(path) == "fetched");

    static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _people.Dispose();

    public async Task TellAsync()
    {
        await Task.WhenAll(EnterAsync(Alice), EnterAsync(Bob));
        await DoAsync(Alice, "lobby", "create", LobbyName);
        await DoAsync(Alice, "invite", LobbyName, Bob);
        var contact = JsonNode.Parse(await DoAsync(Alice, "verify", Bob, "--json"))!;
        var number = contact["safety_number"]!.GetValue<string>();
        await Task.WhenAll(
            DoAsync(Alice, "verify", Bob, "--number", number), DoAsync(Bob, "verify", Alice, "--number", number));
        using var watch = _people.Start(Bob, Transcript.Program, ["watch", LobbyName, "--from", "1"]);
        Show(watch);
        await PutAsync();
        await Task.WhenAll(FetchAsync(), LookBackAsync());
        // Before he is removed: then his client lets go of them.
        Learn(Bob, keysMin: 1);
        await DoAsync(Alice, "remove", LobbyName, Bob);
        // The watch of one who was removed ends by itself.
        var seen = await watch.StandardOutput.ReadToEndAsync(Cancellation);
        foreach (var what in (string[])["a text", "an answer", "a secret's name", "a file's name"])
            Assert.Contains(_marks[what], seen, StringComparison.Ordinal);
        await TypeAsync(Alice, Fresh("a newer secret"), "secret", "set", LobbyName, _marks["a secret's name"]);
        await ChangePasswordAsync();
        Learn(Alice, keysMin: 3);
        await DoAsync(Bob, "logout");
    }

    async Task EnterAsync(string login)
    {
        var password = Fresh("the password of " + login);
        await TypeAsync(login, password, "register", login, "--password-file", "-");
        await TypeAsync(login, password, "login", login, "--password-file", "-");
        await DeriveAsync(login, password);
    }

    async Task PutAsync()
    {
        await TypeAsync(Alice, Fresh("a text") + " is what alice says", "send", LobbyName);
        await TypeAsync(Bob, Fresh("an answer") + " is what bob says", "send", LobbyName);
        await TypeAsync(Alice, Fresh("a secret"), "secret", "set", LobbyName, FreshName("a secret's name"));
        await TypeAsync(
            Alice, $$"""{"{{FreshName("a part's name")}}":"{{Fresh("a part")}}"}""",
            "secret", "set", LobbyName, FreshName("the name of a secret with parts"), "--fields");
        // Of two chunks; each has something to be known by.
        var file = RandomNumberGenerator.GetBytes(700_000);
        Encoding.UTF8.GetBytes(Fresh("the file's beginning") + "\n").CopyTo(file, 0);
        Encoding.UTF8.GetBytes(Fresh("the file's end") + "\n").CopyTo(file, 699_001);
        await File.WriteAllBytesAsync(PathOf(FreshName("a file's name")), file, Cancellation);
        await DoAsync(Alice, "file", "put", LobbyName, PathOf(_marks["a file's name"]));
    }

    async Task FetchAsync()
    {
        var secret = await DoAsync(Bob, "secret", "get", LobbyName, _marks["a secret's name"]);
        Assert.Equal(_marks["a secret"] + "\n", secret);
        await DoAsync(Bob, "file", "get", LobbyName, _marks["a file's name"], "--to", PathOf("fetched"));
        Assert.Equal(
            await File.ReadAllBytesAsync(PathOf(_marks["a file's name"]), Cancellation),
            await File.ReadAllBytesAsync(PathOf("fetched"), Cancellation));
    }

    async Task LookBackAsync()
    {
        var history = await DoAsync(Alice, "history", LobbyName, "--json");
        Assert.Contains(_marks["an answer"], history, StringComparison.Ordinal);
        await DoAsync(Alice, "contacts");
        await DoAsync(Alice, "lobby", "code", LobbyName);
        await DoAsync(Alice, "lobby", "rotate", LobbyName);
    }

    async Task ChangePasswordAsync()
    {
        var next = Fresh("a newer password");
        await File.WriteAllTextAsync(PathOf("next"), next, Cancellation);
        await TypeAsync(
            Alice, _marks["the password of " + Alice],
            "password", "--password-file", "-", "--new-password-file", PathOf("next"));
        await DeriveAsync(Alice, next);
        using var kept = KeptBy(Alice);
        var code = await DoAsync(Alice, "account", "recovery-code", "--yes");
        Assert.Equal(Base64Text.Encode(new AccountStore(kept).Seed()!) + "\n", code);
    }

    // What a client makes of a password: one half the server is shown, the other half opens the vault.
    async Task DeriveAsync(string login, string password)
    {
        await using var stranger = await WireClient.ConnectAsync(server);
        var reply = await stranger.DoAsync($$"""{"action":"kdf","login":"{{login}}"}""");
        var kdf = reply["kdf"]!;
        Assert.True(Base64Text.TryDecode(kdf["salt"]!.GetValue<string>(), out var salt));
        Assert.Equal(
            Verdict.Accepted,
            KdfParameters.Accept(1, salt, kdf["ops"]!.GetValue<int>(), kdf["mem"]!.GetValue<int>(), out var accepted));
        using var keys = PasswordKeys.Derive(login, password, accepted!);
        lock (_gate)
        {
            Secrets.Add(("the key to the vault of " + login, keys.VaultKey.Bytes.ToArray()));
            Assert.True(Base64Text.TryDecode(keys.Auth(), out var auth));
            Proofs.Add(("the proof of the password of " + login, auth));
        }
    }

    // What a client keeps for its user alone.
    void Learn(string login, int keysMin)
    {
        using var kept = KeptBy(login);
        var seed = new AccountStore(kept).Seed()!;
        var (sign, seal) = (new byte[32], new byte[32]);
        new LabeledTuple("identity/sign"u8).Derive(seed, sign);
        new LabeledTuple("identity/seal"u8).Derive(seed, seal);
        Secrets.AddRange(
            ("the seed of " + login, seed), ("a signing key of " + login, sign), ("a sealing key of " + login, seal));
        var opened = kept.Query("SELECT key FROM keys", row => row.Blob(0)!);
        Assert.True(opened.Count >= keysMin, $"{login} has {opened.Count} keys");
        Secrets.AddRange(opened.Select(key => ("a lobby key that has " + login, key)));
        var sessions = new SessionStore(_people.EnvironmentOf(login)["CONCLAVE_CONFIG"], English.Language);
        Proofs.Add(("the token of " + login, Encoding.UTF8.GetBytes(sessions.Find(server)!.Token)));
    }

    StateFile KeptBy(string login) => StateFile.Open(_people.StateOf(login), Link.AddressOf(server), login);

    string PathOf(string name) => Path.Combine(_people.Home, name);

    string Fresh(string what) => Fresh(what, Secrets);

    string FreshName(string what) => Fresh(what, Names);

    string Fresh(string what, List<(string Name, byte[] Bytes)> kind)
    {
        var mark = "секрет" + RandomNumberGenerator.GetHexString(16, lowercase: true);
        lock (_gate)
        {
            _marks.Add(what, mark);
            kind.Add((what, Encoding.UTF8.GetBytes(mark)));
        }
        return mark;
    }

    Task<string> DoAsync(string login, params string[] words) => TypeAsync(login, "", words);

    async Task<string> TypeAsync(string login, string input, params string[] words)
    {
        using var process = _people.Start(login, Transcript.Program, words);
        // What reads its input still waits for it.
        Show(process);
        var output = process.StandardOutput.ReadToEndAsync(Cancellation);
        var error = process.StandardError.ReadToEndAsync(Cancellation);
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync(Cancellation);
        // A server whose machine has much else to do says that nothing was done, and to try again.
        if (process.ExitCode == BusyExitCode && (await error).Contains("try again", StringComparison.Ordinal))
            return await TypeAsync(login, input, words);
        Assert.True(process.ExitCode == 0, $"{string.Join(' ', words)}: {process.ExitCode} {await error}");
        return await output;
    }

    void Show(Process process)
    {
        try
        {
            var line = File.ReadAllText($"/proc/{process.Id}/cmdline").Replace('\0', ' ');
            lock (_gate)
                _shown.AppendLine(line);
        }
        catch (IOException)
        {
            // It needed no input and has ended already; the watch and what waits for input have not.
        }
    }
}
