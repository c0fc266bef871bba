using System.Security.Cryptography;
using Conclave.Protocol;

namespace Conclave.Server.Actions;

/// <summary>
/// Whoever knows the password may set another; every other session ends, since whoever had the old one may hold a
/// token. Guesses with a stolen token count like guesses at the door.
/// </summary>
static class ChangePassword
{
    // A class: a record would print the passwords.
    public sealed class Form
    {
        public required byte[] OldPassword { get; init; }

        public required byte[] NewPassword { get; init; }
    }

    public static Form Read(Request request) => new()
    {
        OldPassword = request.PasswordAttempt("old_password"),
        NewPassword = request.Password("new_password"),
    };

    public static async ValueTask<Answer> RunAsync(Form form, Turn turn)
    {
        var rooms = turn.Rooms;
        var session = turn.Session;
        try
        {
            var (oldHash, refused) = await PasswordAttempt.CheckAsync(
                session.Person.Login, form.OldPassword, turn);
            if (refused is not null)
                return refused;
            if (await rooms.Passwords.HashAsync(form.NewPassword, turn.Cancellation) is not { } newHash)
                return Refused.Busy();
            if (await rooms.Users.ChangePasswordAsync(
                session, oldHash!, newHash, rooms.Time.GetUtcNow(), turn.Cancellation) is not { } ended)
                return Refused.BadCredentials();
            rooms.Sessions.Announce(session.Person.PublicToken, ended, SessionEnd.PasswordChanged);
            return Answer.Of(new DoneReply());
        }
        finally
        {
            CryptographicOperations.ZeroMemory(form.OldPassword);
            CryptographicOperations.ZeroMemory(form.NewPassword);
        }
    }
}
