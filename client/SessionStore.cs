using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Conclave.Client.Texts;

namespace Conclave.Client;

/// <summary>
/// Keeps the sessions in the user's configuration folder, one file for each server, so that signing in at one server
/// cannot race with signing in at another. Only the owner may read a file; one that others can read is refused, since
/// whoever read it may already be using the token.
/// </summary>
/// <param name="folder">The folder; made when the first session is kept.</param>
/// <param name="language">For what can go wrong.</param>
sealed class SessionStore(string folder, Language language)
{
    const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>
    /// <c>$CONCLAVE_CONFIG</c>, or <c>conclave</c> in <c>$XDG_CONFIG_HOME</c> or, if that is not set, in
    /// <c>~/.config</c> or its like on other systems.
    /// </summary>
    public static string DefaultFolder() => FolderOf("CONCLAVE_CONFIG", Environment.SpecialFolder.ApplicationData);

    /// <summary>The folder that a variable names, or else ours in one that the system has for such things.</summary>
    public static string FolderOf(string variable, Environment.SpecialFolder system)
    {
        var chosen = Environment.GetEnvironmentVariable(variable);
        // The system's honour the variables of XDG; DoNotVerify returns the path before the folder exists.
        return !string.IsNullOrEmpty(chosen)
            ? Path.GetFullPath(chosen)
            : Path.Combine(
                Environment.GetFolderPath(system, Environment.SpecialFolderOption.DoNotVerify), "conclave");
    }

    /// <summary>The session at <paramref name="server"/>, or null if nobody is signed in there.</summary>
    /// <exception cref="ClientException">The file is not the owner's alone, or cannot be read.</exception>
    public Session? Find(Uri server)
    {
        var path = PathOf(server);
        if (!OperatingSystem.IsWindows() && File.Exists(path)
            && (File.GetUnixFileMode(path) & Others) != UnixFileMode.None)
        {
            throw new ClientException(
                ExitCode.Error, language.Say.SessionFileOpen(path), language.Say.SessionFileOpenHint(path));
        }
        return FindToEnd(server);
    }

    /// <summary>The same for signing out, which is the very cure for a file that others can read.</summary>
    /// <exception cref="ClientException">The file cannot be read.</exception>
    public Session? FindToEnd(Uri server)
    {
        var path = PathOf(server);
        try
        {
            if (!File.Exists(path))
                return null;
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), SessionJson.Default.Session);
        }
        catch (JsonException)
        {
            throw new ClientException(
                ExitCode.Error, language.Say.SessionFileBroken(path), language.Say.SessionFileBrokenHint);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Unusable(path, exception);
        }
    }

    /// <summary>Every server somebody is signed in at; a file that cannot be read is passed over.</summary>
    public IEnumerable<string> Servers()
    {
        if (!Directory.Exists(folder))
            yield break;
        foreach (var path in Directory.EnumerateFiles(folder, "session-*.json").Order(StringComparer.Ordinal))
        {
            string? server = null;
            try
            {
                server = JsonSerializer.Deserialize(File.ReadAllBytes(path), SessionJson.Default.Session)?.Server;
            }
            catch (Exception exception)
                when (exception is IOException or UnauthorizedAccessException or JsonException)
            {
                // This only feeds a hint. The command that needs the file says what is wrong with it.
            }
            if (server is not null)
                yield return server;
        }
    }

    /// <summary>Keeps <paramref name="session"/> in place of the one for its server; whole or not at all.</summary>
    /// <exception cref="ClientException">The folder cannot be written to.</exception>
    public void Keep(Session session)
    {
        var path = PathOf(new Uri(session.Server));
        try
        {
            MakeFolder();
            // A name nobody can have prepared, and CreateNew, so that no link planted there is followed.
            var draft = path + "." + Guid.NewGuid().ToString("N") + ".tmp";
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = OwnerOnly;
            using (var file = new FileStream(draft, options))
            {
                JsonSerializer.Serialize(file, session, SessionJson.Default.Session);
                file.Flush(flushToDisk: true);
            }
            File.Move(draft, path, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Unusable(path, exception);
        }
    }

    /// <summary>Forgets the session at <paramref name="server"/>, if there is one.</summary>
    /// <exception cref="ClientException">The file cannot be removed.</exception>
    public void Forget(Uri server)
    {
        var path = PathOf(server);
        try
        {
            if (File.Exists(path))
                File.Delete(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Unusable(path, exception);
        }
    }

    void MakeFolder()
    {
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(folder);
        else
            Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
    }

    // The readable part is for the person who looks into the folder; the hash tells apart what it folds together.
    string PathOf(Uri server)
    {
        var readable = string.Concat(
            server.Authority.Select(sign => char.IsAsciiLetterOrDigit(sign) || sign is '.' or '-' ? sign : '_'));
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(server.AbsoluteUri)).AsSpan(0, 4));
        return Path.Combine(folder, $"session-{readable}-{hash}.json");
    }

    ClientException Unusable(string path, Exception exception) =>
        new(ExitCode.Error, language.Say.FileUnusable(path, exception.Message), language.Say.FileUnusableHint);
}
