namespace Conclave.Server.Storage;

/// <summary>The folder where one server keeps everything it has on disk. One server holds it at a time.</summary>
sealed class DataFolder : IDisposable
{
    // What the system answers when another process holds the lock: EWOULDBLOCK, on Linux and on macOS.
    const int LockedOnLinux = 11;
    const int LockedOnMacOS = 35;

    // The system drops the lock with its process, so a killed server leaves nothing to clean up.
    readonly FileStream _lock;

    DataFolder(string path, FileStream @lock)
    {
        Path = path;
        _lock = @lock;
    }

    public string Path { get; }

    public static DataFolder Open(string path) => TryOpen(path) ?? throw new StartupException(
        $"Another server is using the data folder {System.IO.Path.GetFullPath(path)}: stop it, or name another folder"
        + " in CONCLAVE_DATA.");

    /// <summary>The folder; null while another process holds it.</summary>
    public static DataFolder? TryOpen(string path)
    {
        var full = System.IO.Path.GetFullPath(path);
        try
        {
            Directory.CreateDirectory(full, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            return new DataFolder(full, new FileStream(System.IO.Path.Combine(full, "lock"), new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            }));
        }
        catch (IOException failure) when (failure.HResult is LockedOnLinux or LockedOnMacOS)
        {
            return null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new StartupException(
                $"The data folder {full} cannot be used ({failure.Message}): name another one in CONCLAVE_DATA.");
        }
    }

    public void Dispose() => _lock.Dispose();
}
