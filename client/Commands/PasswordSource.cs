using System.CommandLine;
using Conclave.Client.Texts;

namespace Conclave.Client.Commands;

/// <summary>
/// Where a command takes a password from: <c>--password-file</c>, CONCLAVE_PASSWORD, a question; never an argument,
/// since the process list shows those to everybody.
/// </summary>
sealed class PasswordSource(HelpTexts help)
{
    const string Variable = "CONCLAVE_PASSWORD";
    const string StandardInput = "-";

    public Option<string> File { get; } = new("--password-file")
    {
        Description = help.PasswordFile,
        HelpName = "FILE",
    };

    /// <summary>The password of a user that exists.</summary>
    public async Task<string> KnownAsync(Visit visit, string login) =>
        await GivenAsync(visit) ?? Ask(visit.Language.Say.AskPassword(login), visit.Language.Say);

    /// <summary>A password for a new user; whoever types one unseen types it twice.</summary>
    public async Task<string> NewAsync(Visit visit, string login)
    {
        var say = visit.Language.Say;
        if (await GivenAsync(visit) is { } given)
            return visit.Input.NewPassword(given);
        var typed = visit.Input.NewPassword(Ask(say.AskNewPassword(login), say));
        if (!string.Equals(typed, Ask(say.AskPasswordAgain, say), StringComparison.Ordinal))
            throw new ClientException(ExitCode.Usage, say.PasswordsDiffer);
        return typed;
    }

    async Task<string?> GivenAsync(Visit visit)
    {
        if (visit.Get(File) is { } path)
            return visit.Input.Piped(await ReadAsync(visit, path));
        var variable = Environment.GetEnvironmentVariable(Variable);
        return string.IsNullOrEmpty(variable) ? null : variable;
    }

    static async Task<byte[]> ReadAsync(Visit visit, string path)
    {
        if (path == StandardInput)
            return await Terminal.ReadAllAsync(Protocol.Login.PasswordBytesMax + 2, visit.Cancellation);
        try
        {
            return await System.IO.File.ReadAllBytesAsync(path, visit.Cancellation);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            var say = visit.Language.Say;
            var message = exception is FileNotFoundException or DirectoryNotFoundException
                ? say.NoSuchFile(path)
                : say.FileUnusable(path, SafeText.OneLine(exception.Message));
            throw new ClientException(ExitCode.Usage, message, say.FileUnusableHint);
        }
    }

    static string Ask(string question, SayTexts say)
    {
        if (!Terminal.CanAsk)
            throw new ClientException(ExitCode.Usage, say.PasswordNeeded, say.PasswordNeededHint);
        return Terminal.AskPassword(question) ?? throw new OperationCanceledException();
    }
}
