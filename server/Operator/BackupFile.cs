using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;
using Conclave.Server.Storage;

namespace Conclave.Server.Operator;

/// <summary>
/// A backup: a zip file with the rows of each table and, last, a manifest. A zip ends with its list of contents, so
/// one that was cut off does not open; and each table's hash is in the manifest.
/// </summary>
static class BackupFile
{
    const string ManifestName = "manifest.json";
    const int BufferBytes = 1 << 16;

    /// <summary>Writes a backup of the database.</summary>
    public static async Task WriteAsync(
        Database database, Stream output, TimeProvider time, CancellationToken cancellation)
    {
        Dictionary<string, string> hashes = [];
        await using var zip = new ZipArchive(output, ZipArchiveMode.Create, leaveOpen: true);
        await BackupTables.ExportAsync(
            database,
            async (table, rows) =>
            {
                await using var entry = await Create(EntryName(table)).OpenAsync(cancellation);
                hashes.Add(table, await CopyAsync(rows, entry, cancellation));
            },
            cancellation);
        var manifest = new BackupManifest
        {
            Format = BackupManifest.CurrentFormat,
            CreatedAt = time.GetUtcNow(),
            MasterKeyId = database.MasterKeyId!,
            Migrations = Database.Migrations,
            Sha256 = hashes,
        };
        await using var last = await Create(ManifestName).OpenAsync(cancellation);
        await JsonSerializer.SerializeAsync(last, manifest, BackupJson.Default.BackupManifest, cancellation);

        // Bodies are ciphertext, which does not shrink; the rest shrinks well also when little is tried.
        ZipArchiveEntry Create(string name) => zip.CreateEntry(name, CompressionLevel.Fastest);
    }

    /// <summary>Opens a backup and makes sure that it is whole.</summary>
    /// <exception cref="OperatorException">It is not, or it is none.</exception>
    public static async Task<(ZipArchive Zip, BackupManifest Manifest)> OpenAsync(
        Stream input, CancellationToken cancellation)
    {
        ZipArchive? zip = null;
        try
        {
            zip = await ZipArchive.CreateAsync(
                input, ZipArchiveMode.Read, leaveOpen: true, entryNameEncoding: null, cancellation);
            var manifest = await ReadManifestAsync(zip, cancellation);
            foreach (var (table, expected) in manifest.Sha256)
            {
                var hash = await ReadAsync(zip, table, Stream.Null, cancellation);
                if (!string.Equals(hash, expected, StringComparison.Ordinal))
                    throw new OperatorException($"the backup is damaged: its table {table} is not what was written");
            }
            return (zip, manifest);
        }
        catch (Exception fault) when (fault is InvalidDataException or JsonException)
        {
            zip?.Dispose();
            throw new OperatorException("this is not a whole backup: it is damaged, was cut off, or is another file");
        }
        catch
        {
            zip?.Dispose();
            throw;
        }
    }

    /// <summary>Copies the rows of a table; returns their hash.</summary>
    public static async Task<string> ReadAsync(
        ZipArchive zip, string table, Stream output, CancellationToken cancellation)
    {
        var entry = zip.GetEntry(EntryName(table)) ?? throw new InvalidDataException("a table is missing");
        await using var rows = await entry.OpenAsync(cancellation);
        return await CopyAsync(rows, output, cancellation);
    }

    static async Task<BackupManifest> ReadManifestAsync(ZipArchive zip, CancellationToken cancellation)
    {
        var entry = zip.GetEntry(ManifestName) ?? throw new InvalidDataException("the manifest is missing");
        await using var text = await entry.OpenAsync(cancellation);
        var manifest = await JsonSerializer.DeserializeAsync(text, BackupJson.Default.BackupManifest, cancellation)
            ?? throw new InvalidDataException("the manifest is empty");
        return manifest.Format == BackupManifest.CurrentFormat
            && manifest.Migrations.All(Database.Migrations.Contains)
            && manifest.Sha256.Keys.All(BackupTables.Names.Contains)
                ? manifest
                : throw new OperatorException("the backup was made by a newer Conclave: restore it with that one");
    }

    static async Task<string> CopyAsync(Stream input, Stream output, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[BufferBytes];
        while (await input.ReadAsync(buffer, cancellation) is > 0 and var count)
        {
            hash.AppendData(buffer, 0, count);
            await output.WriteAsync(buffer.AsMemory(0, count), cancellation);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    static string EntryName(string table) => table + ".copy";
}
