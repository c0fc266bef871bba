using System.Diagnostics;
using System.Globalization;
using Conclave.Server.Storage;

namespace Conclave.Bench.Rounds;

/// <summary>
/// What one commit of one row costs on the same PostgreSQL, measured by PostgreSQL's own pgbench: the yardstick of a
/// post that nobody shares a commit with. The table is made like the log, with its indexes.
/// </summary>
static class SingleInsert
{
    const string LogName = "pgbench";

    const string Table =
        """
        CREATE TABLE IF NOT EXISTS single (LIKE entries INCLUDING ALL);
        CREATE SEQUENCE IF NOT EXISTS single_seq;
        """;

    // 256 bytes of row_data and what encryption adds to them.
    const string Script =
        """
        INSERT INTO single (lobby_id, seq, kind, author, sent_at, nonce, body)
        VALUES ('30000000-0000-4000-8000-000000000000', nextval('single_seq'), 6,
            '20000000-0000-4000-8000-000000000000', clock_timestamp(), md5(random()::text)::uuid,
            decode(repeat('ab', 297), 'hex'));
        """;

    /// <summary>Null if there is no pgbench here.</summary>
    public static async Task<Run?> RunAsync(Site site, int seconds, CancellationToken cancellation)
    {
        await Site.ExecuteAsync(site.Conclave.Database, Table, cancellation);
        if (await FindAsync(cancellation) is not { } pgbench)
            return null;
        var script = Path.Combine(site.Path, "insert.sql");
        await File.WriteAllTextAsync(script, Script.ReplaceLineEndings(" "), cancellation);
        var log = Path.Combine(site.Path, LogName);
        var text = seconds.ToString(CultureInfo.InvariantCulture);
        var command = Child.Command(pgbench,
        [
            "--no-vacuum", "--client=1", "--protocol=prepared", "--time=" + text, "--file=" + script, "--log",
            "--log-prefix=" + log, "--host=" + site.SocketFolder, "--username=conclave", "conclave",
        ]);
        using var process = Process.Start(command)!;
        var output = process.StandardOutput.ReadToEndAsync(cancellation);
        var errors = process.StandardError.ReadToEndAsync(cancellation);
        await Task.WhenAll(output, errors);
        await process.WaitForExitAsync(cancellation);
        if (process.ExitCode != 0)
            return new Run { Target = "pgbench", Errors = ["pgbench failed: " + (await errors).Trim()] };
        return await ReadAsync(site.Path, cancellation);
    }

    // A line for each transaction; its third field is how long it took, in microseconds.
    static async Task<Run> ReadAsync(string folder, CancellationToken cancellation)
    {
        List<double> times = [];
        foreach (var file in Directory.EnumerateFiles(folder, LogName + ".*"))
        {
            await foreach (var line in File.ReadLinesAsync(file, cancellation))
                times.Add(double.Parse(line.Split(' ')[2], CultureInfo.InvariantCulture));
            File.Delete(file);
        }
        times.Sort();
        return new Run
        {
            Workload = "single insert",
            Target = "pgbench",
            Posts = times.Count,
            PostsPerSecond = times.Count / (times.Sum() / 1e6),
            P50 = times[times.Count / 2],
            P99 = times[(int)(times.Count * 0.99)],
            Max = times[^1],
        };
    }

    // It comes with PostgreSQL's programs, or with its packages of extras.
    static async Task<string?> FindAsync(CancellationToken cancellation)
    {
        var account = await PostgresAccount.FindAsync(cancellation);
        var programs = await PostgresPrograms.FindAsync(
            Environment.GetEnvironmentVariable("CONCLAVE_POSTGRES_BIN"), null, account, cancellation);
        var beside = Path.Combine(programs.Folder, "pgbench");
        return PostgresPrograms.SearchPath().Select(folder => Path.Combine(folder, "pgbench")).Prepend(beside)
            .FirstOrDefault(File.Exists);
    }
}
