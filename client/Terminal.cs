using System.Text;
using Conclave.Client.Texts;

namespace Conclave.Client;

/// <summary>
/// The rules of the terminal, which hold for every command:
/// <list type="bullet">
/// <item>Standard output carries data and nothing else, so that it can be piped.</item>
/// <item>Everything said to a person goes to standard error: questions, progress, and errors as
/// <c>conclave: what happened</c>, no capital, no full stop, perhaps with a hint on a second line.</item>
/// <item>What others wrote is shown through <see cref="SafeText"/> only.</item>
/// <item>A question is asked only if standard input is a terminal; a password is never echoed.</item>
/// <item>Commands use no colour at all; the menu leaves it out when NO_COLOR is set.</item>
/// <item>A reader that goes away (<c>| head</c>) ends the program quietly.</item>
/// </list>
/// </summary>
sealed class Terminal(Language language) : IDisposable
{
    const string Prefix = "conclave: ";

    readonly StreamWriter _output = new(OpenOutput()) { AutoFlush = true };

    public Language Language { get; } = language;

    /// <summary>Whether a person sits at the keyboard.</summary>
    public static bool CanAsk => !Console.IsInputRedirected;

    /// <summary>Whether a person reads the output.</summary>
    public static bool IsSeen => !Console.IsOutputRedirected;

    public void Dispose() => _output.Dispose();

    /// <summary>Writes one line of data.</summary>
    /// <exception cref="ClientException">It cannot be written: the disk is full, the output is closed.</exception>
    /// <exception cref="IOException">Nobody reads it any more: see <see cref="IsReaderGone"/>.</exception>
    public void Data(string line)
    {
        try
        {
            _output.WriteLine(line);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            if (exception is IOException broken && IsReaderGone(broken))
                throw;
            throw new ClientException(ExitCode.Error, Language.Say.CannotWrite(exception.Message.TrimEnd('.')));
        }
    }

    /// <summary>Where data go that are no lines.</summary>
    public Stream DataStream => _output.BaseStream;

    /// <summary>Says something that is neither data nor an error.</summary>
    public static void Note(string text) => Console.Error.WriteLine(Prefix + text);

    /// <summary>Says what went wrong, what it may mean, and what to do next.</summary>
    public void Error(string text, string? hint = null, string? meaning = null)
    {
        Console.Error.WriteLine(Prefix + text);
        if (meaning is not null)
            Console.Error.WriteLine(Prefix + meaning);
        if (hint is not null)
            Console.Error.WriteLine(Prefix + Language.Say.Hint + ": " + hint);
    }

    /// <summary>Whether <paramref name="exception"/> says that nobody reads the output any more.</summary>
    public static bool IsReaderGone(IOException exception)
    {
        const int brokenPipe = 32;
        return exception.HResult == brokenPipe;
    }

    /// <summary>Asks for a password without showing it.</summary>
    /// <param name="question">Without a colon at its end.</param>
    /// <returns>The password, or null if the person pressed Esc or Ctrl-C.</returns>
    public static string? AskPassword(string question)
    {
        Console.Error.Write(question + ": ");
        var controlC = Console.TreatControlCAsInput;
        Console.TreatControlCAsInput = true;
        try
        {
            return ReadHidden();
        }
        finally
        {
            Console.TreatControlCAsInput = controlC;
            Console.Error.WriteLine();
        }
    }

    /// <summary>Asks for a line.</summary>
    /// <param name="question">Without a colon at its end.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Null if there is none.</returns>
    public static async Task<string?> AskAsync(string question, CancellationToken cancellation)
    {
        await Console.Error.WriteAsync(question + ": ");
        // A read of the terminal cannot be called off, so it is left behind when the program is interrupted.
        return await Task.Run(Console.ReadLine, cancellation).WaitAsync(cancellation);
    }

    /// <summary>Asks whether something is so; all but a yes, in the user's language or in English, is a no.</summary>
    public async Task<bool> AskYesAsync(string question, CancellationToken cancellation)
    {
        var answer = (await AskAsync(question, cancellation))?.Trim();
        return string.Equals(answer, "yes", StringComparison.OrdinalIgnoreCase)
            || string.Equals(answer, Language.Seal.Yes, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Standard input up to its end, or up to <paramref name="bytesMax"/> if it goes on.</summary>
    public static async Task<byte[]> ReadAllAsync(int bytesMax, CancellationToken cancellation)
    {
        // A read of a terminal or a pipe cannot be called off, so it is left behind when the program is interrupted.
        return await Task.Run(Read, cancellation).WaitAsync(cancellation);

        byte[] Read()
        {
            using var input = Console.OpenStandardInput();
            var buffer = new byte[bytesMax];
            return buffer[..input.ReadAtLeast(buffer, bytesMax, throwOnEndOfStream: false)];
        }
    }

    // The console's own stream swallows a broken pipe, so that a watch whose reader is gone would go on for ever. A
    // file is left to it nevertheless: FileStream keeps a position of its own, and would write over what other programs
    // write to the same file before and after us.
    static Stream OpenOutput()
    {
        if (OperatingSystem.IsWindows())
            return Console.OpenStandardOutput();
        var stream = new FileStream(new((nint)1, ownsHandle: false), FileAccess.Write, bufferSize: 1);
        return stream.CanSeek ? Console.OpenStandardOutput() : stream;
    }

    static string? ReadHidden()
    {
        var typed = new StringBuilder();
        while (true)
        {
            var key = Console.ReadKey(intercept: true);
            switch (key)
            {
                case { Key: ConsoleKey.Enter }:
                    return typed.ToString();
                case { Key: ConsoleKey.Escape }:
                case { Key: ConsoleKey.C, Modifiers: ConsoleModifiers.Control }:
                case { Key: ConsoleKey.D, Modifiers: ConsoleModifiers.Control } when typed.Length == 0:
                    return null;
                case { Key: ConsoleKey.U, Modifiers: ConsoleModifiers.Control }:
                    typed.Clear();
                    break;
                case { Key: ConsoleKey.Backspace } when typed.Length > 0:
                    typed.Length -= char.IsLowSurrogate(typed[^1]) && typed.Length > 1 ? 2 : 1;
                    break;
                default:
                    if (!char.IsControl(key.KeyChar))
                        typed.Append(key.KeyChar);
                    break;
            }
        }
    }
}
