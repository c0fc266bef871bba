using Conclave.Protocol;
using Conclave.Server.Storage;

namespace Conclave.Server.Actions;

/// <summary>Anybody may know that a user exists, and by which identity.</summary>
static class GetPublicToken
{
    public static string Read(Request request) => request.Login();

    public static ValueTask<Answer> RunAsync(string login, Turn turn) =>
        turn.Rooms.Outage.RideAsync(
            async () => await turn.Rooms.Users.FindAsync(login, turn.Cancellation) is { } user
                ? await TellAsync(user, turn)
                : Refused.NoSuchUser(),
            turn.Cancellation);

    public static async ValueTask<Answer> TellAsync(User user, Turn turn)
    {
        var identity = await turn.Rooms.Identities.FindAsync(user.Person.PublicToken, turn.Cancellation);
        return Answer.Of(new UserReply
        {
            Login = user.Person.Login,
            PublicToken = user.Person.PublicToken,
            RegisteredAt = user.RegisteredAt,
            Identity = identity?.ToPart(),
        });
    }
}
