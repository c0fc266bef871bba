using System.Text;
using Conclave.Protocol;
using Conclave.Sdk;

namespace Conclave.Client;

/// <summary>Registration at a server that may ask for a code: only then the person is asked for it.</summary>
static class Registering
{
    /// <param name="client">Connected.</param>
    /// <param name="login">The user to be.</param>
    /// <param name="password">The password to be.</param>
    /// <param name="code">The code; null if none is given.</param>
    /// <param name="ask">Asks for it, null if the person gives up; null where nobody can be asked.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task<RegisterReply> RunAsync(
        ConclaveClient client, string login, string password, string? code, Func<Task<string?>>? ask,
        CancellationToken cancellation)
    {
        var utf8 = Encoding.UTF8.GetBytes(password);
        try
        {
            return await client.RegisterAsync(login, utf8, code, cancellation);
        }
        catch (RefusedException refused) when (code is null && ask is not null && IsAboutCode(refused))
        {
            if (await ask() is not { } typed)
                throw;
            return await client.RegisterAsync(login, utf8, typed, cancellation);
        }
    }

    static bool IsAboutCode(RefusedException refused) =>
        refused is { Code: ErrorCode.RegistrationClosed, Field: not null };
}
