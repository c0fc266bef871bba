namespace Conclave.Tests.Tidy;

/// <summary>A file of the repository: its path from the root with slashes, and its text.</summary>
public sealed record SourceFile(string Path, string Text)
{
    static readonly string[] Binary = [".png", ".gif", ".jpg", ".ico", ".svg", ".pdf", ".gz"];

    static readonly Lazy<SourceFile[]> Repository = new(() => [.. Find()]);

    /// <summary>Everything in the repository's folder but what .gitignore leaves out.</summary>
    public static IReadOnlyList<SourceFile> All => Repository.Value;

    public long Bytes { get; init; } = Text.Length;

    public IEnumerable<string> Lines => Text.Split('\n');

    public string Name => System.IO.Path.GetFileName(Path);

    public bool IsCode => Path.EndsWith(".cs", StringComparison.Ordinal);

    /// <summary>The first folder of the path; empty for a file in the root.</summary>
    public string Folder => Path.Split('/') is [var folder, _, ..] ? folder : "";

    public bool IsUnder(string folder) => Path.StartsWith(folder + "/", StringComparison.Ordinal);

    static IEnumerable<SourceFile> Find()
    {
        var root = Root();
        var ignored = File.ReadAllLines(System.IO.Path.Combine(root, ".gitignore"))
            .Select(line => line.Trim('/')).Append(".git").ToHashSet(StringComparer.Ordinal);
        return Directory.EnumerateFileSystemEntries(root)
            .Where(entry => !ignored.Contains(System.IO.Path.GetFileName(entry)))
            .SelectMany(entry => Directory.Exists(entry)
                ? Directory.EnumerateFiles(entry, "*", SearchOption.AllDirectories)
                : [entry])
            .Select(file => new SourceFile(System.IO.Path.GetRelativePath(root, file), Read(file))
            {
                Bytes = new FileInfo(file).Length,
            });
    }

    static string Read(string file) => Binary.Contains(System.IO.Path.GetExtension(file)) ? "" : File.ReadAllText(file);

    internal static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(System.IO.Path.Combine(folder, "Conclave.slnx")))
        {
            folder = System.IO.Path.GetDirectoryName(folder)
                ?? throw new InvalidOperationException("The tests do not run inside the repository.");
        }

        return folder;
    }
}
