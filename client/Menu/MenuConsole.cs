using Spectre.Console;
using Spectre.Console.Rendering;

namespace Conclave.Client.Menu;

/// <summary>
/// The terminal as the menu wants it: Ctrl-C goes back like Esc, instead of leaving a half-drawn list behind and the
/// person outside; and a menu that is left open all day costs next to nothing.
/// </summary>
sealed class MenuConsole(IAnsiConsole inner) : IAnsiConsole
{
    public Profile Profile => inner.Profile;

    public IAnsiConsoleCursor Cursor => inner.Cursor;

    public IAnsiConsoleInput Input { get; } = new Keys(inner.Input);

    public IExclusivityMode ExclusivityMode => inner.ExclusivityMode;

    public RenderPipeline Pipeline => inner.Pipeline;

    public void Clear(bool home) => inner.Clear(home);

    public void Write(IRenderable renderable) => inner.Write(renderable);

    public void WriteAnsi(Action<AnsiWriter> action) => inner.WriteAnsi(action);

    sealed class Keys(IAnsiConsoleInput inner) : IAnsiConsoleInput
    {
        // Too short to be felt, long enough to cost nothing: the library's own wait keeps a processor busy for 6 %.
        static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(25);

        static readonly ConsoleKeyInfo Escape = new('\u001b', ConsoleKey.Escape, false, false, false);

        public bool IsKeyAvailable() => inner.IsKeyAvailable();

        public ConsoleKeyInfo? ReadKey(bool intercept) => Translated(inner.ReadKey(intercept));

        public async Task<ConsoleKeyInfo?> ReadKeyAsync(bool intercept, CancellationToken cancellationToken)
        {
            while (!inner.IsKeyAvailable())
                await Task.Delay(Pause, TimeProvider.System, cancellationToken);
            return Translated(inner.ReadKey(intercept));
        }

        static ConsoleKeyInfo? Translated(ConsoleKeyInfo? key) =>
            key is { Key: ConsoleKey.C, Modifiers: ConsoleModifiers.Control } ? Escape : key;
    }
}
