using System.Diagnostics;

namespace Conclave.Tests.Client.Menu;

/// <summary>A real terminal with the menu in it: keys go in, the screen comes out.</summary>
sealed class Tmux : IAsyncDisposable
{
    const string Marker = "> ";

    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);

    readonly string _socket = "conclave-" + Guid.NewGuid().ToString("N");

    Tmux()
    {
    }

    /// <summary>Starts the program in a shell.</summary>
    /// <param name="environment">Its environment variables.</param>
    /// <param name="arguments">What stands behind its name.</param>
    /// <param name="before">What stands before it.</param>
    public static async Task<Tmux> StartAsync(
        IReadOnlyDictionary<string, string> environment, string arguments = "", string before = "")
    {
        var tmux = new Tmux();
        List<string> command = ["-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "50"];
        foreach (var (name, value) in environment)
            command.AddRange(["-e", name + "=" + value]);
        // The exit code stays readable after the program has ended.
        command.Add($"{before}{Transcript.Program} {arguments}; echo \"ended with $?\"; cat");
        await tmux.RunAsync([.. command]);
        return tmux;
    }

    public async ValueTask DisposeAsync() => await RunAsync("kill-server");

    /// <summary>Presses keys: names as tmux has them (<c>Enter</c>, <c>C-c</c>), or text as it is.</summary>
    public Task PressAsync(params string[] keys) => RunAsync(["send-keys", .. keys]);

    /// <summary>Types a text and presses Enter.</summary>
    public async Task TypeAsync(string text)
    {
        await RunAsync("send-keys", "-l", text);
        await PressAsync("Enter");
    }

    /// <summary>Waits until the screen shows <paramref name="text"/>.</summary>
    /// <returns>The screen.</returns>
    public Task<string> SeeAsync(string text) =>
        UntilAsync(screen => screen.Contains(text, StringComparison.Ordinal), "no “" + text + "”");

    /// <summary>Waits until the last line shows <paramref name="text"/>: what is asked now, and not before.</summary>
    public Task<string> SeeLastAsync(string text) => UntilAsync(
        screen => screen.TrimEnd().Split('\n')[^1].Contains(text, StringComparison.Ordinal),
        "no “" + text + "” at the end");

    /// <summary>Waits for a list, moves to the item that begins with <paramref name="name"/> and opens it.</summary>
    public async Task ChooseAsync(string name)
    {
        var screen = await UntilAsync(shown => Marked(shown) is not null, "no list");
        for (var moves = 0; !Marked(screen)!.StartsWith(name, StringComparison.Ordinal); moves++)
        {
            Assert.True(moves < 30, $"No item “{name}” in:\n{screen}");
            var before = Marked(screen);
            await PressAsync("Down");
            screen = await UntilAsync(shown => Marked(shown) is { } now && now != before, "the mark does not move");
        }
        await PressAsync("Enter");
        // Done with the list, so that the next thing seen is not this one.
        await UntilAsync(
            shown => Marked(shown)?.StartsWith(name, StringComparison.Ordinal) is not true, "the list stays");
    }

    async Task<string> UntilAsync(Predicate<string> seen, string otherwise)
    {
        using var deadline = new CancellationTokenSource(Patience);
        using var timer = new PeriodicTimer(Look);
        var screen = "";
        try
        {
            do
            {
                screen = await RunAsync("capture-pane", "-p", "-J");
                if (seen(screen))
                    return screen;
            }
            while (await timer.WaitForNextTickAsync(deadline.Token));
        }
        catch (OperationCanceledException)
        {
            // Told below, with the screen.
        }
        Assert.Fail($"{otherwise} on the screen:\n{screen}");
        return screen;
    }

    static string? Marked(string screen) =>
        screen.Split('\n').LastOrDefault(line => line.StartsWith(Marker, StringComparison.Ordinal))?[Marker.Length..];

    async Task<string> RunAsync(params IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo("tmux", ["-L", _socket, .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
        };
        // A terminal with colours, whatever the tests are run in.
        start.Environment["TERM"] = "screen-256color";
        start.Environment["LC_ALL"] = "C.UTF-8";
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return output;
    }
}
