using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Conclave.Client.Texts;

namespace Conclave.Client.Commands;

/// <summary>The help of the library, which leaves a few of its own words in English whatever the language.</summary>
sealed class TranslatedHelp(HelpAction inner, HelpTexts texts) : SynchronousCommandLineAction
{
    public override int Invoke(ParseResult parseResult)
    {
        var configuration = parseResult.InvocationConfiguration;
        var output = configuration.Output;
        using var help = new StringWriter();
        configuration.Output = help;
        try
        {
            return inner.Invoke(parseResult);
        }
        finally
        {
            configuration.Output = output;
            output.Write(help.ToString()
                .Replace("Description:", texts.Description, StringComparison.Ordinal)
                .Replace("[command]", texts.AnyCommand, StringComparison.Ordinal)
                .Replace("[options]", texts.AnyOptions, StringComparison.Ordinal));
        }
    }
}
