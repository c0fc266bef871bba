using System.Security.Cryptography;
using Conclave.Protocol;
using Conclave.Server.Storage;

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

        public required SealingForm Sealing { get; init; }
    }

    public static Form Read(Request request) => new()
    {
        OldPassword = request.PasswordAttempt("old_password"),
        NewPassword = request.Password("new_password"),
        Sealing = SealingForm.Read(request),
    };

    public static async ValueTask<Answer> RunAsync(Form form, Turn turn)
    {
        try
        {
            var isSealing = await turn.Rooms.Identities.IsSealingAsync(
                turn.Session.Person.PublicToken, turn.Cancellation);
            return form.Sealing.FaultInChange(isSealing) is { } field
                ? Answer.Refuse(
                    ErrorCode.BadRequest,
                    "with an identity, kdf and vault change together with the password, and the identity stays",
                    field)
                : await ChangeAsync(form, turn);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(form.OldPassword);
            CryptographicOperations.ZeroMemory(form.NewPassword);
        }
    }

    static async ValueTask<Answer> ChangeAsync(Form form, Turn turn)
    {
        var rooms = turn.Rooms;
        var session = turn.Session;
        if (!form.Sealing.TryAccept(session.Person.Login, out var identity))
            return SealingForm.BadIdentity();
        var (oldHash, refused) = await PasswordAttempt.CheckAsync(session.Person.Login, form.OldPassword, turn);
        if (refused is not null)
            return refused;
        if (await rooms.Passwords.HashAsync(form.NewPassword, turn.Cancellation) is not { } newHash)
            return Refused.Busy();
        var account = default(SealingAccount);
        if (!form.Sealing.IsEmpty)
        {
            account = await form.Sealing.TryLockAsync(session.Person, form.NewPassword, identity, turn);
            if (account is null)
                return Refused.Busy();
        }
        if (await rooms.Users.ChangePasswordAsync(
            session, oldHash!, newHash, account, rooms.Time.GetUtcNow(), turn.Cancellation) is not { } change)
        {
            return await rooms.Sessions.IsOpenAsync(session, turn.Cancellation)
                ? Refused.BadCredentials()
                : Refused.BadToken();
        }
        if (change.IsWrongIdentity)
            return SealingForm.BadIdentity();
        rooms.Sessions.Announce(session.Person.PublicToken, change.Ended, SessionEnd.PasswordChanged);
        return Answer.Of(new DoneReply());
    }
}
