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
    public void Confirm(Option<bool> yes, string question)
    {
        if (Get(yes))
            return;
        if (Console.IsInputRedirected)
            throw new OperatorException($"{question} Say so with --yes.");
        Console.Error.Write($"conclave-server: {question} Type yes to go on: ");
        if (Console.ReadLine() is not "yes")
            throw new OperatorException("nothing was done");
    }
}
