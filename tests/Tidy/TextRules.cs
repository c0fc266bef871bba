using System.Text.RegularExpressions;

namespace Conclave.Tests.Tidy;

/// <summary>What one file's text may be. Each rule yields the lines that break it.</summary>
static partial class TextRules
{
    const int ColumnsMax = 120;
    const int LinesMax = 400;
    const int BytesMax = 1 << 20;

    // Written in pieces, so that this file does not break the rules it keeps.
    static readonly string[] Registries =
        ["nuget" + ".org", "npmjs" + ".org", "npmjs" + ".com", "pypi" + ".org", "docker" + ".io", "ghcr" + ".io",
            "quay" + ".io", "mcr.microsoft" + ".com", "yarnpkg" + ".com", "pkg" + "s.dev.azure.com"];

    static readonly string[] ContainerFiles = ["Dockerfile", "compose.yaml"];

    public static IEnumerable<string> LineIsAtMost120Columns(SourceFile file) =>
        !file.IsCode && file.Name != "Makefile" && !file.IsUnder(".ci") && file.Name != "Dockerfile" ? [] :
        file.Lines.Where(line => line.EnumerateRunes().Count() > ColumnsMax);

    public static IEnumerable<string> FileIsAtMost400Lines(SourceFile file) =>
        file.IsCode && file.Text.TrimEnd('\n').Split('\n') is { Length: > LinesMax } lines
            ? [$"{lines.Length} lines"]
            : [];

    public static IEnumerable<string> FileIsAtMost1MiB(SourceFile file) =>
        file.Bytes > BytesMax && !file.IsUnder("tests/Vectors") ? [$"{file.Bytes} bytes"] : [];

    public static IEnumerable<string> NoRegion(SourceFile file) =>
        !file.IsCode ? [] : file.Lines.Where(line => Region().IsMatch(line));

    public static IEnumerable<string> NothingLeftToDo(SourceFile file) =>
        file.Lines.Where(line => Unfinished().IsMatch(line));

    public static IEnumerable<string> NoConflictMarker(SourceFile file) =>
        file.Lines.Where(line => Conflict().IsMatch(line));

    public static IEnumerable<string> SuppressionHasReason(SourceFile file) =>
        !file.IsCode ? [] : file.Lines.Where(line => Suppression().IsMatch(line));

    public static IEnumerable<string> NameSaysSomething(SourceFile file) =>
        !file.IsCode ? [] : TypeName().Matches(file.Text).Select(match => match.Groups["name"].Value)
            .Concat(file.Path.Split('/', '.'))
            .Where(name => EmptyWord().IsMatch(name));

    public static IEnumerable<string> TestDoesNotSleep(SourceFile file) =>
        !file.IsCode || !file.IsUnder("tests") ? [] : file.Lines.Where(line => Sleep().IsMatch(line));

    public static IEnumerable<string> NoRegistryIsNamed(SourceFile file) =>
        ContainerFiles.Contains(file.Name) ? [] : file.Lines.Where(
            line => Registries.Any(registry => line.Contains(registry, StringComparison.OrdinalIgnoreCase)));

    [GeneratedRegex("""^\s*#\s*region\b""", RegexOptions.None, 1000)]
    private static partial Regex Region();

    [GeneratedRegex("""\b(TO[D]O|FIX[M]E|XX[X])\b""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Unfinished();

    [GeneratedRegex("""^(<{7}|>{7}) """, RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Conflict();

    [GeneratedRegex("""^\s*#\s*pragma\s+warning\s+disable(?!.*//\s*\S)""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Suppression();

    [GeneratedRegex(
        """\b(class|struct|interface|enum|record)\s+(struct\s+|class\s+)?(?<name>[A-Z]\w*)""",
        RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex TypeName();

    [GeneratedRegex(
        """(?<![A-Z])(Helper|Util|Utility|Utilitie|Manager|Common|Impl)s?(?![a-z])""",
        RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex EmptyWord();

    [GeneratedRegex("""\b(Task\s*\.\s*Delay|Thread\s*\.\s*Sleep)\b""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Sleep();
}
