namespace Conclave.Server.Storage;

/// <summary>The way to the embedded cluster of a server that runs: PostgreSQL itself notes where it listens.</summary>
static class RunningCluster
{
    // Lines of postmaster.pid, counted from 0: PostgreSQL's documentation, "File Layout".
    const int SocketLine = 4;
    const int StatusLine = 7;

    /// <summary>Whether a data folder has a cluster, which may run or not.</summary>
    public static bool Exists(string dataPath) => File.Exists(Path.Combine(Data(dataPath), "PG_VERSION"));

    /// <exception cref="StartupException">It does not answer yet, or no longer.</exception>
    public static string ConnectionString(string dataPath)
    {
        try
        {
            var lines = File.ReadAllLines(Path.Combine(Data(dataPath), "postmaster.pid"));
            if (lines.Length > StatusLine && lines[StatusLine].StartsWith("ready", StringComparison.Ordinal))
                return EmbeddedCluster.ConnectionTo(lines[SocketLine], "conclave", "conclave");
        }
        catch (Exception fault) when (fault is FileNotFoundException or DirectoryNotFoundException)
        {
            // It has not come that far, or has stopped.
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"the database of the server that uses {dataPath} cannot be found"
                + $" ({fault.Message}): run this as the user who runs the server");
        }
        throw new StartupException(
            $"the server that uses the data folder {dataPath} is starting or stopping: try again in a moment");
    }

    static string Data(string dataPath) => Path.Combine(dataPath, "postgres", "data");
}
