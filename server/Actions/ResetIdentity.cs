using System.Security.Cryptography;
using Conclave.Protocol;
using Conclave.Server.Storage;

namespace Conclave.Server.Actions;

/// <summary>
/// Gives an account another identity, signed by the one before it if that is still held. In each sealed lobby the old
/// one stays a member until it hands over, or is removed and invited anew. Every other session ends: a device with the
/// old identity would put its vault beside the new one, with its next password.
/// </summary>
static class ResetIdentity
{
    const string SuccessionField = "succession";
    const string IdentityField = "identity";

    // A class: a record would print the password.
    public sealed class Form
    {
        public required byte[] Password { get; init; }

        public required SealingForm Sealing { get; init; }

        public required byte[]? Succession { get; init; }
    }

    public static Form Read(Request request)
    {
        var form = new Form
        {
            Password = request.PasswordAttempt(),
            Sealing = SealingForm.Read(request),
            Succession = request.Bytes(SuccessionField),
        };
        form.Sealing.RequireIdentityAndVault(request);
        return form;
    }

    public static async ValueTask<Answer> RunAsync(Form form, Turn turn)
    {
        try
        {
            return await ResetAsync(form, turn);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(form.Password);
        }
    }

    static async ValueTask<Answer> ResetAsync(Form form, Turn turn)
    {
        var rooms = turn.Rooms;
        var (session, person) = (turn.Session, turn.Session.Person);
        if (!form.Sealing.TryAccept(person.Login, out var identity))
            return SealingForm.BadIdentity();
        var (passwordHash, refused) = await PasswordAttempt.CheckAsync(person.Login, form.Password, turn);
        if (refused is not null)
            return refused;
        if (await rooms.Vaults.LockAsync(person.PublicToken, form.Password, form.Sealing.Vault, turn.Cancellation)
            is not { } vault)
            return Refused.Busy();
        var (outcome, ended) = await rooms.Identities.ResetAsync(
            session, passwordHash!, (identity!, form.Succession, vault), rooms.Time.GetUtcNow(), turn.Cancellation);
        rooms.Sessions.Announce(person.PublicToken, ended, SessionEnd.Revoked);
        return outcome switch
        {
            IdentityReset.Done => Answer.Of(new DoneReply()),
            IdentityReset.PasswordChanged => Refused.BadCredentials(),
            IdentityReset.IsPlain => Answer.Refuse(
                ErrorCode.BadRequest, "this account has no identity yet; change_password gives it one", IdentityField),
            _ => SealingForm.BadIdentity(),
        };
    }
}
