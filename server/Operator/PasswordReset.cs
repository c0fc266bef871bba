using System.Buffers.Text;
using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;
using Conclave.Protocol;
using Conclave.Server.Accounts;
using Conclave.Server.Storage;

namespace Conclave.Server.Operator;

/// <summary>
/// <c>user reset-password</c>. The new password is asked for, comes from a file or a pipe, or is drawn and shown once;
/// never an argument, since the process list shows those to everybody.
/// </summary>
static class PasswordReset
{
    // 120 random bits.
    const int DrawnBytes = 15;

    static readonly Option<string> FromFile = new("--password-file")
    {
        HelpName = "FILE",
        Description = "A file whose one line is the new password; - is standard input.",
    };

    static readonly Option<bool> Generate = new("--generate")
    {
        Description = "Draw a password and print it, this once.",
    };

    public static Command Build(Argument<string> login) => CommandTree.Command(
        "reset-password", "Gives the user another password, and ends all their sessions.",
        [login, FromFile, Generate],
        async errand =>
        {
            await using var desk = await Desk.OpenAsync(errand);
            var users = new UserLedger(desk.Database);
            var person = await UserCommands.FindAsync(users, errand.Get(login), errand.Cancellation);
            var password = await TakeAsync(errand);
            try
            {
                using var hasher = new PasswordHasher(Limits.Default);
                var hash = await hasher.HashAsync(password, errand.Cancellation);
                await users.SetPasswordAsync(person.PublicToken, hash!, errand.Cancellation);
                if (errand.Get(Generate))
                    await Console.Out.WriteLineAsync(Encoding.UTF8.GetString(password));
            }
            finally
            {
                CryptographicOperations.ZeroMemory(password);
            }
            Errand.Note($"{person.Login} has a new password; all their sessions have ended");
            return ExitCode.Done;
        });

    static async Task<byte[]> TakeAsync(Errand errand)
    {
        var file = errand.Get(FromFile);
        if (errand.Get(Generate))
        {
            return file is null
                ? Encoding.UTF8.GetBytes(Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(DrawnBytes)))
                : throw new OperatorException("--generate and --password-file exclude each other");
        }
        var password = file is null ? await AskAsync(errand) : await ReadAsync(file, errand.Cancellation);
        return password.Length is >= Login.PasswordBytesMin and <= Login.PasswordBytesMax && Utf8.IsValid(password)
            ? password
            : throw new OperatorException(
                $"a password has {Login.PasswordBytesMin} to {Login.PasswordBytesMax} bytes, in UTF-8");
    }

    static async Task<byte[]> ReadAsync(string file, CancellationToken cancellation)
    {
        // Room for a line end, and for one byte that shows it is too long.
        var buffer = new byte[Login.PasswordBytesMax + 3];
        try
        {
            await using var input = file == "-" ? Console.OpenStandardInput() : File.OpenRead(file);
            var length = await input.ReadAtLeastAsync(
                buffer, buffer.Length, throwOnEndOfStream: false, cancellation);
            return buffer.AsSpan(0, length).TrimEnd("\r\n"u8).ToArray();
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"{file} cannot be read: {fault.Message}");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(buffer);
        }
    }

    static async Task<byte[]> AskAsync(Errand errand)
    {
        if (Console.IsInputRedirected)
        {
            throw new OperatorException(
                "nobody can be asked for the password: use --password-file FILE (- for standard input) or --generate");
        }
        var first = await errand.AskAsync(() => HiddenLine("New password: "));
        var again = await errand.AskAsync(() => HiddenLine("The same again: "));
        return CryptographicOperations.FixedTimeEquals(first, again)
            ? first
            : throw new OperatorException("the two differ; nothing was changed");
    }

    static byte[] HiddenLine(string question)
    {
        Console.Error.Write(question);
        StringBuilder line = new();
        while (Console.ReadKey(intercept: true) is { Key: not ConsoleKey.Enter } key)
        {
            if (key.Key == ConsoleKey.Backspace)
                line.Length -= Math.Min(line.Length, 1);
            else if (!char.IsControl(key.KeyChar))
                line.Append(key.KeyChar);
        }
        Console.Error.WriteLine();
        return Encoding.UTF8.GetBytes(line.ToString());
    }
}
