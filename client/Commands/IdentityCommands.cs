using System.CommandLine;
using System.Text;
using Conclave.Sdk;

namespace Conclave.Client.Commands;

/// <summary>One's own identity: <c>account seal|recovery-code|recover|reset-identity</c>.</summary>
static class IdentityCommands
{
    public static IEnumerable<Command> All(Frame frame)
    {
        var account = new Command("account", frame.SealHelp.AccountGroup);
        account.Add(Seal(frame));
        account.Add(RecoveryCode(frame));
        account.Add(Recover(frame));
        account.Add(Reset(frame));
        return [account];
    }

    static Command Seal(Frame frame)
    {
        var (old, @new) = (PasswordSource.OfUser(frame.Help), PasswordSource.OfNew(frame.Help));
        var plain = PlainAccount(frame);
        return frame.Command("seal", frame.SealHelp.AccountSeal, [old.File, @new.File, plain], async visit =>
        {
            await using var client = await visit.ConnectSignedInAsync();
            var login = await PlainLoginAsync(visit, client, visit.Get(plain));
            var oldPassword = await old.KnownAsync(visit, login);
            // A password that the server has seen should not be the one that it must not see.
            var newPassword = await @new.NewAsync(visit, login);
            await client.Account.SealPlainAccountAsync(
                Encoding.UTF8.GetBytes(oldPassword), Encoding.UTF8.GetBytes(newPassword), visit.Cancellation);
            visit.Show(() => JsonLine.OfLogin(login), () => [visit.Language.Seal.AccountSealed(login)]);
        });
    }

    static Command Recover(Frame frame)
    {
        var (old, @new) = (PasswordSource.OfUser(frame.Help), PasswordSource.OfNew(frame.Help));
        var codes = PasswordSource.OfRecovery(frame.SealHelp);
        var plain = PlainAccount(frame);
        Symbol[] symbols = [codes.File, old.File, @new.File, plain];
        return frame.Command("recover", frame.SealHelp.AccountRecover, symbols, async visit =>
        {
            var seal = visit.Language.Seal;
            await using var client = await visit.ConnectSignedInAsync();
            var login = await PlainLoginAsync(visit, client, visit.Get(plain));
            var code = await codes.GivenAsync(visit) ?? await Recovering.HeldCodeAsync(client, visit.Cancellation)
                ?? await codes.AskedAsync(visit, seal.AskRecoveryCode);
            var oldPassword = await old.KnownAsync(visit, login);
            var newPassword = await @new.NewAsync(visit, login);
            await client.Account.RecoverPlainAccountAsync(
                code, Encoding.UTF8.GetBytes(oldPassword), Encoding.UTF8.GetBytes(newPassword), visit.Cancellation);
            visit.Show(() => JsonLine.OfLogin(login), () => [seal.AccountRecovered(login)]);
        });
    }

    static Command RecoveryCode(Frame frame)
    {
        var yes = new Option<bool>("--yes") { Description = frame.SealHelp.Yes };
        return frame.Command("recovery-code", frame.SealHelp.AccountRecovery, [yes], async visit =>
        {
            var seal = visit.Language.Seal;
            await ConfirmAsync(visit, visit.Get(yes), seal.RecoveryMeans, seal.AskRecovery);
            await using var client = await visit.ConnectSignedInAsync();
            var code = await client.Account.RecoveryCodeAsync(visit.Cancellation);
            visit.Show(() => SealJson.OfRecoveryCode(code), () => [code]);
        });
    }

    static Command Reset(Frame frame)
    {
        var source = PasswordSource.OfUser(frame.Help);
        var yes = new Option<bool>("--yes") { Description = frame.SealHelp.Yes };
        return frame.Command("reset-identity", frame.SealHelp.AccountReset, [source.File, yes], async visit =>
        {
            var seal = visit.Language.Seal;
            await ConfirmAsync(visit, visit.Get(yes), seal.ResetMeans, seal.AskReset);
            await using var client = await visit.ConnectSignedInAsync();
            var login = (await client.WhoamiAsync(visit.Cancellation)).Login;
            var password = await source.KnownAsync(visit, login);
            var reset = await client.Account.ResetIdentityAsync(Encoding.UTF8.GetBytes(password), visit.Cancellation);
            visit.Show(
                () => SealJson.Of(reset),
                () => [seal.IdentityReset(login), .. SealReport.Successions(reset.Lobbies, visit.Language)]);
            visit.Note(seal.AfterReset);
        });
    }

    static Option<bool> PlainAccount(Frame frame) =>
        new("--plain-account") { Description = frame.SealHelp.PlainAccount };

    // That an account is plain is only the server's word, and it may be after the password: a person must say so too.
    static async Task<string> PlainLoginAsync(Visit visit, ConclaveClient client, bool isPlain)
    {
        var user = await client.WhoamiAsync(visit.Cancellation);
        if (user.Identity is not null)
            throw new ClientException(ExitCode.Conflict, visit.Language.Seal.AccountSealedAlready(user.Login));
        return isPlain ? user.Login : throw AlarmWording.OfPlainAccount(user.Login, visit.Language);
    }

    static async Task ConfirmAsync(Visit visit, bool isConfirmed, string meaning, string question)
    {
        var seal = visit.Language.Seal;
        if (isConfirmed)
            return;
        if (!Terminal.CanAsk)
            throw new ClientException(ExitCode.Usage, seal.ConfirmationNeeded, seal.ConfirmationNeededHint("--yes"));
        Terminal.Note(meaning);
        if (!await visit.Terminal.AskYesAsync(question, visit.Cancellation))
            throw new OperationCanceledException();
    }
}
