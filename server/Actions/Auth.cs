using System.Security.Cryptography;
using Conclave.Protocol;
using Conclave.Server.Accounts;

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
        var rooms = turn.Rooms;
        var address = turn.Caller.Address;
        if (!rooms.Throttle.TryBegin(form.Login, address, out var retryAfter))
        {
            return Answer.Refuse(
                ErrorCode.RateLimited,
                "too many failed attempts to sign in; wait",
                retryAfterMs: (long)Math.Ceiling(retryAfter.TotalMilliseconds));
        }
        // The charge is taken back unless the password was looked at.
        var verdict = PasswordVerdict.Overloaded;
        try
        {
            var stored = await rooms.Users.FindPasswordHashAsync(form.Login, turn.Cancellation);
            verdict = await rooms.Passwords.VerifyAsync(stored, form.Password, turn.Cancellation);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(form.Password);
            if (verdict == PasswordVerdict.Match)
                rooms.Throttle.Succeeded(form.Login, address);
            else if (verdict == PasswordVerdict.Overloaded)
                rooms.Throttle.Undone(form.Login, address);
        }
        return verdict switch
        {
            PasswordVerdict.Match => await OpenAsync(form.Login, turn),
            PasswordVerdict.Mismatch => BadCredentials(),
            _ => Refused.Busy(),
        };
    }

    static async ValueTask<Answer> OpenAsync(string login, Turn turn)
    {
        var rooms = turn.Rooms;
        if (await rooms.Users.FindAsync(login, turn.Cancellation) is not { } user)
            return BadCredentials();
        var (session, token) = await rooms.Sessions.OpenAsync(
            user.Person, turn.Caller.Client, turn.Caller.Address, turn.Cancellation);
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

    static Answer BadCredentials() =>
        Answer.Refuse(ErrorCode.BadCredentials, "the login or the password is wrong");
}
