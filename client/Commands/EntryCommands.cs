using System.CommandLine;
using System.Globalization;
using Conclave.Protocol;
using Conclave.Sdk;

namespace Conclave.Client.Commands;

/// <summary>What a lobby holds: <c>send</c>, <c>watch</c>, <c>history</c>, <c>erase</c>.</summary>
static class EntryCommands
{
    public const string SendName = "send";

    const string StandardInput = "-";
    const int PageMax = 1000;

    // Numbers on the wire fit in 53 bits.
    public const long PositionMax = (1L << 53) - 1;

    public static IEnumerable<Command> All(Frame frame) => [Send(frame), Watch(frame), History(frame), Erase(frame)];

    static Command Send(Frame frame)
    {
        var lobby = LobbyCommands.LobbyArgument(frame.Help.Lobby);
        var text = new Argument<string?>("TEXT")
        {
            Description = frame.Help.Text,
            Arity = ArgumentArity.ZeroOrOne,
        };
        var isJson = new Option<bool>("--json-value") { Description = frame.Help.JsonValue };
        var expiresIn = new Option<string?>("--expires-in")
        {
            Description = frame.Help.ExpiresIn,
            HelpName = frame.Help.TimeName,
        };
        return frame.Command(SendName, frame.Help.Send, [lobby, text, isJson, expiresIn], async visit =>
        {
            var meant = visit.Input.Lobby(visit.Get(lobby)!);
            var time = visit.Get(expiresIn) is { } after ? visit.Input.ExpiresIn(after) : (TimeSpan?)null;
            var typed = visit.Get(text);
            if (typed is null or StandardInput)
                typed = await ReadTextAsync(visit);
            var content = visit.Get(isJson) ? visit.Input.JsonValue(typed) : visit.Input.Text(typed);
            await using var client = await visit.ConnectSignedInAsync();
            var reply = await (time is { } limit
                ? client.PostAsync(meant, content, limit, cancellationToken: visit.Cancellation)
                : client.PostAsync(meant, content, cancellationToken: visit.Cancellation));
            visit.Show(
                () => JsonLine.Of(reply), () => [Report.Stored(reply, visit.Get(lobby)!, visit.Language)]);
        });
    }

    static Command Watch(Frame frame)
    {
        var lobby = LobbyCommands.LobbyArgument(frame.Help.Lobby);
        var from = Number(frame, "--from", frame.Help.From, (1, PositionMax));
        return frame.Command("watch", frame.Help.Watch, [lobby, from], async visit =>
        {
            var meant = visit.Input.Lobby(visit.Get(lobby)!);
            var position = visit.Get(from) is { } first ? new Position(first - 1) : (Position?)null;
            await using var client = await visit.ConnectSignedInAsync();
            await using var subscription = await client.SubscribeAsync(meant, position, visit.Cancellation);
            visit.Note(visit.Language.Say.Watching(SafeText.OneLine(subscription.LobbyName)));
            var shown = new ShownEntries(visit, visit.Get(lobby)!);
            await Follow.RunAsync(
                client, subscription, shown.Show, visit.Note, visit.Language.Say, visit.Cancellation);
            shown.End();
        });
    }

    static Command History(Frame frame)
    {
        var lobby = LobbyCommands.LobbyArgument(frame.Help.Lobby);
        var after = Number(frame, "--after", frame.Help.After, (0, PositionMax));
        var before = Number(frame, "--before", frame.Help.Before, (1, PositionMax));
        var limit = Number(frame, "--limit", frame.Help.Limit, (1, PageMax));
        var command = frame.Command("history", frame.Help.History, [lobby, after, before, limit], async visit =>
        {
            var meant = visit.Input.Lobby(visit.Get(lobby)!);
            await using var client = await visit.ConnectSignedInAsync();
            var page = await client.HistoryAsync(
                meant, visit.Get(after), visit.Get(before), (int)(visit.Get(limit) ?? 100),
                cancellationToken: visit.Cancellation);
            var shown = new ShownEntries(visit, visit.Get(lobby)!);
            foreach (var entry in page.Entries)
                shown.Show(entry);
            if (page.More && page.Entries.Count > 0)
            {
                visit.Note(visit.Get(after) is null
                    ? visit.Language.Say.EarlierExist(page.Entries[0].Seq)
                    : visit.Language.Say.LaterExist(page.Entries[^1].Seq));
            }
            shown.End();
        });
        command.Validators.Add(typed =>
        {
            if (typed.GetResult(after) is not null && typed.GetResult(before) is not null)
                typed.AddError(frame.Terminal.Language.Say.OneEnd);
        });
        return command;
    }

    static Command Erase(Frame frame)
    {
        var lobby = LobbyCommands.LobbyArgument(frame.Help.Lobby);
        var number = new Argument<string>("NUMBER") { Description = frame.Help.EntryNumber };
        return frame.Command("erase", frame.Help.Erase, [lobby, number], async visit =>
        {
            var meant = visit.Input.Lobby(visit.Get(lobby)!);
            var seq = visit.Input.EntryNumber(visit.Get(number)!);
            await using var client = await visit.ConnectSignedInAsync();
            await client.Lobbies.EraseMessageAsync(meant, seq, visit.Cancellation);
            visit.Show(() => JsonLine.Done, () => [Report.Erased(visit.Get(lobby)!, seq, visit.Language)]);
        });
    }

    public static async Task<string> ReadTextAsync(Visit visit)
    {
        if (Terminal.CanAsk)
            visit.Note(visit.Language.Say.TypeText);
        // What has more bytes than a whole request cannot be sent; an endless pipe must not fill the memory first.
        var bytesMax = Limits.Default.RequestBytesMax;
        var bytes = await Terminal.ReadAllAsync(bytesMax + 1, visit.Cancellation);
        return bytes.Length <= bytesMax
            ? visit.Input.Piped(bytes)
            : throw Wording.OfCode(ErrorCode.TooLarge, visit.Language, new About());
    }

    public static Option<long?> Number(Frame frame, string name, string description, (long Min, long Max) range)
    {
        var option = new Option<long?>(name) { Description = description, HelpName = "N" };
        option.CustomParser = typed =>
        {
            if (long.TryParse(typed.Tokens[0].Value, CultureInfo.InvariantCulture, out var number)
                && number >= range.Min && number <= range.Max)
                return number;
            typed.AddError(frame.Terminal.Language.Say.BadNumber(name, range.Min, range.Max));
            return null;
        };
        return option;
    }
}
