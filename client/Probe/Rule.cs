using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Conclave.Client.Probe;

/// <summary>One rule of the protocol that shows on the wire, and how to see whether a server keeps it.</summary>
/// <param name="section">The section of docs/protocol.md where it stands.</param>
/// <param name="check">Throws <see cref="BrokenRuleException"/> if the server does not keep it.</param>
/// <param name="name">The name of the check, which is the rule as a sentence.</param>
sealed class Rule(
    string section, Func<Ground, Task> check, [CallerArgumentExpression(nameof(check))] string name = "")
{
    public string Section { get; } = section;

    public string Sentence { get; } = name.Replace('_', ' ');

    /// <summary>What is wrong; null if the server keeps the rule.</summary>
    public async Task<string?> BreachAsync(Ground ground)
    {
        try
        {
            await check(ground);
            return null;
        }
        catch (BrokenRuleException broken)
        {
            return broken.Message;
        }
        catch (Exception fault) when (fault is IOException or HttpRequestException or SocketException)
        {
            return SafeText.OneLine($"the connection broke: {fault.Message}");
        }
    }
}

/// <summary>The server does something else than the protocol says. The message is one line, safe to show.</summary>
sealed class BrokenRuleException(string message) : Exception(SafeText.OneLine(message));
