using System.Security.Cryptography;
using Conclave.Protocol;
using Conclave.Roster;
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
            return refused ?? await OpenAsync(form, storedHash!, turn);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(form.Password);
        }
    }

    static async ValueTask<Answer> OpenAsync(Form form, string storedHash, Turn turn)
    {
        var rooms = turn.Rooms;
        if (await rooms.Users.FindAsync(form.Login, turn.Cancellation) is not { } user)
            return Refused.BadCredentials();
        var publicToken = user.Person.PublicToken;
        var (vault, identity) = (default(byte[]), default(AccountIdentity));
        if (await rooms.Identities.FindVaultAsync(publicToken, storedHash, turn.Cancellation) is { } locked)
        {
            vault = await rooms.Vaults.OpenAsync(publicToken, form.Password, locked.Vault, turn.Cancellation);
            if (vault is null)
                return Refused.Busy();
            identity = locked.Identity;
        }
        var (outcome, session, token) = await rooms.Sessions.OpenAsync(
            user.Person, storedHash, turn.Caller.Client, turn.Caller.Address, turn.Cancellation);
        if (outcome != SignIn.Opened)
            return outcome == SignIn.TooMany ? TooManySessions() : Refused.BadCredentials();
        turn.Caller.SignedIn = (session, token);
        turn.Caller.Note(session);
        return Answer.Of(new AuthReply
        {
            Token = token.ToString(),
            PublicToken = publicToken,
            Login = user.Person.Login,
            ExpiresAt = session.ExpiresAt,
            Identity = identity?.ToPart(),
            Vault = vault is null ? null : Base64Text.Encode(vault),
        });
    }

    static Answer TooManySessions() => Answer.Refuse(
        ErrorCode.Limit, "this user has as many sessions in use as may be; end one of them");
}
