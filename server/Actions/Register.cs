using System.Security.Cryptography;
using Conclave.Protocol;

namespace Conclave.Server.Actions;

/// <summary>Anybody may make an account.</summary>
static class Register
{
    // A class: a record would print the password.
    public sealed class Form
    {
        public required string Login { get; init; }

        public required byte[] Password { get; init; }
    }

    public static Form Read(Request request)
    {
        var form = new Form { Login = request.Login(), Password = request.Password() };
        NotYet.Refuse(request, "registration_code");
        return form;
    }

    public static async ValueTask<Answer> RunAsync(Form form, Turn turn)
    {
        try
        {
            // Looked up first, so that a taken login costs no hash.
            if (await turn.Rooms.Users.FindAsync(form.Login, turn.Cancellation) is not null)
                return Taken();
            if (await turn.Rooms.Passwords.HashAsync(form.Password, turn.Cancellation) is not { } hash)
                return Refused.Busy();
            var person = new Person(form.Login, Guid.NewGuid());
            if (!await turn.Rooms.Users.AddAsync(person, hash, turn.Cancellation))
                return Taken();
            return Answer.Of(new RegisterReply { Login = person.Login, PublicToken = person.PublicToken });
        }
        finally
        {
            CryptographicOperations.ZeroMemory(form.Password);
        }
    }

    static Answer Taken() => Answer.Refuse(ErrorCode.LoginTaken, "this login is taken", "login");
}
