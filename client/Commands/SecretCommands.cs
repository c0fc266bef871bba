using System.CommandLine;
using Conclave.Protocol;
using Conclave.Sdk;

namespace Conclave.Client.Commands;

/// <summary>
/// Named secrets: <c>secret set|get|list|retire</c>. A value is never an argument, and never shown unasked.
/// </summary>
static class SecretCommands
{
    public const string SetName = "set";

    const string StandardInput = "-";

    public static IEnumerable<Command> All(Frame frame)
    {
        var secret = new Command("secret", frame.SealHelp.SecretGroup);
        secret.Add(Set(frame));
        secret.Add(Get(frame));
        secret.Add(List(frame));
        secret.Add(Retire(frame));
        return [secret];
    }

    static Command Set(Frame frame)
    {
        var (lobby, name) = (LobbyCommands.LobbyArgument(frame.Help.Lobby), NameArgument(frame));
        var file = new Option<string>("--from-file") { Description = frame.SealHelp.SecretFile, HelpName = "FILE" };
        var fields = new Option<bool>("--fields") { Description = frame.SealHelp.Fields };
        var previous = EntryCommands.Number(
            frame, "--previous", frame.SealHelp.Previous, (0, EntryCommands.PositionMax));
        return frame.Command(SetName, frame.SealHelp.SecretSet, [lobby, name, file, fields, previous], async visit =>
        {
            var meant = visit.Input.Lobby(visit.Get(lobby)!);
            var named = visit.Input.ItemName(visit.Get(name)!);
            var value = await ValueAsync(visit, visit.Get(file), named);
            var parts = visit.Get(fields) ? visit.Input.Fields(value) : null;
            await using var client = await visit.ConnectSignedInAsync();
            var seq = parts is null
                ? await client.Secrets.SetAsync(meant, named, value, visit.Get(previous), visit.Cancellation)
                : await client.Secrets.SetAsync(meant, named, parts, visit.Get(previous), visit.Cancellation);
            visit.Show(
                () => SealJson.OfSeq(seq),
                () => [visit.Language.Say.Stored(SafeText.OneLine(visit.Get(lobby)!), seq)]);
        });
    }

    static Command Get(Frame frame)
    {
        var (lobby, name) = (LobbyCommands.LobbyArgument(frame.Help.Lobby), NameArgument(frame));
        var field = new Option<string>("--field") { Description = frame.SealHelp.Field, HelpName = "NAME" };
        return frame.Command("get", frame.SealHelp.SecretGet, [lobby, name, field], async visit =>
        {
            var meant = visit.Input.Lobby(visit.Get(lobby)!);
            var named = visit.Input.ItemName(visit.Get(name)!);
            await using var client = await visit.ConnectSignedInAsync();
            var secret = await client.Secrets.GetAsync(meant, named, visit.Cancellation)
                ?? throw NoSuchSecret(visit, named, visit.Get(lobby)!);
            var value = visit.Get(field) is { } part ? PartOf(visit, secret, part) : secret.Value;
            visit.Show(() => SealJson.Of(secret), () => [Shown(value ?? SealJson.OfFields(secret.Fields!))]);
            if (secret.Verdict == Verdict.Unconfirmed)
                visit.Note(visit.Language.Seal.HistoryUnconfirmed);
        });
    }

    static Command List(Frame frame)
    {
        var lobby = LobbyCommands.LobbyArgument(frame.Help.Lobby);
        return frame.Command("list", frame.SealHelp.SecretList, [lobby], async visit =>
        {
            var meant = visit.Input.Lobby(visit.Get(lobby)!);
            await using var client = await visit.ConnectSignedInAsync();
            var secrets = await client.Secrets.ListAsync(meant, visit.Cancellation);
            visit.ShowAll(
                secrets, SealJson.OfListed, all => SealReport.Secrets(all, visit.Language),
                visit.Language.Seal.NoSecrets(SafeText.OneLine(visit.Get(lobby)!)));
        });
    }

    static Command Retire(Frame frame)
    {
        var (lobby, name) = (LobbyCommands.LobbyArgument(frame.Help.Lobby), NameArgument(frame));
        return frame.Command("retire", frame.SealHelp.SecretRetire, [lobby, name], async visit =>
        {
            var meant = visit.Input.Lobby(visit.Get(lobby)!);
            var named = visit.Input.ItemName(visit.Get(name)!);
            await using var client = await visit.ConnectSignedInAsync();
            if (await client.Secrets.GetAsync(meant, named, visit.Cancellation) is null)
                throw NoSuchSecret(visit, named, visit.Get(lobby)!);
            var seq = await client.Secrets.RetireAsync(meant, named, visit.Cancellation);
            visit.Show(
                () => SealJson.OfSeq(seq),
                () => [visit.Language.Seal.Retired(SafeText.OneLine(named), SafeText.OneLine(visit.Get(lobby)!))]);
        });
    }

    static async Task<string> ValueAsync(Visit visit, string? path, string name)
    {
        var seal = visit.Language.Seal;
        // A value that is typed is not shown; one that is piped in loses the line break that echo puts at its end.
        var value = path switch
        {
            null when Terminal.CanAsk => Terminal.AskPassword(seal.AskSecret(SafeText.OneLine(name)))
                ?? throw new OperationCanceledException(),
            null or StandardInput => await EntryCommands.ReadTextAsync(visit),
            _ => visit.Input.Piped(await PasswordSource.ReadAsync(visit, path, Limits.Default.RequestBytesMax)),
        };
        return value.Length > 0
            ? value
            : throw new ClientException(ExitCode.Usage, seal.SecretNeeded, seal.SecretNeededHint);
    }

    static ClientException NoSuchSecret(Visit visit, string name, string lobby)
    {
        var seal = visit.Language.Seal;
        return new ClientException(
            ExitCode.NotFound, seal.NoSuchSecret(SafeText.OneLine(name)),
            seal.NoSuchSecretHint(SafeText.OneLine(lobby)));
    }

    static string PartOf(Visit visit, Secret secret, string part)
    {
        var seal = visit.Language.Seal;
        if (secret.Fields?.TryGetValue(part, out var value) is true)
            return value!;
        var names = string.Join(", ", secret.Fields?.Keys ?? []);
        throw new ClientException(
            ExitCode.NotFound, seal.NoSuchField(SafeText.OneLine(part)), seal.NoSuchFieldHint(SafeText.OneLine(names)));
    }

    // A program gets the value as it is; a terminal must not be steered by it.
    static string Shown(string value) => Terminal.IsSeen ? SafeText.Body(value).TrimStart('\n') : value;

    static Argument<string> NameArgument(Frame frame) => new("NAME") { Description = frame.SealHelp.SecretName };
}
