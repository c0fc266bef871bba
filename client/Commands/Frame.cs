using System.CommandLine;
using Conclave.Client.Texts;
using Conclave.Sdk;

namespace Conclave.Client.Commands;

/// <summary>What all commands share: the options of each, and the way from an outcome to an exit code.</summary>
sealed class Frame(Terminal terminal, SessionStore sessions)
{
    public const string LobbyArgument = "LOBBY";
    public const string LoginArgument = "LOGIN";
    public const string NewNameArgument = "NAME";

    const string ServerDefault = "http://127.0.0.1:7720";

    public Terminal Terminal { get; } = terminal;

    public SessionStore Sessions { get; } = sessions;

    public Option<string> Server { get; } = new("--server")
    {
        Description = terminal.Language.Help.Server,
        HelpName = "URL",
        Recursive = true,
    };

    /// <summary>Only checked here: Program has chosen the language before anything could be said.</summary>
    public Option<string> Lang { get; } = new("--lang")
    {
        Description = terminal.Language.Help.Lang,
        HelpName = "ru|en",
        Recursive = true,
        CustomParser = typed =>
        {
            var name = typed.Tokens[0].Value;
            if (Language.Find(name) is null)
                typed.AddError(terminal.Language.Say.BadLanguage(SafeText.OneLine(name)));
            return name;
        },
    };

    public Option<bool> Json { get; } = new("--json")
    {
        Description = terminal.Language.Help.Json,
        Recursive = true,
    };

    public HelpTexts Help => Terminal.Language.Help;

    public SealHelpTexts SealHelp => Terminal.Language.SealHelp;

    /// <summary>Where the command line or the environment says the server is.</summary>
    /// <exception cref="ClientException">It is no address.</exception>
    public Uri ServerOf(ParseResult typed)
    {
        var named = typed.GetValue(Server) ?? Environment.GetEnvironmentVariable("CONCLAVE_SERVER");
        return new Input(Terminal.Language).Server(string.IsNullOrWhiteSpace(named) ? ServerDefault : named);
    }

    /// <summary>A command that does something.</summary>
    /// <param name="name">As it is typed.</param>
    /// <param name="description">For its help.</param>
    /// <param name="symbols">Its arguments and options, in the order of its help.</param>
    /// <param name="work">What it does; throws what it cannot.</param>
    public Command Command(
        string name, string description, IEnumerable<Symbol> symbols, Func<Visit, Task> work)
    {
        var command = new Command(name, description);
        foreach (var symbol in symbols)
        {
            if (symbol is Argument argument)
                command.Add(argument);
            else if (symbol is Option option)
                command.Add(option);
        }
        command.SetAction((typed, cancellation) => RunAsync(typed, work, cancellation));
        return command;
    }

    /// <summary>Reports what is wrong with the command line.</summary>
    public int Misused(ParseResult typed)
    {
        var command = typed.CommandResult.Command;
        var say = Terminal.Language.Say;
        switch (command.Name)
        {
            // What is one word too many here is most often a secret, which must not be repeated on the screen.
            case AccountCommands.RegisterName or AccountCommands.LoginName or SessionCommands.PasswordName
                when typed.UnmatchedTokens.Count > 0:
                Terminal.Error(
                    say.PasswordNotInArguments, say.PasswordNeededHint("--password-file", "CONCLAVE_PASSWORD"));
                break;
            case SecretCommands.SetName when typed.UnmatchedTokens.Count > 0:
                Terminal.Error(Terminal.Language.Seal.SecretNotInArguments, Terminal.Language.Seal.SecretNeededHint);
                break;
            case EntryCommands.SendName when typed.UnmatchedTokens.Count > 0:
                Terminal.Error(say.TextInPieces, say.NothingToSendHint);
                break;
            default:
                Terminal.Error(Lowered(typed.Errors[0].Message), say.SeeHelp(Path(command)));
                break;
        }
        return ExitCode.Usage;
    }

    /// <summary>Does <paramref name="work"/>, and says in words what went wrong.</summary>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public async Task<int> RunAsync(ParseResult typed, Func<Visit, Task> work, CancellationToken cancellation)
    {
        var visit = new Visit(typed, this, cancellation);
        try
        {
            await work(visit);
            return ExitCode.Ok;
        }
        catch (ConclaveException exception)
        {
            return Fail(Wording.InWords(exception, Terminal.Language, AboutOf(typed)));
        }
        catch (ClientException exception)
        {
            return Fail(exception);
        }
    }

    int Fail(ClientException failure)
    {
        Terminal.Error(failure.Message, failure.Hint, failure.Meaning);
        return failure.ExitCode;
    }

    static About AboutOf(ParseResult typed) =>
        new(ValueOf(typed, LobbyArgument), ValueOf(typed, LoginArgument), ValueOf(typed, NewNameArgument));

    static string? ValueOf(ParseResult typed, string name)
    {
        var arguments = typed.CommandResult.Command.Arguments;
        return arguments.FirstOrDefault(argument => argument.Name == name) is Argument<string> found
            ? typed.GetValue(found)
            : null;
    }

    // The library speaks in sentences; we do not.
    static string Lowered(string message)
    {
        var line = SafeText.OneLine(message.Trim().TrimEnd('.'));
        return char.ToLowerInvariant(line[0]) + line[1..];
    }

    static string Path(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent
            ? Path(parent) + " " + command.Name
            : "conclave";
}
