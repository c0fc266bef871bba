using System.CommandLine;
using Conclave.Server.Storage;

namespace Conclave.Server.Operator;

/// <summary>
/// <c>restore FILE</c>: makes the database what it was when the backup was made, in one transaction. Nothing is touched
/// before the backup is known to be whole and its master key to be here.
/// </summary>
static class RestoreCommand
{
    const string StandardInput = "-";

    static readonly Argument<string> Source = new("FILE") { Description = "The backup; - is standard input." };

    static readonly Option<bool> Force = new("--force")
    {
        Description = "Replace the data that the database holds; they are lost.",
    };

    public static Command Build() => CommandTree.Command(
        "restore",
        "Restores a backup. The server must be stopped, and the master key of the backup be in its place. Everybody "
        + "has to sign in again.",
        [Source, Force], RunAsync);

    static async Task<int> RunAsync(Errand errand)
    {
        await using var input = await OpenAsync(errand);
        var (zip, manifest) = await BackupFile.OpenAsync(input, errand.Cancellation);
        using (zip)
        {
            RequireKey(errand.Settings, manifest);
            await using var desk = await Desk.OpenOrMakeAsync(errand);
            if (!errand.Get(Force) && await BackupTables.HoldDataAsync(desk.Database, errand.Cancellation))
            {
                throw new OperatorException("the database holds data already: restore into an empty one, or replace"
                    + " what is there with --force (make a backup of it first)");
            }
            var tables = manifest.Sha256.Keys.ToDictionary(
                table => table,
                Func<Stream, Task> (table) => rows => BackupFile.ReadAsync(zip, table, rows, errand.Cancellation));
            await BackupTables.ImportAsync(desk.Database, manifest.Migrations, tables, errand.Cancellation);
            await desk.BringUpToDateAsync(errand.Cancellation);
        }
        Errand.Note($"restored what was there at {Errand.Text(manifest.CreatedAt)}; start the server, and see with"
            + " conclave-server check that all is well");
        return ExitCode.Done;
    }

    static void RequireKey(Settings settings, BackupManifest manifest)
    {
        using var masterKey = MasterKeyFile.Load(settings.MasterKeyPath);
        if (!string.Equals(masterKey.Id, manifest.MasterKeyId, StringComparison.Ordinal))
        {
            throw new OperatorException($"the backup takes the master key {manifest.MasterKeyId}, and"
                + $" {settings.MasterKeyPath} is {masterKey.Id}: put the right file in place"
                + " (CONCLAVE_MASTER_KEY_FILE)");
        }
    }

    static async Task<Stream> OpenAsync(Errand errand)
    {
        var source = errand.Get(Source);
        try
        {
            return source == StandardInput ? await SpoolAsync(errand) : File.OpenRead(source);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"{source} cannot be read: {fault.Message}");
        }
    }

    // A zip is read from its end.
    static async Task<Stream> SpoolAsync(Errand errand)
    {
        Directory.CreateDirectory(
            errand.Settings.DataPath, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var path = Path.Combine(errand.Settings.DataPath, $"restore.{Guid.NewGuid():N}");
        var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Options = FileOptions.Asynchronous | FileOptions.DeleteOnClose,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        await using var input = Console.OpenStandardInput();
        await input.CopyToAsync(file, errand.Cancellation);
        return file;
    }
}
