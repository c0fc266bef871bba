namespace Conclave.Client;

/// <summary>
/// What cannot be done, in the user's language, and how the program ends because of it. The message never holds a
/// secret, and anything of others in it is already safe to show.
/// </summary>
/// <param name="exitCode">One of <see cref="Client.ExitCode"/>.</param>
/// <param name="message">What happened: no capital, no full stop.</param>
/// <param name="hint">What to do next, if there is something to say.</param>
/// <param name="meaning">Of an alarm: what it may mean.</param>
sealed class ClientException(int exitCode, string message, string? hint = null, string? meaning = null)
    : Exception(message)
{
    public int ExitCode { get; } = exitCode;

    public string? Hint { get; } = hint;

    public string? Meaning { get; } = meaning;
}
