using System.CommandLine;
using Conclave.Protocol;
using Conclave.Server.Storage;

namespace Conclave.Server.Operator;

/// <summary><c>user list | disable | enable | delete | reset-password</c>.</summary>
static class UserCommands
{
    static readonly Argument<string> Login = new("LOGIN") { Description = "The user's login." };

    static readonly Option<bool> Yes = new("--yes") { Description = "Do not ask." };

    static readonly Option<string> HandOver = new("--hand-over")
    {
        HelpName = "LOGIN",
        Description = "The member who becomes admin of the lobbies that would be left without one.",
    };

    public static Command Build()
    {
        var user = new Command("user", "Lists, disables, enables and deletes users, and resets passwords.");
        user.Add(CommandTree.Command("list", "Lists all users.", [], ListAsync));
        user.Add(CommandTree.Command(
            "disable", "Ends the user's sessions within a second; they cannot sign in any more.", [Login],
            errand => SwitchAsync(errand, isOn: false)));
        user.Add(CommandTree.Command(
            "enable", "Lets a disabled user sign in again.", [Login], errand => SwitchAsync(errand, isOn: true)));
        user.Add(CommandTree.Command(
            "delete",
            "Deletes the account for good: the user leaves every lobby. What they wrote stays with its lobbies, "
            + "under the login, which nobody else can take.",
            [Login, HandOver, Yes], DeleteAsync));
        user.Add(PasswordReset.Build(Login));
        return user;
    }

    /// <summary>The user who was named.</summary>
    /// <exception cref="OperatorException">There is none, or only one who was deleted.</exception>
    public static async Task<Person> FindAsync(UserLedger users, string login, CancellationToken cancellation)
    {
        if (Protocol.Login.Canonical(login) is not { } canonical
            || await users.FindAsync(canonical, cancellation) is not { } found)
            throw new OperatorException("there is no user with this login: conclave-server user list shows all");
        return found.IsDeleted ? throw new OperatorException($"{canonical} was deleted") : found.Person;
    }

    static async Task<int> ListAsync(Errand errand)
    {
        await using var desk = await Desk.OpenAsync(errand);
        Errand.Row("login", "state", "public_token", "registered_at", "lobbies", "sessions", "last_used_at");
        await foreach (var user in new UserLedger(desk.Database).ListAsync(errand.Cancellation))
        {
            var state = user switch
            {
                { DeletedAt: not null } => "deleted",
                { DisabledAt: not null } => "disabled",
                _ => "active",
            };
            Errand.Row(
                user.Person.Login, state, user.Person.PublicToken.ToString(), Errand.Text(user.RegisteredAt),
                Errand.Text(user.LobbyCount), Errand.Text(user.SessionCount), Errand.Text(user.LastUsedAt));
        }
        return ExitCode.Done;
    }

    static async Task<int> SwitchAsync(Errand errand, bool isOn)
    {
        await using var desk = await Desk.OpenAsync(errand);
        var users = new UserLedger(desk.Database);
        var person = await FindAsync(users, errand.Get(Login), errand.Cancellation);
        var changed = isOn
            ? await users.EnableAsync(person.PublicToken, errand.Cancellation)
            : await users.DisableAsync(person.PublicToken, errand.Cancellation);
        var state = isOn ? "enabled" : "disabled";
        Errand.Note($"{person.Login} {(changed ? "is" : "was already")} {state}");
        return ExitCode.Done;
    }

    static async Task<int> DeleteAsync(Errand errand)
    {
        await using var desk = await Desk.OpenAsync(errand);
        await using var deletion = await UserDeletion.PrepareAsync(desk, errand.Get(Login), errand.Cancellation);
        await deletion.HandOverAsync(errand.Get(HandOver), errand.Cancellation);
        await errand.ConfirmAsync(Yes, $"The account of {deletion.Login} will be gone for good.");
        var left = await deletion.RunAsync(errand.Cancellation);
        Errand.Note($"{deletion.Login} is deleted, and has left {left} {(left == 1 ? "lobby" : "lobbies")}");
        return ExitCode.Done;
    }
}
