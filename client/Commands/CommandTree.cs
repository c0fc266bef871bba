using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Conclave.Client.Commands;

/// <summary>The command line: every command, and what the program does without one.</summary>
static class CommandTree
{
    /// <param name="frame">What the commands share.</param>
    /// <param name="menu">What is done without a command: the menu, given the server.</param>
    public static RootCommand Build(Frame frame, Func<Uri, CancellationToken, Task> menu)
    {
        var root = new RootCommand(frame.Help.Program) { HelpName = "conclave" };
        // Directives such as [diagram] are for the authors of a command line, not for its users.
        root.Directives.Clear();
        foreach (var option in root.Options)
        {
            option.Description = option is HelpOption ? frame.Help.ShowHelp : frame.Help.Version;
            if (option is HelpOption { Action: HelpAction action })
                option.Action = new TranslatedHelp(action, frame.Help);
        }
        root.Add(frame.Server);
        root.Add(frame.Lang);
        root.Add(frame.Json);
        foreach (var command in (IEnumerable<Command>)
            [
                .. AccountCommands.All(frame), .. SessionCommands.All(frame), .. LobbyCommands.All(frame),
                .. MemberCommands.All(frame), .. EntryCommands.All(frame), .. SecretCommands.All(frame),
                .. FileCommands.All(frame), .. TrustCommands.All(frame), .. IdentityCommands.All(frame),
                .. ProbeCommand.All(frame),
            ])
            root.Add(command);
        root.SetAction((typed, cancellation) => Terminal.CanAsk && Terminal.IsSeen
            ? frame.RunAsync(typed, visit => menu(visit.Host.Server, cancellation), cancellation)
            : Task.FromResult(UsageOnError(root, frame)));
        return root;
    }

    /// <summary>Runs what was typed.</summary>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public static async Task<int> RunAsync(
        RootCommand root, Frame frame, IReadOnlyList<string> arguments, CancellationToken cancellation)
    {
        // A text that begins with @ is a text, not the name of a file with more arguments.
        var typed = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (typed.Action is ParseErrorAction)
            return frame.Misused(typed);
        var configuration = new InvocationConfiguration
        {
            // Ours, in Program: one place decides what an interruption and an unforeseen fault look like.
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        };
        return await typed.InvokeAsync(configuration, cancellation);
    }

    static int UsageOnError(RootCommand root, Frame frame)
    {
        root.Parse(["--help"]).Invoke(new InvocationConfiguration { Output = Console.Error });
        frame.Terminal.Error(frame.Terminal.Language.Say.NoTerminalForMenu);
        return ExitCode.Usage;
    }
}
