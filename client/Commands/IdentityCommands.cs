using System.CommandLine;
using System.Text;

namespace Conclave.Client.Commands;

/// <summary>One's own identity: <c>account seal|recovery-code</c>.</summary>
static class IdentityCommands
{
    public static IEnumerable<Command> All(Frame frame)
    {
        var account = new Command("account", frame.SealHelp.AccountGroup);
        account.Add(Seal(frame));
        account.Add(RecoveryCode(frame));
        return [account];
    }

    static Command Seal(Frame frame)
    {
        var (old, @new) = (PasswordSource.OfUser(frame.Help), PasswordSource.OfNew(frame.Help));
        return frame.Command("seal", frame.SealHelp.AccountSeal, [old.File, @new.File], async visit =>
        {
            var seal = visit.Language.Seal;
            await using var client = await visit.ConnectSignedInAsync();
            var user = await client.WhoamiAsync(visit.Cancellation);
            if (user.Identity is not null)
                throw new ClientException(ExitCode.Conflict, seal.AccountSealedAlready(user.Login));
            var oldPassword = await old.KnownAsync(visit, user.Login);
            // A password that the server has seen should not be the one that it must not see.
            var newPassword = await @new.NewAsync(visit, user.Login);
            await client.Account.SealAsync(
                Encoding.UTF8.GetBytes(oldPassword), Encoding.UTF8.GetBytes(newPassword), visit.Cancellation);
            visit.Show(() => JsonLine.OfLogin(user.Login), () => [seal.AccountSealed(user.Login)]);
        });
    }

    static Command RecoveryCode(Frame frame)
    {
        var yes = new Option<bool>("--yes") { Description = frame.SealHelp.Yes };
        return frame.Command("recovery-code", frame.SealHelp.AccountRecovery, [yes], async visit =>
        {
            var seal = visit.Language.Seal;
            if (!visit.Get(yes))
            {
                if (!Terminal.CanAsk)
                {
                    throw new ClientException(
                        ExitCode.Usage, seal.ConfirmationNeeded, seal.ConfirmationNeededHint("--yes"));
                }
                Terminal.Note(seal.RecoveryMeans);
                if (!await visit.Terminal.AskYesAsync(seal.AskRecovery, visit.Cancellation))
                    throw new OperationCanceledException();
            }
            await using var client = await visit.ConnectSignedInAsync();
            var code = await client.Account.RecoveryCodeAsync(visit.Cancellation);
            visit.Show(() => SealJson.OfRecoveryCode(code), () => [code]);
        });
    }
}
