using System.Globalization;
using System.Text;
using Spectre.Console;

namespace Conclave.Client.Menu;

/// <summary>
/// Asks for one line in the menu. Unlike the prompts of the library it can be left with Esc, it keeps to one row of the
/// screen however long the text is, and it knows a paste of several lines from somebody who presses Enter.
/// </summary>
sealed class LineEditor(IAnsiConsole console, CancellationToken cancellation)
{
    const char LineBreak = '\n';

    /// <summary>A line, shown as it is typed.</summary>
    /// <returns>Null if the person wants to go back.</returns>
    public Task<string?> AskAsync(string question) => ReadAsync(question, text => text, keepsPastedLines: false);

    /// <summary>A line that is not shown, only that something is typed.</summary>
    /// <inheritdoc cref="AskAsync"/>
    public Task<string?> AskSecretAsync(string question) =>
        ReadAsync(question, text => new string('*', text.EnumerateRunes().Count()), keepsPastedLines: false);

    /// <summary>A text, which has several lines if it is pasted.</summary>
    /// <inheritdoc cref="AskAsync"/>
    public Task<string?> AskTextAsync(string question) => ReadAsync(question, text => text, keepsPastedLines: true);

    async Task<string?> ReadAsync(string question, Func<string, string> shown, bool keepsPastedLines)
    {
        var typed = new StringBuilder();
        Draw(question, "");
        while (true)
        {
            var key = await console.Input.ReadKeyAsync(intercept: true, cancellation)
                ?? throw new OperationCanceledException(cancellation);
            // More keys already waiting behind Enter: nobody types that fast, this is a paste.
            var pasted = console.Input.IsKeyAvailable();
            switch (key.Key)
            {
                case ConsoleKey.Enter when pasted && keepsPastedLines:
                    typed.Append(LineBreak);
                    break;
                case ConsoleKey.Enter:
                    // The rest of a paste would otherwise choose items in the menu.
                    await DropAsync();
                    Draw(question, shown(typed.ToString()));
                    console.WriteLine();
                    return typed.ToString();
                // Tabs are part of a text, such as a file that is pasted.
                case ConsoleKey.Tab when keepsPastedLines:
                    typed.Append('\t');
                    break;
                case ConsoleKey.Escape:
                    console.WriteLine();
                    return null;
                case ConsoleKey.Backspace when typed.Length > 0:
                    typed.Length -= LastElementLength(typed.ToString());
                    break;
                case ConsoleKey.U when key.Modifiers == ConsoleModifiers.Control:
                    typed.Clear();
                    break;
                default:
                    if (!char.IsControl(key.KeyChar))
                        typed.Append(key.KeyChar);
                    break;
            }
            if (!pasted)
                Draw(question, shown(typed.ToString()));
        }
    }

    async Task DropAsync()
    {
        while (console.Input.IsKeyAvailable())
            await console.Input.ReadKeyAsync(intercept: true, cancellation);
    }

    // One row: when the text is longer than the space, its end is what one wants to see.
    void Draw(string question, string text)
    {
        var space = Math.Max(8, console.Profile.Width - question.GetCellWidth() - 4);
        var line = SafeText.OneLine(text.Replace(LineBreak, '⏎').Replace('\t', '⇥'));
        var elements = StringInfo.GetTextElementEnumerator(line);
        var cells = new Queue<(string Element, int Width)>();
        var width = 0;
        while (elements.MoveNext())
        {
            var element = elements.GetTextElement();
            cells.Enqueue((element, element.GetCellWidth()));
            width += element.GetCellWidth();
        }
        var cut = false;
        for (; width > space; cut = true)
            width -= cells.Dequeue().Width;
        var visible = (cut ? "…" : "") + string.Concat(cells.Select(cell => cell.Element));
        console.Write(new ControlCode("\r\u001b[K"));
        console.Markup($"[bold]{Markup.Escape(question)}:[/] {Markup.Escape(visible)}");
    }

    static int LastElementLength(string text)
    {
        var starts = StringInfo.ParseCombiningCharacters(text);
        return text.Length - starts[^1];
    }
}
