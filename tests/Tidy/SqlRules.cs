using System.Text.RegularExpressions;

namespace Conclave.Tests.Tidy;

/// <summary>
/// SQL stands in the two folders Storage, the server's and the SDK's, each statement one constant: what changes is a
/// parameter.
/// </summary>
static partial class SqlRules
{
    static readonly string[] Shipped = ["protocol", "roster", "sealing", "server", "sdk", "client"];

    public static IEnumerable<string> SqlIsInStorage(SourceFile file) =>
        !file.IsCode || !Shipped.Contains(file.Folder) || file.IsUnder("server/Storage") || file.IsUnder("sdk/Storage")
            ? []
            : file.Lines.Where(line => !Comment().IsMatch(line) && Statement().IsMatch(line));

    public static IEnumerable<string> SqlIsConstant(SourceFile file) =>
        !file.IsCode || !Shipped.Contains(file.Folder)
            ? []
            : Interpolated().Matches(file.Text).Concat(Added().Matches(file.Text))
                .Select(match => match.Value)
                .Where(text => Statement().IsMatch(text));

    [GeneratedRegex("""^\s*//""", RegexOptions.None, 1000)]
    private static partial Regex Comment();

    [GeneratedRegex(
        """
        \bSELECT\s|\bINSERT\s+INTO\b|\bUPDATE\s+\w+(\s+(AS\s+)?\w+)?\s+SET\b|\bDELETE\s+FROM\b|\bWITH\s+\w+\s+AS\s*\(
        |\b(CREATE|ALTER|DROP)\s+(TABLE|INDEX|UNIQUE|DATABASE|ROLE|FUNCTION|TYPE|SCHEMA)\b
        |\b(NOTIFY|LISTEN|TRUNCATE|SAVEPOINT)\s+\w|\bSET\s+(LOCAL\s+)?\w+\s*(=|TO)
        """,
        RegexOptions.ExplicitCapture | RegexOptions.IgnorePatternWhitespace, 1000)]
    private static partial Regex Statement();

    // An interpolated string, raw or plain.
    [GeneratedRegex(
        "\\$+@?(?<quotes>\"{3,}).*?\\k<quotes>|\\$@?\"(?!\")[^\"\\n]*\"",
        RegexOptions.ExplicitCapture | RegexOptions.Singleline, 1000)]
    private static partial Regex Interpolated();

    // A string with a plus on either side.
    [GeneratedRegex(
        "(?<quotes>\"{3,})(?!\").{0,4000}?\\k<quotes>\\s*\\+|\"[^\"\\n]*\"\\s*\\+|\\+\\s*@?\"[^\"\\n]*\""
        + "|\\+\\s*(?<raw>\"{3,}).{0,4000}?\\k<raw>",
        RegexOptions.ExplicitCapture | RegexOptions.Singleline, 1000)]
    private static partial Regex Added();
}
