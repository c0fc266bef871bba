using System.CommandLine;
using System.Text;

namespace Conclave.Client.Commands;

/// <summary>Where one is signed in, and with which password: <c>sessions</c>, <c>revoke</c>, <c>password</c>.</summary>
static class SessionCommands
{
    public const string PasswordName = "password";

    public static IEnumerable<Command> All(Frame frame) => [Sessions(frame), Revoke(frame), Password(frame)];

    static Command Sessions(Frame frame) => frame.Command("sessions", frame.Help.Sessions, [], async visit =>
    {
        await using var client = await visit.ConnectSignedInAsync();
        var sessions = await client.Account.SessionsAsync(visit.Cancellation);
        visit.ShowAll(sessions, JsonLine.Of, all => Report.Sessions(all, visit.Language));
    });

    static Command Revoke(Frame frame)
    {
        var session = new Argument<string?>("SESSION")
        {
            Description = frame.Help.SessionId,
            Arity = ArgumentArity.ZeroOrOne,
        };
        var others = new Option<bool>("--others") { Description = frame.Help.Others };
        return frame.Command("revoke", frame.Help.Revoke, [session, others], async visit =>
        {
            var say = visit.Language.Say;
            if (visit.Get(session) is null != visit.Get(others))
                throw new ClientException(ExitCode.Usage, say.SessionOrOthers, say.BadSessionHint);
            Guid? meant = visit.Get(session) is { } typed ? visit.Input.SessionId(typed) : null;
            await using var client = await visit.ConnectSignedInAsync();
            var count = meant is { } sessionId
                ? await client.Account.RevokeSessionAsync(sessionId, visit.Cancellation) ? 1 : 0
                : await client.Account.RevokeOtherSessionsAsync(visit.Cancellation);
            visit.Show(() => JsonLine.Revoked(count), () => [say.Revoked(count)]);
        });
    }

    static Command Password(Frame frame)
    {
        var (old, @new) = (PasswordSource.OfUser(frame.Help), PasswordSource.OfNew(frame.Help));
        var plain = new Option<bool>("--plain-account") { Description = frame.SealHelp.PlainAccount };
        return frame.Command(PasswordName, frame.Help.Password, [old.File, @new.File, plain], async visit =>
        {
            await using var client = await visit.ConnectSignedInAsync();
            var login = (await client.WhoamiAsync(visit.Cancellation)).Login;
            var oldPassword = Encoding.UTF8.GetBytes(await old.KnownAsync(visit, login));
            var newPassword = Encoding.UTF8.GetBytes(await @new.NewAsync(visit, login));
            await (visit.Get(plain)
                ? client.Account.ChangePasswordOfPlainAccountAsync(oldPassword, newPassword, visit.Cancellation)
                : client.Account.ChangePasswordAsync(oldPassword, newPassword, visit.Cancellation));
            visit.Show(() => JsonLine.OfLogin(login), () => [visit.Language.Say.PasswordChanged(login)]);
        });
    }
}
