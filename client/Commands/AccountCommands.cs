using System.CommandLine;

namespace Conclave.Client.Commands;

/// <summary>Who one is: <c>register</c>, <c>login</c>, <c>logout</c>, <c>whoami</c>, <c>user</c>.</summary>
static class AccountCommands
{
    public const string RegisterName = "register";
    public const string LoginName = "login";

    public static IEnumerable<Command> All(Frame frame) =>
        [Register(frame), Login(frame), Logout(frame), Whoami(frame), User(frame)];

    static Command Register(Frame frame)
    {
        var login = LoginArgument(frame.Help.NewLogin);
        var source = PasswordSource.OfUser(frame.Help);
        var codes = PasswordSource.OfCode(frame.Help);
        return frame.Command(RegisterName, frame.Help.Register, [login, source.File, codes.File], async visit =>
        {
            var name = visit.Input.Login(visit.Get(login)!);
            var password = await source.NewAsync(visit, name);
            var code = await codes.GivenAsync(visit);
            await using var client = await visit.ConnectAsync();
            Func<Task<string?>>? ask = Terminal.CanAsk
                ? () => Task.FromResult(Terminal.AskPassword(visit.Language.Say.AskCode))
                : null;
            var user = await Registering.RunAsync(client, name, password, code, ask, visit.Cancellation);
            visit.Show(() => JsonLine.Of(user), () => Report.User(user, visit.Language));
            visit.Note(visit.Language.Say.NowSignIn(SafeText.OneLine(user.Login)));
        });
    }

    static Command Login(Frame frame)
    {
        var login = LoginArgument(frame.Help.OwnLogin);
        var source = PasswordSource.OfUser(frame.Help);
        var plain = new Option<bool>("--plain-account") { Description = frame.SealHelp.PlainAccount };
        return frame.Command(LoginName, frame.Help.SignIn, [login, source.File, plain], async visit =>
        {
            var name = visit.Input.Login(visit.Get(login)!);
            var password = await source.KnownAsync(visit, name);
            var session = await visit.Host.SignInAsync(name, password, visit.Get(plain), visit.Cancellation);
            visit.Show(
                () => JsonLine.Of(session, visit.Host.Server),
                () => Report.Session(session, visit.Host.Server, visit.Language));
        });
    }

    static Command Logout(Frame frame)
    {
        var wiped = new Argument<string?>(Frame.LoginArgument)
        {
            Description = frame.SealHelp.LoginToWipe,
            Arity = ArgumentArity.ZeroOrOne,
        };
        return frame.Command("logout", frame.Help.SignOut, [wiped], async visit =>
        {
            var say = visit.Language.Say;
            var named = visit.Get(wiped) is { } typed ? visit.Input.Login(typed) : null;
            if (named is not null && named != visit.Host.SessionToEnd?.Login)
            {
                var had = await visit.Host.WipeKeysAsync(named);
                visit.Show(
                    () => JsonLine.OfLogin(had ? named : null),
                    () => [had ? visit.Language.Seal.KeysWiped(named) : visit.Language.Seal.NoKeysToWipe(named)]);
                return;
            }
            var login = await visit.Host.SignOutAsync(visit.Cancellation);
            visit.Show(
                () => JsonLine.OfLogin(login),
                () => [login is null ? say.WasNotSignedIn : say.SignedOut(SafeText.OneLine(login))]);
            if (login is null)
                visit.Note(visit.Language.Seal.KeysMayBeLeft);
        });
    }

    static Command Whoami(Frame frame) => frame.Command("whoami", frame.Help.Whoami, [], async visit =>
    {
        await using var client = await visit.ConnectSignedInAsync();
        var user = await client.WhoamiAsync(visit.Cancellation);
        visit.Show(
            () => JsonLine.Of(user, visit.Host.Server),
            () => Report.Self(user, visit.Host.Server, visit.Language));
    });

    static Command User(Frame frame)
    {
        var login = LoginArgument(frame.Help.AnyLogin);
        return frame.Command("user", frame.Help.User, [login], async visit =>
        {
            var name = visit.Input.Login(visit.Get(login)!);
            await using var client = await visit.ConnectAsync();
            var user = await client.FindUserAsync(name, visit.Cancellation);
            visit.Show(() => JsonLine.Of(user), () => Report.User(user, visit.Language));
        });
    }

    static Argument<string> LoginArgument(string description) =>
        new(Frame.LoginArgument) { Description = description };
}
