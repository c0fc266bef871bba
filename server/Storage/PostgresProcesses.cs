using System.Globalization;
using System.Runtime.InteropServices;

namespace Conclave.Server.Storage;

/// <summary>The running processes of one cluster, found by its folder: process ids are given out again.</summary>
sealed class PostgresProcesses(string cluster, PostgresAccount account, TimeProvider time)
{
    /// <summary>PostgreSQL's fast shutdown: sessions are cut off, everything is written out.</summary>
    public const int FastShutdown = 2;

    /// <summary>PostgreSQL's immediate shutdown: the next start recovers from the log.</summary>
    public const int ImmediateShutdown = 3;

    const int Kill = 9;
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(100);

    string PidFile => Path.Combine(cluster, "postmaster.pid");

    public static void Signal(int processId, int signal) => _ = KillCore(processId, signal);

    /// <summary>The process that all others of the cluster come from, or null when the cluster says none.</summary>
    public int? Postmaster()
    {
        try
        {
            return int.Parse(File.ReadLines(PidFile).First(), CultureInfo.InvariantCulture);
        }
        catch (Exception failure) when (failure is IOException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    /// <summary>
    /// Ends what a killed server or a killed postmaster left running, and removes a process id on file that by now
    /// belongs to somebody else: PostgreSQL would take that stranger for a postmaster and refuse to start for ever.
    /// </summary>
    /// <returns>How many processes there were.</returns>
    public async Task<int> StopLeftoversAsync(CancellationToken cancellation)
    {
        var left = await FindAsync(cancellation);
        if (Postmaster() is { } postmaster && left.Contains(postmaster))
        {
            Signal(postmaster, FastShutdown);
            await WaitUntilGoneAsync(cancellation);
        }

        foreach (var signal in (int[])[ImmediateShutdown, Kill])
        {
            foreach (var orphan in await FindAsync(cancellation))
            {
                Signal(orphan, signal);
            }

            await WaitUntilGoneAsync(cancellation);
        }

        File.Delete(PidFile);
        return left.Count;
    }

    [DllImport("libc", EntryPoint = "kill"), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    static extern int KillCore(int processId, int signal);

    async Task WaitUntilGoneAsync(CancellationToken cancellation)
    {
        var since = time.GetTimestamp();
        while ((await FindAsync(cancellation)).Count > 0 && time.GetElapsedTime(since) < Patience)
        {
            await Task.Delay(Glance, time, cancellation);
        }
    }

    // Every process of a cluster works in the cluster's folder. The account itself has to look: inside a container even
    // root may not see where another user's process works. Where there is no /proc, the command line names the folder.
    async Task<List<int>> FindAsync(CancellationToken cancellation)
    {
        const string AtWorkHere = """
            cd /proc && for id in [0-9]*; do
                [ "$id/cwd" -ef "$0" ] && case $(readlink "$id/exe") in */postgres*) echo "$id";; esac
            done; true
            """;
        var (_, listing) = OperatingSystem.IsLinux()
            ? await account.RunAsync("sh", ["-c", AtWorkHere, cluster], cancellation)
            : await account.RunAsync("ps", ["-axo", "pid=,command="], cancellation);
        return [.. listing.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(line => OperatingSystem.IsLinux() || line.Contains($"-D {cluster} ", StringComparison.Ordinal))
            .Select(line => int.Parse(line.Trim().Split(' ')[0], CultureInfo.InvariantCulture))];
    }
}
