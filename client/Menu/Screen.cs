using Conclave.Client.Texts;
using Spectre.Console;

namespace Conclave.Client.Menu;

/// <summary>What the menu shows and asks. Whatever is shown is plain text: nothing of it is taken for markup.</summary>
sealed class Screen(IAnsiConsole console, CancellationToken cancellation)
{
    const int RowsMax = 24;
    const int RowsMin = 5;
    // For the question of a list, and for what was said before it: that must not leave the screen unread.
    const int RowsBeside = 14;
    const int NameCellsMax = 40;

    readonly LineEditor _editor = new(console, cancellation);

    public CancellationToken Cancellation { get; } = cancellation;

    public void Line(string text = "") => console.WriteLine(text);

    public void Lines(IEnumerable<string> lines)
    {
        foreach (var line in lines)
            Line(line);
    }

    /// <summary>Where one is.</summary>
    public void Header(string text) => console.Write(new Rule($"[bold]{Markup.Escape(text)}[/]").LeftJustified());

    /// <summary>Something went well.</summary>
    public void Done(string text) => console.MarkupLine($"[green]{Markup.Escape(text)}[/]");

    /// <summary>Something to know, in the background.</summary>
    public void Hint(string text) => console.MarkupLine($"[grey]{Markup.Escape(text)}[/]");

    /// <summary>Something went wrong, and what to do about it.</summary>
    public void Problem(ClientException problem)
    {
        console.MarkupLine($"[red]{Markup.Escape(Sentence(problem.Message))}[/]");
        if (problem.Meaning is { } meaning)
            console.MarkupLine($"[red]{Markup.Escape(Sentence(meaning))}[/]");
        if (problem.Hint is { } hint)
            console.MarkupLine($"[yellow]{Markup.Escape(Sentence(hint))}[/]");
    }

    /// <summary>Asks for a line; null or an empty one means to go back.</summary>
    public async Task<string?> AskAsync(string question) => Answer(await _editor.AskAsync(question));

    /// <summary>The same without showing it.</summary>
    public async Task<string?> AskSecretAsync(string question) => NotEmpty(await _editor.AskSecretAsync(question));

    /// <summary>The same for a text, which may be pasted with several lines.</summary>
    public async Task<string?> AskTextAsync(string question) => NotEmpty(await _editor.AskTextAsync(question));

    /// <summary>Asks until <paramref name="accept"/> takes the answer.</summary>
    /// <param name="ask">The question.</param>
    /// <param name="accept">Throws <see cref="ClientException"/> with what is wrong.</param>
    /// <returns>Null if the person went back.</returns>
    public async Task<T?> AskAsync<T>(Func<Task<string?>> ask, Func<string, T> accept) where T : class
    {
        while (await ask() is { } answer)
        {
            try
            {
                return accept(answer);
            }
            catch (ClientException problem)
            {
                Problem(problem);
            }
        }
        return null;
    }

    /// <summary>The same for a line.</summary>
    public Task<T?> AskAsync<T>(string question, Func<string, T> accept) where T : class =>
        AskAsync(() => AskAsync(question), accept);

    /// <summary>Lets the person choose from a list.</summary>
    /// <param name="title">The question.</param>
    /// <param name="items">At least one.</param>
    /// <param name="show">How an item looks.</param>
    /// <param name="texts">The words around it.</param>
    /// <param name="first">Where to begin; null, or an item that is no longer there, for the top.</param>
    /// <returns>Null if the person went back.</returns>
    public async Task<T?> ChooseAsync<T>(
        string title, IReadOnlyList<T> items, Func<T, (string Name, string Hint)> show, MenuTexts texts,
        T? first = null) where T : class
    {
        var width = Math.Min(NameCellsMax, items.Max(item => show(item).Name.GetCellWidth()));
        var prompt = new SelectionPrompt<Choice<T>>
        {
            Title = $"{Markup.Escape(title)} [grey]{Markup.Escape(texts.Keys)}[/]",
            PageSize = Math.Clamp(console.Profile.Height - RowsBeside, RowsMin, RowsMax),
            WrapAround = true,
            MoreChoicesText = $"[grey]{Markup.Escape(texts.More)}[/]",
            Converter = choice => choice.Item is { } item ? Row(show(item), width) : "",
        };
        prompt.AddChoices(items.Select(item => new Choice<T>(item)));
        prompt.AddCancelResult(new Choice<T>(null));
        if (first is not null && items.Contains(first))
            prompt.DefaultValue(new Choice<T>(first));
        return (await prompt.ShowAsync(console, Cancellation)).Item;
    }

    /// <summary>Lets the person tick any number of items.</summary>
    /// <returns>Null if the person went back.</returns>
    public async Task<IReadOnlyList<T>?> TickAsync<T>(
        string title, string keys, IReadOnlyList<(T Item, string Text)> items, Predicate<T> ticked) where T : struct
    {
        var prompt = new MultiSelectionPrompt<(T Item, string Text)>
        {
            Title = Markup.Escape(title),
            InstructionsText = $"[grey]{Markup.Escape(keys)}[/]",
            Required = false,
            Converter = choice => Markup.Escape(choice.Text),
        };
        foreach (var item in items)
        {
            var added = prompt.AddChoice(item);
            if (ticked(item.Item))
                added.Select();
        }
        var left = false;
        prompt.AddCancelResult(() =>
        {
            left = true;
            return [];
        });
        var chosen = await prompt.ShowAsync(console, Cancellation);
        return left ? null : [.. chosen.Select(choice => choice.Item)];
    }

    /// <summary>Waits for any key.</summary>
    public async Task KeyAsync(CancellationToken cancellation) =>
        await console.Input.ReadKeyAsync(intercept: true, cancellation);

    /// <summary>What begins small on standard error, as a sentence on the screen.</summary>
    public static string Sentence(string text) => char.ToUpperInvariant(text[0]) + text[1..];

    // One row for each item: a list whose rows wrap is hard to read and jumps about.
    string Row((string Name, string Hint) text, int width)
    {
        var name = Cut(text.Name, console.Profile.Width - 3);
        var gap = new string(' ', Math.Max(0, width - name.GetCellWidth()) + 2);
        var hint = Cut(text.Hint, console.Profile.Width - name.GetCellWidth() - gap.Length - 3);
        return $"{Markup.Escape(name)}{gap}[grey]{Markup.Escape(hint)}[/]";
    }

    static string Cut(string text, int cells)
    {
        const int worthShowing = 4;
        if (text.GetCellWidth() <= cells)
            return text;
        if (cells < worthShowing)
            return "";
        var end = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (text[..(end + rune.Utf16SequenceLength)].GetCellWidth() >= cells)
                break;
            end += rune.Utf16SequenceLength;
        }
        return text[..end] + "…";
    }

    static string? Answer(string? line) => NotEmpty(line?.Trim());

    static string? NotEmpty(string? line) => string.IsNullOrEmpty(line) ? null : line;

    /// <param name="Item">Null for the row that is no item.</param>
    internal sealed record Choice<T>(T? Item) where T : class;
}
