using System.CommandLine;
using System.Globalization;

namespace Conclave.Server.Operator;

/// <summary>One command on its way: what was typed, and how it speaks.</summary>
sealed class Errand(ParseResult typed, Settings settings, CancellationToken cancellation)
{
    public Settings Settings { get; } = settings;

    public CancellationToken Cancellation { get; } = cancellation;

    public T Get<T>(Argument<T> argument) => typed.GetValue(argument)!;

    public T? Get<T>(Option<T> option) => typed.GetValue(option);

    /// <summary>Writes a row of data.</summary>
    public static void Row(params ReadOnlySpan<string> cells) => Console.Out.WriteLine(string.Join('\t', cells!));

    /// <summary>Says something to the person.</summary>
    public static void Note(string text) => Console.Error.WriteLine("conclave-server: " + text);

    /// <summary>A time as it is shown everywhere; "-" for none.</summary>
    public static string Text(DateTimeOffset? time) =>
        time?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture) ?? "-";

    public static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>Makes sure that what cannot be undone is meant.</summary>
    /// <exception cref="OperatorException">It is not, or nobody can be asked.</exception>
    public async Task ConfirmAsync(Option<bool> yes, string question)
    {
        if (Get(yes))
            return;
        if (Console.IsInputRedirected)
            throw new OperatorException($"{question} Say so with --yes.");
        await Console.Error.WriteAsync($"conclave-server: {question} Type yes to go on: ");
        if (await AskAsync(Console.ReadLine) is not "yes")
            throw new OperatorException("nothing was done");
    }

    /// <summary>Waits for the person, who may also interrupt: reading the terminal cannot be called off.</summary>
    public Task<T> AskAsync<T>(Func<T> read) => Task.Run(read).WaitAsync(Cancellation);
}
