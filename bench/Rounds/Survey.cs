using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Conclave.Bench.Rounds;

/// <summary>Finds out what a result must say of where it came from.</summary>
static class Survey
{
    public static async Task<Machine> MachineAsync(Site site, double loadBefore, CancellationToken cancellation)
    {
        string[] settings = ["fsync", "synchronous_commit", "full_page_writes", "wal_sync_method", "shared_buffers"];
        List<string> durability = [];
        foreach (var name in settings)
            durability.Add($"{name}={await site.SettingAsync(name, cancellation)}");
        return new Machine(
            Processor(),
            Environment.ProcessorCount,
            GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
            $"{RuntimeInformation.OSDescription}, {RuntimeInformation.OSArchitecture}",
            new DriveInfo(site.Path).DriveFormat,
            await site.SettingAsync("server_version", cancellation),
            string.Join(", ", durability),
            Environment.Version.ToString(),
            loadBefore);
    }

    public static double LoadAverage() => File.Exists("/proc/loadavg")
        ? double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture)
        : 0;

    /// <summary>The commit that was built; with a plus if the files were not as committed.</summary>
    public static string Commit()
    {
        var commit = Git("rev-parse", "--short=10", "HEAD");
        return commit.Length == 0 ? "unknown"
            : commit + (Git("status", "--porcelain", "--untracked-files=no").Length > 0 ? "+" : "");
    }

    static string Git(params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("git", ["-C", Tree.Root, .. arguments])
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            return process.StandardOutput.ReadToEnd().Trim();
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "";
        }
    }

    static string Processor() => File.Exists("/proc/cpuinfo")
        ? File.ReadLines("/proc/cpuinfo")
            .FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim()
            ?? RuntimeInformation.ProcessArchitecture.ToString()
        : RuntimeInformation.ProcessArchitecture.ToString();
}
