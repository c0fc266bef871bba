using Conclave.Protocol;

namespace Conclave.Server.Actions;

/// <summary>Anybody may know that a user exists.</summary>
static class GetPublicToken
{
    public static string Read(Request request) => request.Login();

    public static async ValueTask<Answer> RunAsync(string login, Turn turn)
    {
        if (await turn.Rooms.Users.FindAsync(login, turn.Cancellation) is not { } user)
            return Refused.NoSuchUser();
        return Answer.Of(new UserReply
        {
            Login = user.Person.Login,
            PublicToken = user.Person.PublicToken,
            RegisteredAt = user.RegisteredAt,
        });
    }
}
