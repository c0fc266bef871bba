using System.Diagnostics;

namespace Conclave.Server.Storage;

/// <summary>
/// The operating system's user that PostgreSQL runs as. PostgreSQL refuses root, so a server that is root runs it as an
/// unprivileged user; any other server runs it as itself.
/// </summary>
sealed class PostgresAccount
{
    static readonly string[] Unprivileged = ["postgres", "nobody"];

    // What stands in front of a command to run it as the account; empty when the account is ours.
    readonly string[] _switch;
    readonly string? _name;

    PostgresAccount(string? name, string[] @switch)
    {
        _name = name;
        _switch = @switch;
    }

    public static async Task<PostgresAccount> FindAsync(CancellationToken cancellation)
    {
        var ourselves = new PostgresAccount(null, []);
        if (!Environment.IsPrivilegedProcess)
        {
            return ourselves;
        }

        foreach (var name in Unprivileged)
        {
            var (exitCode, userId) = await ourselves.RunAsync("id", ["-u", name], cancellation);
            if (exitCode == 0)
            {
                var (_, groupId) = await ourselves.RunAsync("id", ["-g", name], cancellation);
                return new PostgresAccount(name, Switch(name, userId, groupId));
            }
        }

        throw new StartupException(
            "PostgreSQL will not run as root, and there is no user postgres or nobody: run the server as another one.");
    }

    /// <summary>Whether a program exists where a shell would find it.</summary>
    public static bool HasProgram(string name) => PostgresPrograms.SearchPath().Any(
        folder => File.Exists(Path.Combine(folder, name)));

    /// <summary>A command of the account, away from our working folder, our terminal and our settings.</summary>
    public ProcessStartInfo Command(string program, IEnumerable<string> arguments)
    {
        string[] words = [.. _switch, program, .. arguments];
        var command = new ProcessStartInfo(words[0], words[1..])
        {
            UseShellExecute = false,
            WorkingDirectory = "/",
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // PGOPTIONS or PGPORT of the caller's shell would steer our cluster; our own settings are none of its business.
        foreach (var name in command.Environment.Keys.Where(IsForeign).ToArray())
        {
            command.Environment.Remove(name);
        }

        command.Environment["LC_ALL"] = "C";
        return command;
    }

    public async Task<(int ExitCode, string Output)> RunAsync(
        string program, IEnumerable<string> arguments, CancellationToken cancellation)
    {
        using var process = Process.Start(Command(program, arguments))!;
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(cancellation);
        var errors = process.StandardError.ReadToEndAsync(cancellation);
        var text = await output + await errors;
        await process.WaitForExitAsync(cancellation);
        return (process.ExitCode, text.Trim());
    }

    /// <summary>Makes a folder that only the account can look into. Its parent must be ours alone to write.</summary>
    public async Task CreateFolderAsync(string path, CancellationToken cancellation)
    {
        Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        if (_name is not null)
        {
            await new PostgresAccount(null, []).RunAsync("chown", [_name, path], cancellation);
        }
    }

    /// <summary>Lets the account pass through a folder of ours to its own, without seeing what else is there.</summary>
    public void OpenPassage(string folder)
    {
        if (_name is not null)
        {
            File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | UnixFileMode.OtherExecute);
        }
    }

    /// <summary>Fails by naming the first folder on the way that the account may not pass.</summary>
    public async Task RequirePassageAsync(string folder, CancellationToken cancellation)
    {
        var way = new List<string>();
        for (var step = folder; step is not null; step = Path.GetDirectoryName(step))
        {
            way.Insert(0, step);
        }

        // The account itself is asked, because permission bits are not all that decides.
        const string FirstClosed = """for step do [ -x "$step" ] || { echo "$step"; exit 1; }; done""";
        var (exitCode, answer) = await RunAsync("sh", ["-c", FirstClosed, "sh", .. way], cancellation);
        if (exitCode != 0)
        {
            throw new StartupException(_name is null
                ? $"PostgreSQL cannot run in {folder}: {answer}"
                : $"PostgreSQL runs as user {_name} here, who may not pass {answer}: name another folder in "
                + $"CONCLAVE_DATA (such as /var/lib/conclave), or allow it with chmod o+x {answer}");
        }
    }

    static bool IsForeign(string variable) =>
        variable.StartsWith("PG", StringComparison.Ordinal)
        || variable.StartsWith("CONCLAVE_", StringComparison.Ordinal);

    static string[] Switch(string name, string userId, string groupId) =>
        HasProgram("setpriv") ? ["setpriv", $"--reuid={userId}", $"--regid={groupId}", "--init-groups", "--"]
        : HasProgram("runuser") ? ["runuser", "-u", name, "--"]
        : ["su", "-s", "/bin/sh", "-c", """exec "$0" "$@" """, "--", name];
}
