using Conclave.Client.Texts;
using Conclave.Sdk;

namespace Conclave.Client;

/// <summary>Files of this computer on their way into a lobby and out of it.</summary>
static class LocalFile
{
    /// <exception cref="ClientException">It cannot be read.</exception>
    public static FileStream Open(string path, Language language)
    {
        RequireNoFolder(path, language);
        try
        {
            return File.OpenRead(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Unusable(path, exception, language);
        }
    }

    /// <returns>The path.</returns>
    /// <exception cref="ClientException">There is a folder of this name.</exception>
    public static string RequireNoFolder(string path, Language language) => Directory.Exists(path)
        ? throw new ClientException(
            ExitCode.Usage, language.Seal.IsFolder(SafeText.OneLine(path)), language.Say.FileUnusableHint)
        : path;

    /// <summary>Writes a file that only its owner can read; whole, or not at all.</summary>
    /// <param name="path">Where; what is there is replaced.</param>
    /// <param name="write">Fills it; null if there is nothing to fill it with.</param>
    /// <param name="language">For what can go wrong.</param>
    /// <exception cref="ClientException">It cannot be written.</exception>
    public static async Task<LobbyFile?> WriteAsync(
        string path, Func<Stream, Task<LobbyFile?>> write, Language language)
    {
        RequireNoFolder(path, language);
        var draft = path + "." + Guid.NewGuid().ToString("N") + ".tmp";
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            LobbyFile? written;
            await using (var file = new FileStream(draft, options))
                written = await write(file);
            if (written is not null)
                File.Move(draft, path, overwrite: true);
            return written;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Unusable(path, exception, language);
        }
        finally
        {
            if (File.Exists(draft))
                File.Delete(draft);
        }
    }

    static ClientException Unusable(string path, Exception exception, Language language)
    {
        var shown = SafeText.OneLine(path);
        var message = exception is FileNotFoundException or DirectoryNotFoundException
            ? language.Say.NoSuchFile(shown)
            : language.Say.FileUnusable(shown, SafeText.OneLine(exception.Message));
        return new ClientException(ExitCode.Usage, message, language.Say.FileUnusableHint);
    }
}
