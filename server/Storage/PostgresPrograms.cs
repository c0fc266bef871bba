using System.Globalization;
using System.Text.RegularExpressions;

namespace Conclave.Server.Storage;

/// <summary>An installed PostgreSQL: the folder that holds initdb and postgres, and their major version.</summary>
sealed partial record PostgresPrograms(string Folder, int Major)
{
    const int MajorMin = 12;

    // Distributions keep each version's programs in a folder of its own, outside PATH.
    static readonly (string Parent, string Name)[] UsualPlaces =
    [
        ("/usr/lib/postgresql", "*"),
        ("/usr", "pgsql-*"),
        ("/usr/libexec", "postgresql*"),
        ("/opt/homebrew/opt", "postgresql@*"),
        ("/usr/local/opt", "postgresql@*"),
        ("/usr/local", "pgsql"),
    ];

    public string Initdb => Path.Combine(Folder, "initdb");

    public string Postgres => Path.Combine(Folder, "postgres");

    /// <summary>Finds programs for the data of <paramref name="dataMajor"/>, or for new data if that is null.</summary>
    public static async Task<PostgresPrograms> FindAsync(
        string? named, int? dataMajor, PostgresAccount account, CancellationToken cancellation)
    {
        var seen = new List<PostgresPrograms>();
        foreach (var folder in named is null ? Places() : [named])
        {
            if (await LookAsync(folder, account, cancellation) is not { } programs)
            {
                continue;
            }

            if (programs.Major >= MajorMin && programs.Major == (dataMajor ?? programs.Major))
            {
                return programs;
            }

            seen.Add(programs);
        }

        throw new StartupException(WhyNone(named, dataMajor, seen));
    }

    /// <summary>Where a shell looks for programs, and where it would look if it were root's.</summary>
    public static IEnumerable<string> SearchPath() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
        .Where(Path.IsPathRooted)
        .Concat(["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"])
        .Distinct();

    static IEnumerable<string> Places() => SearchPath().Concat(
        from place in UsualPlaces
        where Directory.Exists(place.Parent)
        from folder in Directory.EnumerateDirectories(place.Parent, place.Name)
            .OrderByDescending(folder => Number().Match(Path.GetFileName(folder)) is { Success: true } number
                ? double.Parse(number.ValueSpan, CultureInfo.InvariantCulture)
                : 0)
        select Path.Combine(folder, "bin"));

    static async Task<PostgresPrograms?> LookAsync(
        string folder, PostgresAccount account, CancellationToken cancellation)
    {
        var programs = new PostgresPrograms(folder, 0);
        if (!File.Exists(programs.Initdb) || !File.Exists(programs.Postgres))
        {
            return null;
        }

        // "postgres (PostgreSQL) 15.12 (Debian ...)": before 10 the major version had two parts, all of them too old.
        var (_, answer) = await account.RunAsync(programs.Postgres, ["--version"], cancellation);
        return Number().Match(answer) is { Success: true } version
            ? programs with { Major = (int)double.Parse(version.ValueSpan, CultureInfo.InvariantCulture) }
            : throw new StartupException($"{programs.Postgres} does not tell its version: {answer}");
    }

    static string WhyNone(string? named, int? dataMajor, List<PostgresPrograms> seen)
    {
        const string Install =
            "apt-get install postgresql, dnf install postgresql-server or brew install postgresql@17";
        var found = string.Join(" and ", seen.Select(programs => $"{programs.Major} in {programs.Folder}"));
        return (dataMajor, seen) switch
        {
            (_, []) when named is not null =>
                $"There is no initdb and postgres in {named}: correct CONCLAVE_POSTGRES_BIN.",
            (null, []) => $"PostgreSQL is not installed: {Install}, or name a database in CONCLAVE_DATABASE.",
            (null, _) => $"Conclave needs PostgreSQL {MajorMin} or newer and found {found}: {Install}.",
            (_, []) => $"The data were written by PostgreSQL {dataMajor}, which is not installed: install it.",
            _ => $"The data were written by PostgreSQL {dataMajor}, but here is {found}: install version {dataMajor}, "
                + "or move the data with pg_dump.",
        };
    }

    [GeneratedRegex(@"\d+(\.\d+)?", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Number();
}
