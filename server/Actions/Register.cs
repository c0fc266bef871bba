using System.Security.Cryptography;
using Conclave.Protocol;
using Conclave.Server.Accounts;
using Conclave.Server.Storage;

namespace Conclave.Server.Actions;

/// <summary>Anybody may make an account, unless the operator closed registration or asks for a code.</summary>
static class Register
{
    const string CodeField = "registration_code";

    // A class: a record would print the password and the code.
    public sealed class Form
    {
        public required string Login { get; init; }

        public required byte[] Password { get; init; }

        public required string? Code { get; init; }

        public required SealingForm Sealing { get; init; }
    }

    public static Form Read(Request request)
    {
        var (login, password, code) = (request.Login(), request.Password(), request.OptionalText(CodeField));
        var sealing = SealingForm.Read(request);
        sealing.RequireAllOrNone(request);
        return new Form
        {
            Login = login,
            Password = password,
            Code = code,
            Sealing = sealing,
        };
    }

    public static async ValueTask<Answer> RunAsync(Form form, Turn turn)
    {
        try
        {
            if (!turn.Rooms.Registration.Admits(form.Code))
                return Closed(turn.Rooms.Registration);
            if (!form.Sealing.TryAccept(form.Login, out var identity))
                return SealingForm.BadIdentity();
            // Looked up first, so that a taken login costs no hash.
            if (await turn.Rooms.Users.FindAsync(form.Login, turn.Cancellation) is not null)
                return Taken();
            if (await turn.Rooms.Passwords.HashAsync(form.Password, turn.Cancellation) is not { } hash)
                return Refused.Busy();
            var person = new Person(form.Login, Guid.NewGuid());
            var account = default(SealingAccount);
            if (identity is not null)
            {
                account = await form.Sealing.TryLockAsync(person, form.Password, identity, turn);
                if (account is null)
                    return Refused.Busy();
            }
            return await AddAsync(person, hash, account, turn)
                ? Answer.Of(new RegisterReply { Login = person.Login, PublicToken = person.PublicToken })
                : Taken();
        }
        finally
        {
            CryptographicOperations.ZeroMemory(form.Password);
        }
    }

    static Task<bool> AddAsync(Person person, string hash, SealingAccount? account, Turn turn) => account is null
        ? turn.Rooms.Users.AddAsync(person, hash, turn.Cancellation)
        : turn.Rooms.Identities.AddUserAsync(person, hash, account, turn.Cancellation);

    static Answer Taken() => Answer.Refuse(ErrorCode.LoginTaken, "this login is taken", "login");

    static Answer Closed(Registration registration) => registration.AsksForCode
        ? Answer.Refuse(
            ErrorCode.RegistrationClosed, "registration takes the code that the operator gives out", CodeField)
        : Answer.Refuse(ErrorCode.RegistrationClosed, "the operator has closed registration");
}
