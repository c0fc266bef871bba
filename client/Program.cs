using System.Runtime.InteropServices;
using Conclave.Client;
using Conclave.Client.Commands;
using Conclave.Client.Menu;
using Conclave.Client.Texts;
using Spectre.Console;

var language = LanguageOf(args);
using var terminal = new Terminal(language);

// Without ICU .NET leaves NFC out and says nothing: two spellings of one lobby's name would be two lobbies.
if ("e\u0301".Normalize() != "\u00e9")
{
    terminal.Error(language.Say.NeedsIcu);
    return ExitCode.Error;
}
language.Use();

using var interruption = new CancellationTokenSource();
using var controlC = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
using var termination = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
try
{
    var sessions = new SessionStore(SessionStore.DefaultFolder(), language);
    var frame = new Frame(terminal, sessions);
    var root = CommandTree.Build(frame, (server, cancellation) => RunMenuAsync(language, server, cancellation));
    return await CommandTree.RunAsync(root, frame, args, interruption.Token);
}
catch (OperationCanceledException)
{
    return ExitCode.Interrupted;
}
catch (IOException exception) when (Terminal.IsReaderGone(exception))
{
    return ExitCode.Ok;
}

static async Task RunMenuAsync(Language language, Uri server, CancellationToken cancellation)
{
    // The library takes nobody to be there when a variable such as CI is set; CommandTree has made sure of a terminal.
    var console = AnsiConsole.Create(new AnsiConsoleSettings { Interactive = InteractionSupport.Yes });
    if (!console.Profile.Capabilities.Ansi)
        throw new ClientException(ExitCode.Usage, language.Say.NoTerminalForMenu, language.Say.SeeHelp("conclave"));
    Console.TreatControlCAsInput = true;
    try
    {
        var screen = new Screen(new MenuConsole(console), cancellation);
        await new MainMenu(new Sitting(screen, language, SessionStore.DefaultFolder(), server)).RunAsync();
    }
    finally
    {
        Console.TreatControlCAsInput = false;
    }
}

void Interrupt(PosixSignalContext signal)
{
    signal.Cancel = true;
    interruption.Cancel();
}

// Before anything is parsed, since help and complaints about the command line are in that language already.
static Language LanguageOf(string[] arguments)
{
    const string option = "--lang";
    for (var index = 0; index < arguments.Length; index++)
    {
        var named = arguments[index].Split('=', 2) switch
        {
            [option, var name] => name,
            [option] => arguments.ElementAtOrDefault(index + 1),
            _ => null,
        };
        if (Language.Find(named) is { } language)
            return language;
    }
    return Language.OfLocale(Environment.GetEnvironmentVariable);
}
