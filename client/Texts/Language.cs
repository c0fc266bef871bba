using System.Globalization;

namespace Conclave.Client.Texts;

/// <summary>
/// Everything the program says, in one language. The texts are required members, so the compiler sees to it that no
/// language lacks one; a text with a gap is a function, so it cannot be shown with the gap open.
/// </summary>
sealed record Language
{
    /// <summary>As in <c>--lang</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The language's own name for itself, for choosing it.</summary>
    public required string Endonym { get; init; }

    public required SayTexts Say { get; init; }

    public required ErrorTexts Errors { get; init; }

    public required HelpTexts Help { get; init; }

    public required MenuTexts Menu { get; init; }

    public required AlarmTexts Alarms { get; init; }

    public required SealSayTexts Seal { get; init; }

    public required SealHelpTexts SealHelp { get; init; }

    public required SealMenuTexts SealMenu { get; init; }

    public static IReadOnlyList<Language> All => [English.Language, Russian.Language];

    /// <summary>The language called <paramref name="name"/>, or null if we do not speak it.</summary>
    public static Language? Find(string? name) =>
        All.FirstOrDefault(language => string.Equals(language.Name, name, StringComparison.OrdinalIgnoreCase));

    /// <summary>
    /// The language of the user's locale, English if we do not speak it. POSIX: the first of LC_ALL, LC_MESSAGES and
    /// LANG that is set decides.
    /// </summary>
    /// <param name="environment">The value of an environment variable, null if it is not set.</param>
    public static Language OfLocale(Func<string, string?> environment)
    {
        string[] variables = ["LC_ALL", "LC_MESSAGES", "LANG"];
        var locale = variables.Select(environment).FirstOrDefault(value => !string.IsNullOrEmpty(value)) ?? "";
        return Find(locale.Split('_', '.', '-', '@')[0]) ?? English.Language;
    }

    /// <summary>Makes libraries speak it too; numbers and dates stay as programs expect them.</summary>
    public void Use() => CultureInfo.CurrentUICulture = CultureInfo.GetCultureInfo(Name);
}
