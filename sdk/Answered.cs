using Conclave.Protocol;

namespace Conclave.Sdk;

/// <summary>
/// What a server answers about a user is about the one that it was asked about, by a login that is one: whom people
/// invite, verify and become is theirs to choose, and what is no login could steer a terminal.
/// </summary>
static class Answered
{
    /// <param name="asked">Any form of the login; null if nobody has said who it is.</param>
    /// <param name="answered">The login in the reply.</param>
    /// <exception cref="BrokenServerException">It is somebody else's, or none.</exception>
    public static void About(string? asked, string answered)
    {
        if (Login.Canonical(answered) is not { } canonical || canonical != answered)
            throw new BrokenServerException("it gives a login that is none");
        if (asked is not null && Login.Canonical(asked) != answered)
            throw new BrokenServerException("it answers about another user than it was asked about");
    }

    /// <inheritdoc cref="About"/>
    public static async Task<T> AboutAsync<T>(string asked, Func<T, string> loginOf, Task<T> answering)
    {
        var answer = await answering.ConfigureAwait(false);
        About(asked, loginOf(answer));
        return answer;
    }
}
