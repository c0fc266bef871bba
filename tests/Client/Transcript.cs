using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Conclave.Sdk;

namespace Conclave.Tests.Client;

/// <summary>
/// A conversation with the real program as text. <c>alice$ conclave whoami</c> runs it for alice, who has a folder and
/// a password of her own; <c>&lt; text</c> after it is a line of standard input, a plain line is standard output (a dot
/// an empty one), <c>! line</c> is standard error, <c>= 3</c> is an exit code other than 0, and <c># line</c> is a
/// remark. An empty line ends what belongs to a command. What differs from run to run stands as <c>&lt;id&gt;</c>,
/// <c>&lt;time&gt;</c>, <c>&lt;server&gt;</c>, <c>&lt;home&gt;</c>, <c>&lt;number&gt;</c> for twelve groups of digits,
/// <c>&lt;fingerprint&gt;</c>. In a command <c>&lt;id&gt;</c> and <c>&lt;fingerprint&gt;</c> are the last ones shown.
/// </summary>
sealed partial class Transcript(Uri server) : IDisposable
{
    // The right-to-left override, which in a file of ours would turn the line around.
    const string Override = "\u202e";
    const string Mark = "<U+202E>";

    static readonly TimeSpan CommandTimeout = TimeSpan.FromSeconds(60);

    readonly string _home = Directory.CreateTempSubdirectory("conclave-transcript-").FullName;

    string _lastId = "";
    string _lastFingerprint = "";

    // Where it is built, as people have it. The copy beside the tests lacks what it was compiled to ahead.
    public static string Program { get; } = Path.GetFullPath(
        Path.Combine("..", "..", "Client", new DirectoryInfo(AppContext.BaseDirectory).Name, "conclave"),
        AppContext.BaseDirectory);

    /// <summary>Where the programs run.</summary>
    public string Home => _home;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_home, recursive: true);

    /// <summary>Does what <paramref name="script"/> says.</summary>
    /// <returns>The script with what really came out: equal to it, if all went as it says.</returns>
    public async Task<string> PlayAsync(string script)
    {
        var played = new StringBuilder();
        var lines = script.TrimEnd('\n').Split('\n');
        for (var index = 0; index < lines.Length; index++)
        {
            var command = CommandLine().Match(lines[index]);
            if (!command.Success)
            {
                // A remark or an empty line; output was skipped with its command.
                played.Append(lines[index]).Append('\n');
                continue;
            }
            played.Append(lines[index]).Append('\n');
            List<string> input = [];
            for (; index + 1 < lines.Length && lines[index + 1].StartsWith("< ", StringComparison.Ordinal); index++)
            {
                input.Add(lines[index + 1][2..]);
                played.Append(lines[index + 1]).Append('\n');
            }
            played.Append(await RunAsync(command.Groups["user"].Value, command.Groups["words"].Value, input));
            while (index + 1 < lines.Length && lines[index + 1].Length > 0 && !IsNext(lines[index + 1]))
                index++;
        }
        return played.ToString();
    }

    /// <summary>The environment of <paramref name="user"/>: nothing of whoever runs the tests comes through.</summary>
    public Dictionary<string, string> EnvironmentOf(string user) => new(StringComparer.Ordinal)
    {
        ["HOME"] = _home,
        ["CONCLAVE_CONFIG"] = Path.Combine(_home, user),
        ["CONCLAVE_STATE"] = StateOf(user),
        ["CONCLAVE_PASSWORD"] = "password of " + user,
        ["CONCLAVE_SERVER"] = server.AbsoluteUri,
        ["LC_ALL"] = "C.UTF-8",
        ["TZ"] = "UTC",
    };

    /// <summary>Where the program keeps the keys of <paramref name="user"/>.</summary>
    public string StateOf(string user) => Path.Combine(_home, "state of " + user);

    /// <summary>Starts <paramref name="program"/> for <paramref name="user"/>, with its pipes in our hands.</summary>
    public Process Start(string user, string program, IEnumerable<string> words)
    {
        var start = new ProcessStartInfo(program, words)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _home,
        };
        foreach (var (name, value) in EnvironmentOf(user))
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    /// <summary>Runs a command that must end so.</summary>
    /// <returns>What it said, on either of its outputs.</returns>
    public async Task<string> DoAsync(string user, int exitCode, params string[] words)
    {
        using var process = Start(user, Program, words);
        using var timeout = new CancellationTokenSource(CommandTimeout);
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync(timeout.Token);
        var output = await process.StandardOutput.ReadToEndAsync(timeout.Token);
        await process.WaitForExitAsync(timeout.Token);
        var said = await error + output;
        Assert.True(process.ExitCode == exitCode, $"conclave {string.Join(' ', words)}: {process.ExitCode}\n{said}");
        return said;
    }

    /// <summary>Registers somebody and signs them in.</summary>
    public async Task EnterAsync(string user)
    {
        await DoAsync(user, 0, "register", user);
        await DoAsync(user, 0, "login", user);
    }

    /// <summary>
    /// The same through the library, as on another computer of theirs: it knows nothing of what the program keeps.
    /// </summary>
    public async Task<ConclaveClient> EnterElsewhereAsync(string user)
    {
        var client = new ConclaveClient(
            ConclaveOptions.Default with { Server = server, StateFolder = StateOf(user + " elsewhere") });
        await client.RegisterAsync(user, "password of " + user, Cancel);
        await client.SignInAsync(user, "password of " + user, Cancel);
        return client;
    }

    /// <summary>Somebody marks the key of another user, who has read theirs out.</summary>
    public async Task VerifyAsync(string user, string login)
    {
        var said = await DoAsync(user, 0, "verify", login, "--json");
        var contact = JsonNode.Parse(said[said.IndexOf('{', StringComparison.Ordinal)..])!;
        await DoAsync(user, 0, "verify", login, "--fingerprint", contact["fingerprint"]!.GetValue<string>());
    }

    /// <summary>Somebody finds a text in a lobby.</summary>
    public async Task SeeAsync(string user, string lobby, string text) =>
        Assert.Contains(text, await DoAsync(user, 0, "history", lobby), StringComparison.Ordinal);

    /// <summary>A file that a command can name.</summary>
    public string FileWith(string name, string text)
    {
        File.WriteAllText(Path.Combine(_home, name), text);
        return name;
    }

    async Task<string> RunAsync(string user, string words, IReadOnlyList<string> input)
    {
        words = words.Replace(Mark, Override, StringComparison.Ordinal)
            .Replace("<id>", _lastId, StringComparison.Ordinal)
            .Replace("<fingerprint>", _lastFingerprint, StringComparison.Ordinal);
        var split = Word().Matches(words)
            .Select(word => word.Groups["quoted"].Success ? word.Groups["quoted"].Value : word.Value);
        using var process = Start(user, Program, split);
        using var timeout = new CancellationTokenSource(CommandTimeout);
        var output = process.StandardOutput.ReadToEndAsync(timeout.Token);
        var error = process.StandardError.ReadToEndAsync(timeout.Token);
        foreach (var line in input)
            await process.StandardInput.WriteAsync(line.Replace(Mark, Override, StringComparison.Ordinal) + "\n");
        process.StandardInput.Close();
        await process.WaitForExitAsync(timeout.Token);
        var result = new StringBuilder();
        foreach (var line in Lines(await output))
            result.Append(line.Length > 0 ? line : ".").Append('\n');
        foreach (var line in Lines(await error))
            result.Append("! ").Append(line).Append('\n');
        if (process.ExitCode != 0)
            result.Append(null, $"= {process.ExitCode}\n");
        return result.ToString();
    }

    string[] Lines(string text)
    {
        var lines = Same(text).Split('\n');
        // What does not end its last line is worth seeing.
        return lines[^1].Length == 0 ? lines[..^1] : [.. lines[..^1], lines[^1] + "<no line break>"];
    }

    string Same(string text)
    {
        text = text.Replace(server.AbsoluteUri.TrimEnd('/'), "<server>", StringComparison.Ordinal)
            .Replace(_home, "<home>", StringComparison.Ordinal)
            .Replace(Override, Mark, StringComparison.Ordinal);
        _lastId = Id().Matches(text).LastOrDefault()?.Value ?? _lastId;
        text = Id().Replace(text, "<id>");
        _lastFingerprint = Fingerprint().Matches(text).LastOrDefault()?.Value ?? _lastFingerprint;
        return Time().Replace(Number().Replace(Fingerprint().Replace(text, "<fingerprint>"), "<number>"), "<time>");
    }

    static bool IsNext(string line) => line.StartsWith("# ", StringComparison.Ordinal) || CommandLine().IsMatch(line);

    [GeneratedRegex(@"^(?<user>[a-z]+)\$ conclave ?(?<words>.*)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex CommandLine();

    [GeneratedRegex(@"'(?<quoted>[^']*)'|\S+", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Word();

    [GeneratedRegex("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Id();

    [GeneratedRegex(@"\b\d{5}(\s+\d{5}){11}\b", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Number();

    [GeneratedRegex(@"(?<![\w-])[\w-]{43}(?![\w-])", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Fingerprint();

    [GeneratedRegex(@"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{3}Z)?", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Time();
}
