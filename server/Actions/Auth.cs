using System.Security.Cryptography;
using Conclave.Protocol;
using Conclave.Server.Storage;

namespace Conclave.Server.Actions;

/// <summary>Whoever knows the password gets a token.</summary>
static class Auth
{
    // A class: a record would print the password.
    public sealed class Form
    {
        public required string Login { get; init; }

        public required byte[] Password { get; init; }
    }

    public static Form Read(Request request) =>
        new() { Login = request.Login(), Password = request.PasswordAttempt() };

    public static async ValueTask<Answer> RunAsync(Form form, Turn turn)
    {
        try
        {
            var (storedHash, refused) = await PasswordAttempt.CheckAsync(form.Login, form.Password, turn);
            return refused ?? await OpenAsync(form.Login, storedHash!, turn);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(form.Password);
        }
    }

    static async ValueTask<Answer> OpenAsync(string login, string storedHash, Turn turn)
    {
        var rooms = turn.Rooms;
        if (await rooms.Users.FindAsync(login, turn.Cancellation) is not { } user)
            return Refused.BadCredentials();
        var (outcome, session, token) = await rooms.Sessions.OpenAsync(
            user.Person, storedHash, turn.Caller.Client, turn.Caller.Address, turn.Cancellation);
        if (outcome != SignIn.Opened)
            return outcome == SignIn.TooMany ? TooManySessions() : Refused.BadCredentials();
        turn.Caller.SignedIn = (session, token);
        turn.Caller.Note(session);
        return Answer.Of(new AuthReply
        {
            Token = token.ToString(),
            PublicToken = user.Person.PublicToken,
            Login = user.Person.Login,
            ExpiresAt = session.ExpiresAt,
        });
    }

    static Answer TooManySessions() => Answer.Refuse(
        ErrorCode.Limit, "this user has as many sessions in use as may be; end one of them");
}
