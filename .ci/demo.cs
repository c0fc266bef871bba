#:property RestorePackagesWithLockFile=false
#:property RestoreLockedMode=false
#:property NoWarn=$(NoWarn);CA1416;MA0047
// The whole story, told by the real programs: a throw-away server, three people with the command line client, a sealed
// lobby, a restart in the middle. Everything printed really happened; the first thing that is not as it should be ends
// the story with the difference and exit code 1. Run by `make demo`. CA1416: it runs where the server does; MA0047: it
// is one file.
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;

const string Secret = "Новый пароль для учетки админа 'test123'";
const string Password = "correct horse battery staple";
const string Value = """{"host": "db1",  "port": 5432, "rate": 1.0}""";

var home = Directory.CreateTempSubdirectory("conclave-demo-").FullName;
var server = new Server(home);
var cast = new Cast(home, server.Address);
try
{
    await TellAsync();
    Console.WriteLine("\nEverything was as it should be.");
    return 0;
}
catch (StoryBrokenException broken)
{
    Console.WriteLine($"\nNOT AS IT SHOULD BE: {broken.Message}\nThe end of the server's log:");
    foreach (var line in server.LogTail())
        Console.WriteLine("  " + line);
    return 1;
}
finally
{
    cast.Leave();
    await server.StopAsync();
    Directory.Delete(home, recursive: true);
}

async Task TellAsync()
{
    Chapter("A server starts, with a PostgreSQL of its own, in a folder that is thrown away afterwards");
    await server.StartAsync();
    Console.WriteLine($"It listens on {server.Address.AbsoluteUri.TrimEnd('/')}");
    Chapter("Three people register and sign in; the server never sees their passwords");
    foreach (var person in new[] { "alice", "bob", "carol" })
    {
        await cast.DoAsync(person, $"register {person}", shows: "public token");
        await cast.DoAsync(person, $"login {person}", shows: "signed in until");
    }
    Chapter("Alice creates a lobby, which is sealed, and invites bob; the server sees who is in it, and not what");
    await cast.DoAsync("alice", "lobby create first_lobby", shows: "sealed: the server cannot read it");
    await cast.DoAsync("alice", "invite first_lobby bob --rights read,write", shows: "bob is now in first_lobby");
    Chapter("They compare safety numbers over the telephone: now they know that nobody stands between them");
    var hers = Field("safety_number", await cast.DoAsync("alice", "verify bob --json"));
    Same("the safety numbers", hers, Field("safety_number", await cast.DoAsync("bob", "verify alice --json")));
    await cast.DoAsync("alice", $"verify bob --number {hers?.Replace(" ", "")}", shows: "verified");
    await cast.DoAsync("bob", $"verify alice --number {hers?.Replace(" ", "")}", shows: "verified");
    Chapter("Bob watches from the beginning: first what is stored, then what comes");
    var watch = cast.Watch("bob", "watch first_lobby --from 1");
    await watch.HearsAsync("watching first_lobby");
    await watch.SeesAsync("#1", "alice  created the lobby");
    await watch.SeesAsync("#2", "alice  invited bob");
    Chapter("Alice sends a text through a pipe; bob sees it at once and answers");
    await cast.DoAsync("alice", "send first_lobby", input: Secret, shows: "as #3");
    await watch.SeesAsync("#3", Secret);
    await cast.DoAsync("bob", "send first_lobby", input: "got it", shows: "as #4");
    await watch.SeesAsync("#4", "got it");
    Chapter("A named secret: a script gets it in one command; the log tells that it was set, and not what it is");
    await cast.DoAsync("alice", "secret set first_lobby db_password", input: Password, shows: "as #5");
    await watch.SeesAsync("#5", "set the secret db_password");
    Same("the secret", Password, string.Join('\n', await cast.DoAsync("bob", "secret get first_lobby db_password")));
    Chapter("Carol was not invited");
    await cast.DoAsync("carol", "history first_lobby", exitCode: 4, says: "you are not in this lobby");
    Chapter("The server stops and starts again; bob's watch waits for it and goes on without a gap");
    await server.StopAsync();
    await watch.HearsAsync("the connection was lost");
    Nowhere(home, Path.Combine(home, "data"), Secret, Password, "db_password");
    await cast.DoAsync("alice", "history first_lobby", exitCode: 8, says: "cannot be reached");
    await server.StartAsync();
    await cast.DoAsync("alice", "send first_lobby --json-value", input: Value, shows: "as #6");
    await watch.SeesAsync("#6", Value);
    Chapter("Carol is invited, and removed again: what is written from then on is sealed with a new key");
    await cast.DoAsync("alice", "invite first_lobby carol", shows: "carol is now in first_lobby");
    await cast.DoAsync("carol", "secret get first_lobby db_password", shows: Password);
    await cast.DoAsync("alice", "remove first_lobby carol", shows: "carol is no longer in first_lobby");
    await cast.DoAsync("alice", "secret set first_lobby db_password", input: "another one", shows: "as #10");
    await cast.DoAsync("carol", "secret get first_lobby db_password", exitCode: 4, says: "you are not in this lobby");
    await watch.SeesAsync("#7", "invited carol");
    await watch.SeesAsync("#8", "removed carol");
    await watch.SeesAsync("#9", "made a new key");
    await watch.SeesAsync("#10", "set the secret db_password");
    Chapter("The codes that alice and bob see are the same: the server has shown them one history");
    var code = Field("code", await cast.DoAsync("alice", "lobby code first_lobby --json"));
    Same("the codes", code, Field("code", await cast.DoAsync("bob", "lobby code first_lobby --json")));
    Chapter("Everything is still there, in order and byte for byte; bob stops watching");
    Same("what bob saw", "#1 #2 #3 #4 #5 #6 #7 #8 #9 #10", string.Join(' ', await watch.EndAsync()));
    RequireWhole(await cast.DoAsync("bob", "history first_lobby --json"));
}

static void RequireWhole(IReadOnlyList<string> lines)
{
    var entries = lines.Select(line => JsonDocument.Parse(line).RootElement).ToList();
    Same("the verdicts", "verified", string.Join(' ', lines.Select(line => Field("verdict", [line])).Distinct()));
    Same("the text", Secret, entries[2].GetProperty("row_data").GetString());
    Same("the bytes of the JSON value", Value, entries[5].GetProperty("row_data").GetRawText());
}

static string? Field(string name, IReadOnlyList<string> lines) =>
    JsonDocument.Parse(lines[0]).RootElement.GetProperty(name).GetString();

// What an operator, or somebody who has stolen the disk, could look through.
static void Nowhere(string home, string data, params string[] texts)
{
    var files = Directory.GetFiles(data, "*", SearchOption.AllDirectories);
    foreach (var (file, text) in files.SelectMany(file => texts.Select(text => (file, text))))
    {
        if (File.ReadAllBytes(file).AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0)
            throw new StoryBrokenException($"“{text}” stands in {Path.GetRelativePath(home, file)}");
    }
    Console.WriteLine($"(In the {files.Length} files that the server keeps, none of what they wrote is found.)");
}

static void Same(string what, string? expected, string? actual)
{
    if (expected != actual)
        throw new StoryBrokenException($"{what}\n  expected: {expected}\n  actual:   {actual}");
}

static void Chapter(string text) => Console.WriteLine($"\n--- {text}.");

/// <summary>Something was not as the story says.</summary>
sealed class StoryBrokenException(string message) : Exception(message);

/// <summary>The server program on a folder and a port of its own.</summary>
sealed class Server
{
    static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(90);

    readonly string _data;
    readonly ConcurrentQueue<string> _log = new();
    Process? _process;
    Task _logging = Task.CompletedTask;

    public Server(string home)
    {
        _data = Path.Combine(home, "data");
        // The server runs PostgreSQL as another user when it is root, who must be able to pass.
        File.SetUnixFileMode(home, File.GetUnixFileMode(home) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        Address = new Uri($"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}");
    }

    public Uri Address { get; }

    public async Task StartAsync()
    {
        var start = new ProcessStartInfo(Path.GetFullPath("artifacts/bin/Server/release/conclave-server"))
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["CONCLAVE_URLS"] = Address.AbsoluteUri.TrimEnd('/');
        start.Environment["CONCLAVE_DATA"] = _data;
        start.Environment.Remove("CONCLAVE_DATABASE");
        _process = Process.Start(start)!;
        _logging = Task.WhenAll(LogAsync(_process.StandardOutput), LogAsync(_process.StandardError));
        using var http = new HttpClient();
        using var deadline = new CancellationTokenSource(StartTimeout);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        try
        {
            while (!await IsReadyAsync(http, deadline.Token))
            {
                if (_process.HasExited)
                    throw new StoryBrokenException($"the server ended with {_process.ExitCode} instead of serving");
                await timer.WaitForNextTickAsync(deadline.Token);
            }
        }
        catch (OperationCanceledException)
        {
            throw new StoryBrokenException($"the server did not serve within {StartTimeout.TotalSeconds} s");
        }
    }

    public async Task StopAsync()
    {
        if (_process is null)
            return;
        Signal.Send("TERM", _process);
        await Signal.EndAsync(_process, "the server did not stop when it was told to");
        await _logging;
        _process.Dispose();
        _process = null;
    }

    public IEnumerable<string> LogTail() => _log.TakeLast(15);

    async Task<bool> IsReadyAsync(HttpClient http, CancellationToken cancellation)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri(Address, "/readyz"), cancellation);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    async Task LogAsync(StreamReader lines)
    {
        while (await lines.ReadLineAsync() is { } line)
            _log.Enqueue(line);
    }
}

/// <summary>The people, each with a configuration folder and a password of their own.</summary>
sealed class Cast(string home, Uri server)
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    readonly List<Watch> _watches = [];

    /// <summary>Runs a command of the client to its end and prints it as it would look on the screen.</summary>
    /// <returns>The lines of standard output.</returns>
    public async Task<IReadOnlyList<string>> DoAsync(
        string person, string command, string? input = null, int exitCode = 0, string shows = "", string says = "")
    {
        var quote = input?.Contains('"', StringComparison.Ordinal) is true ? '\'' : '"';
        Console.WriteLine($"{person}$ {(input is null ? "" : $"echo {quote}{input}{quote} | ")}conclave {command}");
        using var process = Start(person, command);
        if (input is not null)
            await process.StandardInput.WriteLineAsync(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await Signal.EndAsync(process, "the command did not end");
        Console.Write(await output + await error);
        Require(process.ExitCode == exitCode, $"exit code {exitCode}", $"exit code {process.ExitCode}");
        Require((await output).Contains(shows, StringComparison.Ordinal), shows, await output);
        Require((await error).Contains(says, StringComparison.Ordinal), says, await error);
        return (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>Starts a command that goes on while the story does.</summary>
    public Watch Watch(string person, string command)
    {
        Console.WriteLine($"{person}$ conclave {command} &");
        var watch = new Watch(person, Start(person, command), Patience);
        _watches.Add(watch);
        return watch;
    }

    public void Leave()
    {
        foreach (var watch in _watches)
            watch.Dispose();
    }

    Process Start(string person, string command)
    {
        var start = new ProcessStartInfo(Path.GetFullPath("artifacts/bin/Client/release/conclave"))
        {
            UseShellExecute = false,
            WorkingDirectory = home,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        command.Split(' ').ToList().ForEach(start.ArgumentList.Add);
        start.Environment["CONCLAVE_SERVER"] = server.AbsoluteUri;
        start.Environment["CONCLAVE_CONFIG"] = Path.Combine(home, person);
        start.Environment["CONCLAVE_STATE"] = Path.Combine(home, person + ".state");
        start.Environment["LC_ALL"] = "C.UTF-8";
        start.Environment["CONCLAVE_PASSWORD"] = "the password of " + person;
        return Process.Start(start)!;
    }

    static void Require(bool holds, string expected, string actual)
    {
        if (!holds)
            throw new StoryBrokenException($"the command above\n  expected: {expected}\n  actual:   {actual}");
    }
}

/// <summary>Somebody who watches a lobby while others act.</summary>
sealed class Watch : IDisposable
{
    readonly string _person;
    readonly Process _process;
    readonly TimeSpan _patience;
    readonly ChannelReader<string> _entries;
    readonly ChannelReader<string> _notes;
    readonly List<string> _numbers = [];

    public Watch(string person, Process process, TimeSpan patience)
    {
        (_person, _process, _patience) = (person, process, patience);
        _entries = Lines(process.StandardOutput);
        _notes = Lines(process.StandardError);
    }

    /// <summary>Waits for the next entry, which must be this one.</summary>
    public async Task SeesAsync(string number, string text)
    {
        var line = await NextAsync(_entries, text);
        _numbers.Add(line.Split(' ')[0]);
        if (!line.StartsWith(number + " ", StringComparison.Ordinal) || !line.Contains(text, StringComparison.Ordinal))
            throw new StoryBrokenException($"what {_person} sees\n  expected: {number} {text}\n  actual:   {line}");
    }

    /// <summary>Waits until the program says something.</summary>
    public async Task HearsAsync(string text)
    {
        string note;
        do
            note = await NextAsync(_notes, text);
        while (!note.Contains(text, StringComparison.Ordinal));
    }

    /// <summary>Presses Ctrl-C, which must end the program well.</summary>
    /// <returns>The numbers of all entries seen.</returns>
    public async Task<IReadOnlyList<string>> EndAsync()
    {
        Console.WriteLine($"{_person} presses Ctrl-C");
        Signal.Send("INT", _process);
        await Signal.EndAsync(_process, "the watch did not end with Ctrl-C");
        await foreach (var line in _entries.ReadAllAsync())
            _numbers.Add(line.Split(' ')[0]);
        return _process.ExitCode == 0
            ? _numbers
            : throw new StoryBrokenException($"the watch\n  expected: exit code 0\n  actual:   {_process.ExitCode}");
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }

    async Task<string> NextAsync(ChannelReader<string> lines, string awaited)
    {
        using var deadline = new CancellationTokenSource(_patience);
        try
        {
            var line = await lines.ReadAsync(deadline.Token);
            Console.WriteLine($"    {_person}'s screen: {line}");
            return line;
        }
        catch (Exception exception) when (exception is OperationCanceledException or ChannelClosedException)
        {
            throw new StoryBrokenException($"what {_person} sees\n  expected: {awaited}\n  actual:   nothing");
        }
    }

    static ChannelReader<string> Lines(StreamReader reader)
    {
        // Far more than the story has; a full channel would only make the client wait.
        var lines = Channel.CreateBounded<string>(1000);
        _ = Task.Run(async () =>
        {
            while (await reader.ReadLineAsync() is { } line)
                await lines.Writer.WriteAsync(line);
            lines.Writer.Complete();
        });
        return lines.Reader;
    }
}

/// <summary>Signals as a shell sends them; .NET itself can only kill.</summary>
static class Signal
{
    public static async Task EndAsync(Process process, string otherwise)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        try
        {
            await process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new StoryBrokenException(otherwise);
        }
    }

    public static void Send(string name, Process process)
    {
        using var kill = Process.Start("kill", ["-" + name, process.Id.ToString(null as IFormatProvider)]);
        kill.WaitForExit();
    }
}
