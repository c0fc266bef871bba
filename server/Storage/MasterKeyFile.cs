using System.Buffers;
using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace Conclave.Server.Storage;

/// <summary>
/// The file of the master key: 43 characters of base64url and a newline, readable by its owner only. Losing it means
/// losing every plain lobby, so a new one is on the disk for good before anything is encrypted under it.
/// </summary>
static class MasterKeyFile
{
    const int TextLength = 43;
    const UnixFileMode OthersMask = (UnixFileMode)0b000_111_111;

    /// <summary>Reads the key from its file, or makes both when the file is missing.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="mayCreate">False when the database holds data already: then a missing file is an error.</param>
    /// <exception cref="StartupException">The file is missing, unsafe, malformed or cannot be read.</exception>
    public static MasterKey LoadOrCreate(string path, bool mayCreate) => Guard(path, () =>
    {
        if (mayCreate && !File.Exists(path))
            Create(path);
        return Read(path);
    });

    /// <summary>Reads the key from its file.</summary>
    /// <exception cref="StartupException">The file is missing, unsafe, malformed or cannot be read.</exception>
    public static MasterKey Load(string path) => Guard(path, () => Read(path));

    /// <summary>
    /// Puts the key of <paramref name="next"/> into <paramref name="path"/>, and what was there into
    /// <paramref name="kept"/>. Whenever this is cut off, both keys are in a file, and one of them in its place.
    /// </summary>
    /// <exception cref="StartupException">The files cannot be written.</exception>
    public static void Replace(string path, string next, string kept) => Guard(path, () =>
    {
        File.Copy(path, kept, overwrite: true);
        using (var copy = File.OpenHandle(kept, FileMode.Open, FileAccess.ReadWrite))
            RandomAccess.FlushToDisk(copy);
        FlushFolder(FolderOf(kept));
        File.Move(next, path, overwrite: true);
        FlushFolder(FolderOf(path));
        return path;
    });

    static T Guard<T>(string path, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"The master key {path} cannot be read or created: {e.Message}");
        }
    }

    static MasterKey Read(string path)
    {
        if (!File.Exists(path))
        {
            throw new StartupException(
                $"The database holds data but its master key {path} is missing: restore that file from your "
                + "backup, or name it in CONCLAVE_MASTER_KEY_FILE.");
        }

        using var file = File.OpenHandle(path);
        // Asked of the open file, not of the path: nobody can swap it between the check and the read.
        if ((File.GetUnixFileMode(file) & OthersMask) != UnixFileMode.None)
        {
            throw new StartupException($"Others than its owner may read the master key {path}: run chmod 600 on it.");
        }

        // Room for a line end and one byte more, which tells that the file is too long.
        Span<byte> text = stackalloc byte[TextLength + 3];
        Span<byte> key = stackalloc byte[MasterKey.KeyBytes];
        try
        {
            var length = RandomAccess.Read(file, text, fileOffset: 0);
            if (length == text.Length || !TryParse(text[..length], key))
            {
                throw new StartupException(
                    $"The master key {path} is not one line of {TextLength} base64url characters: restore it from "
                    + "your backup, or, if no data were ever stored, delete it.");
            }

            return new MasterKey(key);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(text);
            CryptographicOperations.ZeroMemory(key);
        }
    }

    static bool TryParse(ReadOnlySpan<byte> text, Span<byte> key)
    {
        // A secret that a container system mounts often has no newline, an edited one a Windows one.
        text = text.TrimEnd("\r\n"u8);
        return text.Length == TextLength
            && Base64Url.DecodeFromUtf8(text, key, out _, out var written) == OperationStatus.Done
            && written == MasterKey.KeyBytes;
    }

    /// <summary>Two servers may do this at the same time: the file that comes first stays.</summary>
    static void Create(string path)
    {
        var temporary = $"{path}.{Guid.NewGuid():N}.new";
        Span<byte> key = stackalloc byte[MasterKey.KeyBytes];
        Span<byte> text = stackalloc byte[TextLength + 1];
        try
        {
            RandomNumberGenerator.Fill(key);
            Base64Url.EncodeToUtf8(key, text);
            text[TextLength] = (byte)'\n';
            WriteNew(temporary, text);
            MoveUnlessThere(temporary, path);
            FlushFolder(FolderOf(path));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
            CryptographicOperations.ZeroMemory(text);
            File.Delete(temporary);
        }
    }

    static string FolderOf(string path) => Path.GetDirectoryName(Path.GetFullPath(path))!;

    static void WriteNew(string path, ReadOnlySpan<byte> text)
    {
        using var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            BufferSize = 0,
        });
        file.Write(text);
        file.Flush(flushToDisk: true);
    }

    static void MoveUnlessThere(string temporary, string path)
    {
        try
        {
            File.Move(temporary, path, overwrite: false);
        }
        catch (IOException) when (File.Exists(path))
        {
            // The other server's file is complete, since it too came here by one move.
        }
    }

    /// <summary>
    /// A new file's name is on the disk only when its folder is, and .NET opens no folders. Without this, a power cut
    /// could keep what a remote database committed and lose the key to it.
    /// </summary>
    static void FlushFolder(string folder)
    {
        const int ReadOnly = 0;
        using var handle = new SafeFileHandle(OpenFolder(folder, ReadOnly), ownsHandle: true);
        if (handle.IsInvalid)
        {
            throw new IOException($"{folder} cannot be opened to be flushed.");
        }

        RandomAccess.FlushToDisk(handle);
    }

    [DllImport("libc", EntryPoint = "open", BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    static extern int OpenFolder([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);
}
