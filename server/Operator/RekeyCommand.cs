using System.CommandLine;
using System.Security.Cryptography;
using Conclave.Server.Storage;

namespace Conclave.Server.Operator;

/// <summary>
/// <c>rekey</c>: another master key. The new one is in a file, on the disk for good, before one commit puts every
/// lobby's key under it; then the files change places. Wherever this is cut off, the old file or the new one opens
/// everything, and running it again finishes it.
/// </summary>
static class RekeyCommand
{
    static readonly Option<string> To = new("--to")
    {
        HelpName = "FILE",
        Description = "Write the new key there and leave the old file alone, where it cannot be replaced (a mounted "
            + "secret); name FILE in CONCLAVE_MASTER_KEY_FILE afterwards.",
    };

    public static Command Build() => CommandTree.Command(
        "rekey",
        "Draws a new master key and puts the keys of all lobbies under it. The server must be stopped. The old key is "
        + "kept in a file beside: backups made until now need it.",
        [To], RunAsync);

    static async Task<int> RunAsync(Errand errand)
    {
        await using var desk = await Desk.OpenAloneAsync(errand);
        desk.RequireMasterKey();
        var path = errand.Settings.MasterKeyPath;
        var next = errand.Get(To) is { } to ? Path.GetFullPath(to) : path + ".new";
        using var successor = MasterKeyFile.LoadOrCreate(next, mayCreate: true);
        if (!string.Equals(successor.Id, desk.Database.MasterKeyId, StringComparison.Ordinal))
        {
            using var masterKey = desk.LoadMasterKey();
            Errand.Note($"{await RewrapAsync(desk, masterKey, successor, errand.Cancellation)} lobby keys are under the"
                + $" new master key {successor.Id}");
        }
        if (errand.Get(To) is not null)
        {
            Errand.Note($"name {next} in CONCLAVE_MASTER_KEY_FILE, and make a copy of it and a new backup");
            Errand.Note($"{path} is the old one: keep it apart, as long as the backups it belongs to");
            return ExitCode.Done;
        }
        string kept;
        using (var old = MasterKeyFile.Load(path))
            kept = $"{path}.{old.Id}";
        MasterKeyFile.Replace(path, next, kept);
        Errand.Note($"{path} is the new master key: make a copy of it, and a new backup");
        Errand.Note($"{kept} is the old one: keep it apart, as long as the backups it belongs to");
        return ExitCode.Done;
    }

    static async Task<long> RewrapAsync(
        Desk desk, MasterKey masterKey, MasterKey successor, CancellationToken cancellation)
    {
        try
        {
            return await LobbyRewrap.RunAsync(desk.Database, masterKey, successor, cancellation);
        }
        catch (CryptographicException fault)
        {
            throw new OperatorException(
                $"nothing was changed: {fault.Message.TrimEnd('.')} (conclave-server check tells more)");
        }
    }
}
