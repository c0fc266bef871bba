using System.CommandLine;
using System.CommandLine.Invocation;
using Conclave.Server.Storage;

namespace Conclave.Server.Operator;

/// <summary>
/// The server program's command line. Rules for every command: data go to standard output, one row a line, its cells
/// separated by tabs below a row of names; what is said to a person goes to standard error; a secret is no argument.
/// </summary>
static class CommandTree
{
    const string Program = "conclave-server";

    /// <param name="serve">What is done without a command.</param>
    /// <param name="checkHealth">What <c>healthcheck</c> does.</param>
    public static RootCommand Build(Func<Task<int>> serve, Func<Task<int>> checkHealth)
    {
        var root = new RootCommand(
            "Without a command: serves until Ctrl-C or SIGTERM. Settings are environment variables: CONCLAVE_URLS, "
            + "CONCLAVE_DATA, CONCLAVE_DATABASE and others. docs/operations.md explains them and every command.")
        {
            HelpName = Program,
        };
        // Directives such as [diagram] are for the authors of a command line, not for its users.
        root.Directives.Clear();
        root.SetAction((_, _) => serve());
        var health = new Command(
            "healthcheck", "Asks the server at CONCLAVE_URLS whether it is ready; the exit code is 0 or 1.");
        health.SetAction((_, _) => checkHealth());
        foreach (var command in (Command[])
            [
                UserCommands.Build(), LobbyCommands.Build(), QuotaCommands.Build(), CheckCommand.Build(),
                BackupCommand.Build(), RestoreCommand.Build(), RekeyCommand.Build(), health,
            ])
            root.Add(command);
        return root;
    }

    /// <summary>Runs what was typed.</summary>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public static async Task<int> RunAsync(RootCommand root, IReadOnlyList<string> arguments)
    {
        var typed = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (typed.Action is ParseErrorAction)
            return Misused(typed);
        var configuration = new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        };
        return await typed.InvokeAsync(configuration);
    }

    /// <summary>A command that works on the database.</summary>
    public static Command Command(
        string name, string description, IEnumerable<Symbol> symbols, Func<Errand, Task<int>> work)
    {
        var command = new Command(name, description);
        foreach (var symbol in symbols)
        {
            if (symbol is Argument argument)
                command.Add(argument);
            else if (symbol is Option option)
                command.Add(option);
        }
        command.SetAction((typed, _) => RunAsync(typed, work));
        return command;
    }

    // Ctrl-C ends the work and not the program: a PostgreSQL that was started for it has to be stopped.
    static async Task<int> RunAsync(ParseResult typed, Func<Errand, Task<int>> work)
    {
        using var signals = new StopSignals();
        try
        {
            return await work(new Errand(typed, Settings.OfEnvironment(), signals.Asked));
        }
        catch (OperatorException fault)
        {
            Errand.Note(fault.Message);
        }
        catch (OperationCanceledException) when (signals.Asked.IsCancellationRequested)
        {
            Errand.Note("interrupted");
        }
        catch (Exception fault) when (Database.IsAway(fault))
        {
            Errand.Note("the database went away: " + fault.Message);
        }
        return ExitCode.Failed;
    }

    static int Misused(ParseResult typed)
    {
        var path = Program;
        foreach (var command in typed.CommandResult.Command.Parents.OfType<Command>().Reverse()
            .Append(typed.CommandResult.Command).Where(command => command is not RootCommand))
            path += " " + command.Name;
        // A word too many may be a password, which is not repeated on the screen.
        Errand.Note(typed.UnmatchedTokens.Count > 0
            ? "there is a word too many on the command line, or a misspelt one"
            : typed.Errors[0].Message.TrimEnd('.'));
        Errand.Note($"see {path} --help");
        return ExitCode.Usage;
    }
}
