using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Conclave.Tests.Tidy;

/// <summary>Which folder may know which, and in the server which room: the arrows of docs/architecture.md.</summary>
static partial class ArrowRules
{
    static readonly Dictionary<string, string[]> Projects = new()
    {
        ["protocol"] = [],
        ["roster"] = [],
        ["sealing"] = ["roster"],
        ["server"] = ["protocol", "roster"],
        ["sdk"] = ["protocol", "roster", "sealing"],
        ["client"] = ["sdk"],
    };

    static readonly Dictionary<string, string[]> Rooms = new()
    {
        ["Operator"] = ["Writing", "Lobbies", "Accounts", "Storage"],
        ["Connections"] = ["Actions", "Lobbies", "Accounts"],
        ["Actions"] = ["Writing", "Lobbies", "Accounts", "Storage"],
        ["Writing"] = ["Lobbies", "Storage"],
        ["Doorbell"] = ["Lobbies", "Accounts", "Storage"],
        ["Lobbies"] = ["Storage"],
        ["Accounts"] = ["Storage"],
        ["Storage"] = [],
    };

    public static IEnumerable<string> ProjectKnowsOnlyWhatItMay(SourceFile file) =>
        !file.Path.EndsWith(".csproj", StringComparison.Ordinal) || !Projects.TryGetValue(file.Folder, out var known)
            ? []
            : XDocument.Parse(file.Text).Descendants("ProjectReference")
                .Select(reference => reference.Attribute("Include")!.Value)
                .Where(path => path.Split('/', '\\') is not ["..", var folder, _] || !known.Contains(folder));

    public static IEnumerable<string> ProjectStandsInItsOwnFolder(SourceFile file) =>
        file.Path.EndsWith(".csproj", StringComparison.Ordinal) && file.Folder is not ("tests" or "bench")
        && (file.Path.Split('/').Length != 2 || !Projects.ContainsKey(file.Folder)) ? [file.Path] : [];

    public static IEnumerable<string> RoomIsOnTheList(SourceFile file) =>
        file.IsCode && Room(file) is { } room && !Rooms.ContainsKey(room) ? [room] : [];

    public static IEnumerable<string> RoomKnowsOnlyWhatItMay(SourceFile file) =>
        !file.IsCode || Room(file) is not { } room || !Rooms.TryGetValue(room, out var known)
            ? []
            : file.Lines.Where(line => !line.TrimStart().StartsWith("//", StringComparison.Ordinal)
                && Mention().Matches(line)
                    .Where(match => !match.Groups["type"].Success || IsType(match))
                    .Select(match => match.Groups["room"].Value)
                    .Any(name => name != room && Rooms.ContainsKey(name) && !known.Contains(name)));

    public static IEnumerable<string> ServerIsBlind(SourceFile file) =>
        file.IsCode && file.IsUnder("server")
            ? file.Lines.Where(line => line.Contains("Conclave.Sealing", StringComparison.Ordinal))
            : [];

    // A using for all files would let every room in everywhere.
    public static IEnumerable<string> RoomIsOpenedFileByFile(SourceFile file) =>
        file.IsUnder("server") ? file.Lines.Where(line => OpenedForAll().IsMatch(line)) : [];

    static string? Room(SourceFile file) => file.Path.Split('/') is ["server", var room, _, ..] ? room : null;

    // A property may well be called like a room; "Room.Type" is one only if the room has that type.
    static bool IsType(Match match) =>
        SourceFile.All.Any(file => file.Path == $"server/{match.Groups["room"]}/{match.Groups["type"]}.cs");

    // By its whole name, or by the short one that the namespace we stand in allows.
    [GeneratedRegex(
        """\bConclave\.Server\.(?<room>\w+)|(?<![\w.])(global::)?(Server\.)?(?<room>[A-Z]\w+)\.(?<type>[A-Z]\w*)""",
        RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Mention();

    [GeneratedRegex(
        """global\s+using\s+.*Conclave\.Server|<Using\s+Include="Conclave\.Server""", RegexOptions.None, 1000)]
    private static partial Regex OpenedForAll();
}
