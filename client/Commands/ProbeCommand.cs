using System.CommandLine;
using Conclave.Client.Probe;

namespace Conclave.Client.Commands;

/// <summary>
/// Tries whether a server keeps the rules of the protocol, with frames of its own and nothing of the SDK: whoever
/// writes another server finds out with it what is still wrong.
/// </summary>
static class ProbeCommand
{
    public static IEnumerable<Command> All(Frame frame)
    {
        var server = new Argument<string>("URL") { Description = frame.Help.ProbedServer };
        var code = PasswordSource.OfCode(frame.Help);
        yield return frame.Command(
            "probe", frame.Help.Probe, [server, code.File],
            async visit => await RunAsync(visit, visit.Input.Server(visit.Get(server)!), code));
    }

    static async Task RunAsync(Visit visit, Uri server, PasswordSource code)
    {
        var say = visit.Language.Say;
        visit.Note(say.Probing(Wording.Address(server)));
        var broken = 0;
        await using (var ground = await PrepareAsync(visit, server, await code.GivenAsync(visit)))
        {
            foreach (var rule in RuleBook.All)
            {
                var breach = await rule.BreachAsync(ground);
                broken += breach is null ? 0 : 1;
                Show(visit, rule, breach);
            }
        }
        var kept = RuleBook.All.Count - broken;
        visit.Show(
            () => JsonLine.Object(json =>
            {
                json.WriteNumber("passed", kept);
                json.WriteNumber("failed", broken);
            }),
            () => [say.ProbeSummary(kept, broken)]);
        if (broken > 0)
            throw new ClientException(ExitCode.Error, say.RulesBroken(broken));
    }

    static async Task<Ground> PrepareAsync(Visit visit, Uri server, string? code)
    {
        try
        {
            return await Ground.PrepareAsync(server, code, visit.Cancellation);
        }
        catch (BrokenRuleException broken)
        {
            throw new ClientException(ExitCode.Error, visit.Language.Say.CannotProbe(broken.Message));
        }
        catch (Exception fault) when (fault is IOException or System.Net.Sockets.SocketException
            or System.Security.Authentication.AuthenticationException)
        {
            throw new ClientException(
                ExitCode.Network, visit.Language.Say.CannotProbe(SafeText.OneLine(fault.Message.TrimEnd('.'))));
        }
    }

    static void Show(Visit visit, Rule rule, string? breach)
    {
        if (visit.Json)
        {
            visit.Terminal.Data(JsonLine.Object(json =>
            {
                json.WriteString("section", rule.Section);
                json.WriteString("rule", rule.Sentence);
                json.WriteBoolean("passed", breach is null);
                if (breach is not null)
                    json.WriteString("why", breach);
            }));
            return;
        }
        visit.Terminal.Data($"{(breach is null ? "pass" : "FAIL")}  {rule.Section}  {rule.Sentence}");
        if (breach is not null)
            visit.Terminal.Data($"         {breach}");
    }
}
