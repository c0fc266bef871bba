using System.CommandLine;

namespace Conclave.Server.Operator;

/// <summary><c>backup FILE</c>: everything but the master key and the sessions, as it was at one moment.</summary>
static class BackupCommand
{
    const string StandardOutput = "-";

    static readonly Argument<string> Target = new("FILE")
    {
        Description = "The file to make; - is standard output.",
    };

    public static Command Build() => CommandTree.Command(
        "backup",
        "Writes a backup of the database to a file; the server may run meanwhile. It takes the master key, which is "
        + "not in it, to read the messages: keep the two apart.",
        [Target], RunAsync);

    static async Task<int> RunAsync(Errand errand)
    {
        var target = errand.Get(Target);
        await using var desk = await Desk.OpenAsync(errand);
        desk.RequireMasterKey();
        if (target == StandardOutput)
        {
            await using var output = Console.OpenStandardOutput();
            await BackupFile.WriteAsync(desk.Database, output, TimeProvider.System, errand.Cancellation);
        }
        else
        {
            await WriteAsync(desk, target, errand.Cancellation);
        }
        Errand.Note($"the backup is complete; it takes the master key {desk.Database.MasterKeyId} to read it");
        return ExitCode.Done;
    }

    // Under another name until it is whole and on the disk: what has the right name is a backup.
    static async Task WriteAsync(Desk desk, string target, CancellationToken cancellation)
    {
        var unfinished = target + ".unfinished";
        try
        {
            if (File.Exists(target))
                throw new OperatorException($"{target} exists, and no backup is ever overwritten: name another file");
            await using (var output = new FileStream(unfinished, new FileStreamOptions
            {
                Mode = FileMode.Create,
                Access = FileAccess.Write,
                Options = FileOptions.Asynchronous,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            }))
            {
                await BackupFile.WriteAsync(desk.Database, output, TimeProvider.System, cancellation);
                output.Flush(flushToDisk: true);
            }
            File.Move(unfinished, target, overwrite: false);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"{target} cannot be written: {fault.Message}");
        }
        finally
        {
            File.Delete(unfinished);
        }
    }
}
