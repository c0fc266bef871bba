using System.CommandLine;
using Conclave.Client.Texts;

namespace Conclave.Client.Commands;

/// <summary>
/// Where a command takes a secret from: a file named by an option, an environment variable, a question; never an
/// argument, since the process list shows those to everybody.
/// </summary>
sealed class PasswordSource
{
    const string StandardInput = "-";

    readonly string _variable;

    PasswordSource(string option, string variable, string description)
    {
        File = new Option<string>(option) { Description = description, HelpName = "FILE" };
        _variable = variable;
    }

    public Option<string> File { get; }

    /// <summary>The password of a user: <c>--password-file</c>, CONCLAVE_PASSWORD.</summary>
    public static PasswordSource OfUser(HelpTexts help) =>
        new("--password-file", "CONCLAVE_PASSWORD", help.PasswordFile);

    /// <summary>The password to be: <c>--new-password-file</c>, CONCLAVE_NEW_PASSWORD.</summary>
    public static PasswordSource OfNew(HelpTexts help) =>
        new("--new-password-file", "CONCLAVE_NEW_PASSWORD", help.NewPasswordFile);

    /// <summary>What the operator gives out: <c>--code-file</c>, CONCLAVE_REGISTRATION_CODE.</summary>
    public static PasswordSource OfCode(HelpTexts help) =>
        new("--code-file", "CONCLAVE_REGISTRATION_CODE", help.CodeFile);

    /// <summary>An identity on paper: <c>--recovery-file</c>, CONCLAVE_RECOVERY_CODE.</summary>
    public static PasswordSource OfRecovery(SealHelpTexts help) =>
        new("--recovery-file", "CONCLAVE_RECOVERY_CODE", help.RecoveryFile);

    /// <summary>The password of a user that exists.</summary>
    public Task<string> KnownAsync(Visit visit, string login) =>
        AskedAsync(visit, visit.Language.Say.AskPassword(login));

    /// <summary>What is given, or else the answer to a question.</summary>
    public async Task<string> AskedAsync(Visit visit, string question) =>
        await GivenAsync(visit) ?? Ask(question, visit.Language.Say);

    /// <summary>A password to be; whoever types one unseen types it twice.</summary>
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

    /// <summary>What the file or the variable has; null if neither is given.</summary>
    public async Task<string?> GivenAsync(Visit visit)
    {
        if (visit.Get(File) is { } path)
            return visit.Input.Piped(await ReadAsync(visit, path, Protocol.Login.PasswordBytesMax + 2));
        var variable = Environment.GetEnvironmentVariable(_variable);
        return string.IsNullOrEmpty(variable) ? null : variable;
    }

    /// <summary>What a file has, or standard input up to a limit.</summary>
    public static async Task<byte[]> ReadAsync(Visit visit, string path, int bytesMax)
    {
        if (path == StandardInput)
            return await Terminal.ReadAllAsync(bytesMax, visit.Cancellation);
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

    string Ask(string question, SayTexts say)
    {
        if (!Terminal.CanAsk)
            throw new ClientException(ExitCode.Usage, say.PasswordNeeded, say.PasswordNeededHint(File.Name, _variable));
        return Terminal.AskPassword(question) ?? throw new OperationCanceledException();
    }
}
