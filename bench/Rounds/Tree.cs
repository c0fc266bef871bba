namespace Conclave.Bench.Rounds;

/// <summary>The repository this program was built in, and what was built beside it.</summary>
static class Tree
{
    public static string Root { get; } = FindRoot();

    /// <summary>A program of the same build.</summary>
    /// <exception cref="BenchException">It was not built.</exception>
    public static string Program(string project, string name)
    {
        // artifacts/bin/Project/configuration/name, and this program stands in such a place itself.
        var here = Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory);
        var path = Path.Combine(here, "..", "..", project, Path.GetFileName(here), name);
        return File.Exists(path)
            ? Path.GetFullPath(path)
            : throw new BenchException($"{name} is not built: make bench builds it");
    }

    static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Conclave.slnx")))
        {
            folder = Path.GetDirectoryName(folder)
                ?? throw new BenchException("the bench does not run inside the repository");
        }
        return folder;
    }
}
