using System.Globalization;

namespace Conclave.Bench.Load;

/// <summary>What the kernel notes about processes, with a clock that ticks 100 times a second everywhere.</summary>
static class Processes
{
    const long MicrosecondsPerTick = 10_000;

    /// <summary>Processor time of one process so far, in microseconds; 0 if there is none.</summary>
    public static long Time(int process) =>
        process > 0 && Read(process) is { } stat ? (stat.Own * MicrosecondsPerTick) : 0;

    /// <summary>The same of a process, its children, and those of its children that have ended.</summary>
    public static long TreeTime(int process)
    {
        if (process <= 0 || Read(process) is not { } parent)
            return 0;
        var ticks = parent.Own + parent.Ended;
        var text = process.ToString(CultureInfo.InvariantCulture);
        var children = File.ReadAllText($"/proc/{text}/task/{text}/children");
        foreach (var child in children.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (Read(int.Parse(child, CultureInfo.InvariantCulture)) is { } stat)
                ticks += stat.Own + stat.Ended;
        }
        return ticks * MicrosecondsPerTick;
    }

    /// <summary>Resident memory in KiB; 0 if there is no such process.</summary>
    public static long ResidentKib(int process)
    {
        var path = $"/proc/{process.ToString(CultureInfo.InvariantCulture)}/status";
        var line = process > 0 && File.Exists(path)
            ? File.ReadLines(path).FirstOrDefault(text => text.StartsWith("VmRSS:", StringComparison.Ordinal))
            : null;
        return line is null ? 0 : long.Parse(line.Split(' ')[^2], CultureInfo.InvariantCulture);
    }

    static (int Parent, long Own, long Ended)? Read(int process)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{process.ToString(CultureInfo.InvariantCulture)}/stat");
            // The name before may have blanks and parentheses of its own.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            long Ticks(int index) => long.Parse(fields[index], CultureInfo.InvariantCulture);
            return ((int)Ticks(1), Ticks(11) + Ticks(12), Ticks(13) + Ticks(14));
        }
        catch (IOException)
        {
            // It has just ended; its parent has its time.
            return null;
        }
    }
}
